/** The environment a proxy is configured by, variable by variable as Linkerd's injector writes it. */
import { formatProxyDuration, parseGoDuration } from "../../mesh/duration.ts";
import { componentIdentity, serviceAccountIdentity } from "../../mesh/identity.ts";
import {
  CONTROL_PORTS,
  IDENTITY_DIRECTORY,
  IDENTITY_TOKEN_DIRECTORY,
  IDENTITY_TOKEN_NAME,
  METRICS_API,
  PROXY_CONTAINER,
  TRUST_ROOTS_CONFIG_MAP,
  TRUST_ROOTS_KEY,
} from "../../mesh/names.ts";
import type { EnvVar, Values } from "../../mesh/values.ts";
import { wholeCores } from "./resources.ts";
import { tracingVariables } from "./tracing.ts";

/** What sets one proxy apart from the next beside its values. */
export interface ProxyPlace {
  /** The control plane component it belongs to: it reaches that over the loopback. */
  readonly component?: "identity" | "destination";
  /** Anchors by reference to the ConfigMap, as the control plane's own pods have them. */
  readonly readsTrustRootsFromConfigMap?: boolean;
  /** metrics-api may watch its requests one by one. */
  readonly isTapped?: boolean;
  /** Ports the pod's containers declare. */
  readonly inboundPorts: readonly number[];
}

/** Any time-out that is switched off. */
const NEVER = "365d";

/** Control names are absolute, so that no search domain is tried first. */
function controlAddress(values: Values, service: string, port: number, isLocal: boolean): string {
  return isLocal
    ? `localhost.:${port}`
    : `${service}.${values.namespace}.svc.${values.clusterDomain}.:${port}`;
}

function proxyDuration(text: string): string {
  const milliseconds = parseGoDuration(text);
  return milliseconds === undefined ? text : formatProxyDuration(milliseconds);
}

