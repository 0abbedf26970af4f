/**
 * Codes of the data plane. They stand in a proxy's log and, as the detail of the response, in the header
 * `l5d-proxy-error`; several share one value of the metrics' label `error`.
 */
import { explanations } from "./explanation.ts";

export const PROXY_CODES = explanations("proxy", {
  "bad-request": [
    "The client sent what is not HTTP as the mesh accepts it; answered with 400, 414, 431, 501 or 505.",
    "read the detail in l5d-proxy-error; when the port does not speak HTTP, mark it: config.linkerd.io/opaque-ports",
  ],
  "unauthorized": [
    "A policy of the server does not let this client in; answered with 403.",
    "look for an AuthorizationPolicy that names the client's identity, and at the pod's default-inbound-policy",
  ],
  "no-endpoints": [
    "The Service has no endpoint that is ready; answered with 504.",
    "see whether its pods are ready and its selector fits: kubectl get endpointslices -l kubernetes.io/service-name=NAME",
  ],
  "failfast": [
    "No endpoint became available for so long that requests are refused at once; answered with 504.",
    "see why the server's pods do not accept connections: linkerd stat pod, and their logs",
  ],
  "load-shed": [
    "The proxy holds as many requests as it may and refuses more; answered with 503.",
    "give the server more replicas, or the proxy more CPU: config.linkerd.io/proxy-cpu-limit",
  ],
  "connect-timeout": [
    "The server's address did not answer in the connect timeout; answered with 504.",
    "see whether the pod runs and no NetworkPolicy stands between; the limit is config.linkerd.io/proxy-outbound-connect-timeout",
  ],
  "connect-failed": [
    "The server's address refused the connection; answered with 502.",
    "see whether the application listens on that port, and not on loopback alone",
  ],
  "tls-failed": [
    "The proxies could not agree on mutual TLS; answered with 502.",
    "run linkerd check --proxy: the usual cause is a pod that still has other trust anchors",
  ],
  "upstream-reset": [
    "The server ended the connection before its response was complete; answered with 502 where nothing was sent yet.",
    "look at the server's log at that moment; a request that is safe to repeat may be retried",
  ],
  "refused": [
    "The server took the connection and refused the request before it looked at it (HTTP/2 REFUSED_STREAM); 503.",
    "it may be sent again; when it is frequent, look at the server's limit of concurrent streams",
  ],
  "bad-response": [
    "The server answered what is not HTTP; answered with 502.",
    "see whether the port speaks another protocol, and mark it then: config.linkerd.io/opaque-ports",
  ],
  "identity-required": [
    "The server asks for mutual TLS and this request would have gone without; answered with 502.",
    "mesh the client and the server, or drop the port from proxy-require-identity-inbound-ports",
  ],
  "forbidden-route": [
    "The policy forbids what is sent there, or its route leads nowhere; answered with 404, or closed.",
    "compare with the routes of the Service or EgressNetwork, and see whether the Service has that port",
  ],
  "route-not-found": [
    "No route takes the request, by its host, path, method and headers; answered with 404.",
    "compare it with the HTTPRoutes and GRPCRoutes of the Service or the Server: kubectl get httproutes -A -o yaml",
  ],
  "redirect": [
    "A route of the mesh tells the client to ask elsewhere; answered with the route's status and a Location.",
    "nothing is wrong; look for a RequestRedirect filter in the HTTPRoutes of the Service or the Server",
  ],
  "injected-failure": [
    "A route of the mesh fails this request, as its policy asks, or its backend does not exist; the detail says which.",
    "look at the HTTPRoute's backendRefs, and for an EgressNetwork whose trafficPolicy is Deny",
  ],
  "rate-limited": [
    "The server's HTTPLocalRateLimitPolicy takes no more at this moment; answered with 429.",
    "ask less often, or raise its total, identity or override: kubectl get httplocalratelimitpolicies -A",
  ],
  "request-timeout": [
    "The route's time for a whole request was over; answered with 504.",
    "compare timeouts.request, or timeout.linkerd.io/request, with what the server takes",
  ],
  "call-timeout": [
    "The time that a gRPC client gave its call (grpc-timeout) was over; DEADLINE_EXCEEDED.",
    "give the call more time, or see what its server takes so long for",
  ],
  "response-timeout": [
    "The route's time for a response was over; answered with 504.",
    "compare timeout.linkerd.io/response with what the server takes",
  ],
  "attempt-timeout": [
    "The route's time for one attempt was over, and it was the last; answered with 504.",
    "compare retry.linkerd.io/timeout with what the server takes",
  ],
  "idle-timeout": [
    "Nothing was sent either way for the route's idle time; the request was ended.",
    "compare timeout.linkerd.io/idle with the pauses of the application",
  ],
  "no-dispatcher": [
    "The route leads to a backend that does not exist; answered with 502.",
    "compare the names in the route's backendRefs with the Services there are",
  ],
  "invalid-policy": [
    "The policy controller sent what this proxy cannot follow; answered with 500 rather than let through.",
    "compare versions with linkerd version --proxy",
  ],
  "lookup-refused": [
    "The control plane refused to say where this address leads; answered with 502.",
    "look at the log of linkerd-destination",
  ],
  "not-a-gateway": [
    "A peer asked this proxy for a name that it is no gateway to, or that nobody knows; answered with 404.",
    "see whether the pod has config.linkerd.io/enable-gateway, and the Service of that name exists in its cluster",
  ],
  "loop": [
    "The request came back to the proxy that sent it; answered with 508.",
    "do not send to the proxy's own port (4143), and see whether a Service selects its own client",
  ],
  "shutting-down": [
    "The proxy is ending and takes nothing new; answered with 503.",
    "retry; when it is frequent, set config.alpha.linkerd.io/proxy-wait-before-exit-seconds",
  ],
  "internal": [
    "A fault of the proxy itself; answered with 500.",
    "keep its log (kubectl logs POD -c linkerd-proxy) and report it",
  ],
});
