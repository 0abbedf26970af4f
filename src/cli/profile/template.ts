/** A ServiceProfile to be filled in by hand. */
export function profileTemplate(service: string, namespace: string, domain: string): string {
  return `### ServiceProfile for ${service}.${namespace} ###
apiVersion: linkerd.io/v1alpha2
kind: ServiceProfile
metadata:
  name: ${service}.${namespace}.svc.${domain}
  namespace: ${namespace}
spec:
  # Routes of the service. A request belongs to the first whose condition holds, or to none.
  routes:
  # The route's name stands in metrics and in the output of commands.
  - name: GET /books/{id}
    condition:
      method: GET
      pathRegex: /books/[^/]*
      # all, any and not combine conditions:
      # any:
      # - method: GET
      # - method: HEAD
    # Which responses are failures; without it those of 500 and above.
    # responseClasses:
    # - condition:
    #     status:
    #       min: 500
    #       max: 599
    #   isFailure: true
    # Requests may be sent again when they failed: for those that do no harm twice.
    # isRetryable: true
    # How long a request may take, with all that is sent again.
    # timeout: 250ms
  # How many requests may be sent again: a share of all, and as many a second in any case.
  # retryBudget:
  #   retryRatio: 0.2
  #   minRetriesPerSecond: 10
  #   ttl: 10s
`;
}