export function proxyEnvironment(values: Values, place: ProxyPlace): EnvVar[] {
  const { proxy } = values;
  const domain = { controlPlaneNamespace: values.namespace, trustDomain: values.identityTrustDomain };
  const destination = componentIdentity("destination", domain);
  const isDestination = place.component === "destination";
  const any = values.disableIPv6 ? "0.0.0.0" : "[::]";
  const loopbacks = values.disableIPv6 ? ["127.0.0.1"] : ["127.0.0.1", "[::1]"];
  const env: EnvVar[] = [];
  const set = (name: string, value: string | number | boolean) => env.push({ name, value: String(value) });
  const proxySet = (name: string, value: string | number | boolean) => set(`LINKERD2_PROXY_${name}`, value);
  const field = (name: string, fieldPath: string) =>
    env.push({ name, valueFrom: { fieldRef: { fieldPath } } });
  const opt = (name: string, value: string) => value === "" ? undefined : proxySet(name, value);

  field("_pod_name", "metadata.name");
  field("_pod_ns", "metadata.namespace");
  field("_pod_uid", "metadata.uid");
  field("_pod_ip", "status.podIP");
  field("_pod_nodeName", "spec.nodeName");
  set("_pod_containerName", PROXY_CONTAINER);
  const minimum = wholeCores(proxy.resources.cpu.request) ?? proxy.runtime.workers.minimum;
  const maximum = wholeCores(proxy.resources.cpu.limit);
  proxySet("CORES", minimum);
  proxySet("CORES_MIN", minimum);
  if (maximum !== undefined) proxySet("CORES_MAX", Math.max(minimum, maximum));
  if (proxy.runtime.workers.maximumCPURatio > 0) {
    proxySet("CORES_MAX_RATIO", proxy.runtime.workers.maximumCPURatio);
  }
  opt("INBOUND_PORTS_REQUIRE_IDENTITY", proxy.requireIdentityOnInboundPorts);
  proxySet("SHUTDOWN_ENDPOINT_ENABLED", proxy.enableShutdownEndpoint);
  proxySet("LOG", logFilter(proxy.logLevel, proxy.logHTTPHeaders));
  proxySet("LOG_FORMAT", proxy.logFormat);
  opt("ACCESS_LOG", proxy.accessLog);
  proxySet(
    "DESTINATION_SVC_ADDR",
    controlAddress(values, "linkerd-dst-headless", CONTROL_PORTS.destination, isDestination),
  );
  proxySet("DESTINATION_PROFILE_NETWORKS", values.clusterNetworks);
  proxySet(
    "POLICY_SVC_ADDR",
    controlAddress(values, "linkerd-policy", CONTROL_PORTS.policy, isDestination),
  );
  proxySet("POLICY_WORKLOAD", '{"ns":"$(_pod_ns)", "pod":"$(_pod_name)"}');
  proxySet("INBOUND_DEFAULT_POLICY", proxy.defaultInboundPolicy);
  proxySet("POLICY_CLUSTER_NETWORKS", values.clusterNetworks);
  proxySet("CONTROL_STREAM_INITIAL_TIMEOUT", proxy.control.streams.initialTimeout);
  proxySet("CONTROL_STREAM_IDLE_TIMEOUT", proxy.control.streams.idleTimeout);
  proxySet("CONTROL_STREAM_LIFETIME", proxy.control.streams.lifetime);
  proxySet("INBOUND_CONNECT_TIMEOUT", proxy.inboundConnectTimeout);
  proxySet("OUTBOUND_CONNECT_TIMEOUT", proxy.outboundConnectTimeout);
  proxySet("OUTBOUND_DISCOVERY_IDLE_TIMEOUT", proxy.outboundDiscoveryCacheUnusedTimeout);
  proxySet("INBOUND_DISCOVERY_IDLE_TIMEOUT", proxy.inboundDiscoveryCacheUnusedTimeout);
  if (proxy.disableOutboundProtocolDetectTimeout) proxySet("OUTBOUND_DETECT_TIMEOUT", NEVER);
  if (proxy.disableInboundProtocolDetectTimeout) proxySet("INBOUND_DETECT_TIMEOUT", NEVER);
  proxySet("CONTROL_LISTEN_ADDR", `${any}:${proxy.ports.control}`);
  proxySet("ADMIN_LISTEN_ADDR", `${any}:${proxy.ports.admin}`);
  proxySet("OUTBOUND_LISTEN_ADDR", `127.0.0.1:${proxy.ports.outbound}`);
  proxySet("OUTBOUND_LISTEN_ADDRS", loopbacks.map((host) => `${host}:${proxy.ports.outbound}`).join(","));
  proxySet("INBOUND_LISTEN_ADDR", `${any}:${proxy.ports.inbound}`);
  field("LINKERD2_PROXY_INBOUND_IPS", "status.podIPs");
  proxySet("INBOUND_PORTS", proxy.podInboundPorts || place.inboundPorts.join(","));
  if (proxy.isGateway) proxySet("INBOUND_GATEWAY_SUFFIXES", `svc.${values.clusterDomain}.`);
  if (proxy.isIngress) proxySet("INGRESS_MODE", true);
  proxySet(
    "DESTINATION_PROFILE_SUFFIXES",
    proxy.enableExternalProfiles ? "." : `svc.${values.clusterDomain}.`,
  );
  proxySet("INBOUND_ACCEPT_KEEPALIVE", "10000ms");
  proxySet("OUTBOUND_CONNECT_KEEPALIVE", "10000ms");
  proxySet("INBOUND_ACCEPT_USER_TIMEOUT", "30s");
  proxySet("OUTBOUND_CONNECT_USER_TIMEOUT", "30s");
  proxySet("OUTBOUND_METRICS_HOSTNAME_LABELS", proxy.metrics.hostnameLabels);
  for (const side of ["INBOUND", "OUTBOUND"] as const) {
    const { http2 } = (side === "INBOUND" ? proxy.inbound : proxy.outbound).server;
    proxySet(`${side}_SERVER_HTTP2_KEEP_ALIVE_INTERVAL`, http2.keepAliveInterval);
    proxySet(`${side}_SERVER_HTTP2_KEEP_ALIVE_TIMEOUT`, http2.keepAliveTimeout);
  }
  proxySet("INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION", proxy.opaquePorts);
  proxySet(
    "DESTINATION_CONTEXT",
    '{"ns":"$(_pod_ns)", "nodeName":"$(_pod_nodeName)", "pod":"$(_pod_name)"}',
  );
  field("_pod_sa", "spec.serviceAccountName");
  proxySet("IDENTITY_DIR", IDENTITY_DIRECTORY);
  if (place.readsTrustRootsFromConfigMap === true) {
    env.push({
      name: "LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS",
      valueFrom: { configMapKeyRef: { name: TRUST_ROOTS_CONFIG_MAP, key: TRUST_ROOTS_KEY } },
    });
  } else proxySet("IDENTITY_TRUST_ANCHORS", values.identityTrustAnchorsPEM);
  proxySet(
    "IDENTITY_TOKEN_FILE",
    values.identity.serviceAccountTokenProjection
      ? `${IDENTITY_TOKEN_DIRECTORY}/${IDENTITY_TOKEN_NAME}`
      : "/var/run/secrets/kubernetes.io/serviceaccount/token",
  );
  proxySet(
    "IDENTITY_SVC_ADDR",
    controlAddress(
      values,
      "linkerd-identity-headless",
      CONTROL_PORTS.identity,
      place.component === "identity",
    ),
  );
  proxySet(
    "IDENTITY_LOCAL_NAME",
    `$(_pod_sa).$(_pod_ns).serviceaccount.identity.${values.namespace}.${values.identityTrustDomain}`,
  );
  proxySet("IDENTITY_SVC_NAME", componentIdentity("identity", domain));
  proxySet("DESTINATION_SVC_NAME", destination);
  proxySet("POLICY_SVC_NAME", destination);
  if (place.isTapped === true) {
    proxySet("TAP_SVC_NAME", serviceAccountIdentity(METRICS_API, values.namespace, domain));
  }
  opt("SHUTDOWN_GRACE_PERIOD", proxyDuration(proxy.shutdownGracePeriod));
  for (const [name, value] of tracingVariables(values)) proxySet(name, value);
  return overlay(env, proxy.additionalEnv);
}

/** Header and request contents stay out of the log unless asked for. */
function logFilter(level: string, headers: string): string {
  return headers === "insecure" ? level : `${level},[{headers}]=off,[{request}]=off`;
}

/** What a user adds replaces what has the same name. */
function overlay(env: EnvVar[], additional: EnvVar[]): EnvVar[] {
  const names = new Set(additional.map((one) => one.name));
  return [...env.filter((one) => !names.has(one.name)), ...additional];
}
