/**
 * DNS-like names of workloads: `<service account>.<namespace>.serviceaccount.identity.<control plane>.<trust domain>`.
 */

export interface TrustDomain {
  readonly controlPlaneNamespace: string;
  readonly trustDomain: string;
}

/** The name of whatever runs as a service account. */
export function serviceAccountIdentity(name: string, namespace: string, domain: TrustDomain): string {
  return `${name}.${namespace}.serviceaccount.identity.${domain.controlPlaneNamespace}.${domain.trustDomain}`;
}

/** The name of a control plane component. */
export function componentIdentity(
  component: "destination" | "identity" | "proxy-injector",
  domain: TrustDomain,
): string {
  return serviceAccountIdentity(`linkerd-${component}`, domain.controlPlaneNamespace, domain);
}

/** Takes an identity apart; undefined for a name of another form (an external workload's, say). */
export function parseServiceAccountIdentity(
  identity: string,
): { name: string; namespace: string; controlPlaneNamespace: string; trustDomain: string } | undefined {
  const labels = identity.split(".");
  const at = labels.indexOf("serviceaccount");
  if (at < 2 || labels[at + 1] !== "identity" || labels.length < at + 4) return undefined;
  return {
    name: labels.slice(0, at - 1).join("."),
    namespace: labels[at - 1]!,
    controlPlaneNamespace: labels[at + 2]!,
    trustDomain: labels.slice(at + 3).join("."),
  };
}
