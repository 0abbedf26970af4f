/** Names and numbers every part of the mesh agrees on: namespaces, containers, ports, objects. Linkerd's. */

export const CONTROL_PLANE_NAMESPACE = "linkerd";
export const CLUSTER_DOMAIN = "cluster.local";

export const PROXY_CONTAINER = "linkerd-proxy";
export const INIT_CONTAINER = "linkerd-init";
export const VALIDATOR_CONTAINER = "linkerd-network-validator";
export const DEBUG_CONTAINER = "linkerd-debug";

/** Ports a proxy listens on. */
export const PROXY_PORTS = { outbound: 4140, inbound: 4143, control: 4190, admin: 4191 } as const;
/** The uid a proxy runs as, whose connections are not redirected. */
export const PROXY_UID = 2102;
/** Packets of the proxy carry it where the kernel allows: the redirection lets them pass. */
export const PROXY_MARK = 0x4c5d;
export const CONTROLLER_UID = 2103;

/** Ports the control plane's roles serve on. */
export const CONTROL_PORTS = {
  identity: 8080,
  identityAdmin: 9990,
  destination: 8086,
  destinationAdmin: 9996,
  policy: 8090,
  policyAdmin: 9990,
  injector: 8443,
  injectorAdmin: 9995,
  metricsApi: 8085,
  metricsApiHttp: 8080,
  metricsApiAdmin: 9995,
  web: 8084,
  webAdmin: 9994,
} as const;

/** Gauge of controllers: seconds since a kind of objects could last be listed or watched, by `kind`. */
export const STALE_GAUGE = "kubernetes_watch_stale_seconds";

export const CONFIG_MAP = "linkerd-config";
export const TRUST_ROOTS_CONFIG_MAP = "linkerd-identity-trust-roots";
export const TRUST_ROOTS_KEY = "ca-bundle.crt";
export const ISSUER_SECRET = "linkerd-identity-issuer";
export const INJECTOR_WEBHOOK_CONFIGURATION = "linkerd-proxy-injector-webhook-config";
export const POLICY_VALIDATOR_CONFIGURATION = "linkerd-policy-validator-webhook-config";
export const PROFILE_VALIDATOR_CONFIGURATION = "linkerd-sp-validator-webhook-config";
/** What the injector's server is asked for by those who write policies, routes and ServiceProfiles. */
export const VALIDATOR_CONFIGURATIONS = [
  POLICY_VALIDATOR_CONFIGURATION,
  PROFILE_VALIDATOR_CONFIGURATION,
] as const;
export const VALIDATOR_PATH = "/validate";
export const INJECTOR_SERVICE = "linkerd-proxy-injector";

/** metrics-api's Deployment, Service and service account: who scrapes proxies, and taps them. */
export const METRICS_API = "metrics-api";
/** The audience of the token that proves to metrics-api that its bearer may tap. */
export const TAP_AUDIENCE = "tap.linkerd.io";
/** The header that brings it. */
export const TAP_TOKEN_HEADER = "l5d-tap-token";
/** The audience of the token a proxy proves itself with. */
export const IDENTITY_AUDIENCE = "identity.l5d.io";
export const IDENTITY_DIRECTORY = "/var/run/linkerd/identity/end-entity";
export const IDENTITY_TOKEN_DIRECTORY = "/var/run/secrets/tokens";
export const IDENTITY_TOKEN_NAME = "linkerd-identity-token";

/** Where the control plane's containers find what is mounted for them. */
export const VALUES_FILE = "/var/run/linkerd/config/values";
export const ISSUER_DIRECTORY = "/var/run/linkerd/identity/issuer";
export const TRUST_ROOTS_DIRECTORY = "/var/run/linkerd/identity/trust-roots";

/** When the issuer and each trust anchor end: told by identity, read by metrics-api. */
export const CERTIFICATE_END_METRIC = "identity_certificate_end_timestamp_seconds";

/** Default policies of a port that no Server selects. */
export const DEFAULT_POLICIES = [
  "all-unauthenticated",
  "all-authenticated",
  "cluster-unauthenticated",
  "cluster-authenticated",
  "deny",
  "audit",
] as const;
export type DefaultPolicy = typeof DEFAULT_POLICIES[number];

export function isDefaultPolicy(name: string): name is DefaultPolicy {
  return (DEFAULT_POLICIES as readonly string[]).includes(name);
}

/** Networks whose addresses belong to the cluster, unless configured otherwise. */
export const CLUSTER_NETWORKS = "10.0.0.0/8,100.64.0.0/10,172.16.0.0/12,192.168.0.0/16,fd00::/8";
/** Ports of protocols where the server speaks first. */
export const OPAQUE_PORTS = "25,587,3306,4444,5432,6379,9300,11211";
