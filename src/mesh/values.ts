/**
 * What an installation can be told, with Linkerd's names and defaults (its Helm values).
 *
 * `linkerd install` renders from these, the cluster keeps them in ConfigMap linkerd-config (without secrets), and the
 * injector reads them there; annotations of a namespace or pod change the `proxy` part for what they are on.
 */
import {
  CLUSTER_DOMAIN,
  CLUSTER_NETWORKS,
  CONTROL_PLANE_NAMESPACE,
  CONTROLLER_UID,
  OPAQUE_PORTS,
} from "./names.ts";
import { PROXY_PORTS, PROXY_UID } from "./names.ts";
import { VERSION } from "./version.ts";

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: {
    fieldRef?: { fieldPath: string };
    configMapKeyRef?: { name: string; key: string };
    secretKeyRef?: { name: string; key: string };
  };
}

export interface LabelSelectorValue {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

export interface ImageValues {
  name: string;
  version: string;
  pullPolicy: string;
}

/** Quantities; empty for none. */
export interface ResourceValues {
  cpu: { request: string; limit: string };
  memory: { request: string; limit: string };
  "ephemeral-storage": { request: string; limit: string };
}

export interface KeepAliveValues {
  server: { http2: { keepAliveInterval: string; keepAliveTimeout: string } };
}

export interface ProbeValues {
  initialDelaySeconds: number;
  timeoutSeconds: number;
  periodSeconds: number;
}

/** Which collector proxies tell of traced requests, and what they say of themselves. */
export interface TracingValues {
  enabled: boolean;
  /** The service that spans are said to come from, where a pod's labels and annotations do not name one. */
  traceServiceName: string;
  /** Attributes of every proxy's spans; the proxy's environment may be referred to. */
  labels: Record<string, string>;
  collector: {
    /** `host:port` of an OTLP/gRPC endpoint. */
    endpoint: string;
    /** Whom the collector runs as; empty: it is not meshed, and spoken to in plain text. */
    meshIdentity: { serviceAccountName: string; namespace: string };
  };
}

export interface ProxyValues {
  image: ImageValues;
  ports: { admin: number; control: number; inbound: number; outbound: number };
  uid: number;
  gid: number;
  logLevel: string;
  logFormat: string;
  logHTTPHeaders: string;
  accessLog: string;
  resources: ResourceValues;
  runtime: { workers: { minimum: number; maximumCPURatio: number } };
  enableExternalProfiles: boolean;
  enableShutdownEndpoint: boolean;
  defaultInboundPolicy: string;
  outboundTransportMode: string;
  nativeSidecar: boolean;
  await: boolean;
  opaquePorts: string;
  requireIdentityOnInboundPorts: string;
  podInboundPorts: string;
  isGateway: boolean;
  isIngress: boolean;
  inboundConnectTimeout: string;
  outboundConnectTimeout: string;
  inboundDiscoveryCacheUnusedTimeout: string;
  outboundDiscoveryCacheUnusedTimeout: string;
  disableInboundProtocolDetectTimeout: boolean;
  disableOutboundProtocolDetectTimeout: boolean;
  control: { streams: { initialTimeout: string; idleTimeout: string; lifetime: string } };
  inbound: KeepAliveValues;
  outbound: KeepAliveValues;
  shutdownGracePeriod: string;
  waitBeforeExitSeconds: number;
  metrics: { hostnameLabels: boolean };
  tracing: TracingValues;
  livenessProbe: ProbeValues;
  readinessProbe: ProbeValues;
  startupProbe: { initialDelaySeconds: number; periodSeconds: number; failureThreshold: number };
  additionalEnv: EnvVar[];
}

export interface ProxyInitValues {
  ignoreInboundPorts: string;
  ignoreOutboundPorts: string;
  kubeAPIServerPorts: string;
  skipSubnets: string;
  iptablesMode: string;
  runAsRoot: boolean;
  runAsUser: number;
  runAsGroup: number;
  privileged: boolean;
  closeWaitTimeoutSecs: number;
  logLevel: string;
  logFormat: string;
}

export interface Values {
  linkerdVersion: string;
  clusterDomain: string;
  clusterNetworks: string;
  identityTrustAnchorsPEM: string;
  identityTrustDomain: string;
  identity: {
    externalCA: boolean;
    serviceAccountTokenProjection: boolean;
    issuer: {
      scheme: "linkerd.io/tls" | "kubernetes.io/tls";
      issuanceLifetime: string;
      clockSkewAllowance: string;
      tls: { crtPEM: string; keyPEM: string };
    };
  };
  enableEndpointSlices: boolean;
  enableH2Upgrade: boolean;
  disableIPv6: boolean;
  cniEnabled: boolean;
  imagePullPolicy: string;
  controllerImage: string;
  controllerReplicas: number;
  controllerUID: number;
  controllerGID: number;
  controllerLogLevel: string;
  controllerLogFormat: string;
  controllerResources: ResourceValues;
  enablePodAntiAffinity: boolean;
  enablePodDisruptionBudget: boolean;
  highAvailability: boolean;
  webhookFailurePolicy: string;
  proxyInjector: {
    namespaceSelector: LabelSelectorValue;
    objectSelector: LabelSelectorValue;
    timeoutSeconds: number;
  };
  policyController: { probeNetworks: string[] };
  proxy: ProxyValues;
  proxyInit: ProxyInitValues;
  debugContainer: { enabled: boolean; image: ImageValues };
  networkValidator: { connectAddr: string; listenAddr: string; timeout: string; logLevel: string };
  egress: { globalEgressNetworkNamespace: string };
  /** Of this project: the statistics component, which scrapes proxies itself. */
  metricsApi: { enabled: boolean; replicas: number; scrapeInterval: string; retention: string };
  /** `showCalls`: its pages show requests one by one to whoever reads them. */
  dashboard: { enabled: boolean; replicas: number; showCalls: boolean };
  /** Who may reach the control plane's ports, where the cluster's network enforces NetworkPolicies. */
  networkPolicies: { enabled: boolean };
  namespace: string;
}

const NO_RESOURCES: ResourceValues = {
  cpu: { request: "", limit: "" },
  memory: { request: "", limit: "" },
  "ephemeral-storage": { request: "", limit: "" },
};

/** A fresh copy each time: callers change it. */
export function defaultValues(): Values {
  const keepAlive = { server: { http2: { keepAliveInterval: "10s", keepAliveTimeout: "3s" } } };
  return structuredClone<Values>({
    linkerdVersion: VERSION,
    namespace: CONTROL_PLANE_NAMESPACE,
    clusterDomain: CLUSTER_DOMAIN,
    clusterNetworks: CLUSTER_NETWORKS,
    identityTrustAnchorsPEM: "",
    identityTrustDomain: CLUSTER_DOMAIN,
    identity: {
      externalCA: false,
      serviceAccountTokenProjection: true,
      issuer: {
        scheme: "linkerd.io/tls",
        issuanceLifetime: "24h0m0s",
        clockSkewAllowance: "20s",
        tls: { crtPEM: "", keyPEM: "" },
      },
    },
    enableEndpointSlices: true,
    enableH2Upgrade: true,
    disableIPv6: true,
    cniEnabled: false,
    imagePullPolicy: "IfNotPresent",
    controllerImage: "linkerd-deno/controller",
    controllerReplicas: 1,
    controllerUID: CONTROLLER_UID,
    controllerGID: -1,
    controllerLogLevel: "info",
    controllerLogFormat: "plain",
    controllerResources: NO_RESOURCES,
    enablePodAntiAffinity: false,
    enablePodDisruptionBudget: false,
    highAvailability: false,
    webhookFailurePolicy: "Ignore",
    proxyInjector: {
      namespaceSelector: {
        matchExpressions: [
          { key: "config.linkerd.io/admission-webhooks", operator: "NotIn", values: ["disabled"] },
          {
            key: "kubernetes.io/metadata.name",
            operator: "NotIn",
            values: ["kube-system", "cert-manager"],
          },
        ],
      },
      objectSelector: {
        matchExpressions: [
          { key: "linkerd.io/control-plane-component", operator: "DoesNotExist" },
          { key: "linkerd.io/cni-resource", operator: "DoesNotExist" },
        ],
      },
      timeoutSeconds: 10,
    },
    policyController: { probeNetworks: ["0.0.0.0/0", "::/0"] },
    proxy: {
      image: { name: "linkerd-deno/proxy", version: "", pullPolicy: "" },
      ports: PROXY_PORTS,
      uid: PROXY_UID,
      gid: -1,
      logLevel: "warn,linkerd=info,hickory=error",
      logFormat: "plain",
      logHTTPHeaders: "off",
      accessLog: "",
      resources: NO_RESOURCES,
      runtime: { workers: { minimum: 1, maximumCPURatio: 0 } },
      enableExternalProfiles: false,
      enableShutdownEndpoint: false,
      defaultInboundPolicy: "all-unauthenticated",
      outboundTransportMode: "transport-header",
      nativeSidecar: true,
      await: true,
      opaquePorts: OPAQUE_PORTS,
      requireIdentityOnInboundPorts: "",
      podInboundPorts: "",
      isGateway: false,
      isIngress: false,
      inboundConnectTimeout: "100ms",
      outboundConnectTimeout: "1000ms",
      inboundDiscoveryCacheUnusedTimeout: "90s",
      outboundDiscoveryCacheUnusedTimeout: "5s",
      disableInboundProtocolDetectTimeout: false,
      disableOutboundProtocolDetectTimeout: false,
      control: { streams: { initialTimeout: "3s", idleTimeout: "5m", lifetime: "1h" } },
      inbound: keepAlive,
      outbound: keepAlive,
      shutdownGracePeriod: "",
      waitBeforeExitSeconds: 0,
      metrics: { hostnameLabels: false },
      tracing: {
        enabled: false,
        traceServiceName: "linkerd-proxy",
        labels: {
          "k8s.pod.ip": "$(_pod_ip)",
          "k8s.pod.uid": "$(_pod_uid)",
          "k8s.container.name": "$(_pod_containerName)",
        },
        collector: { endpoint: "", meshIdentity: { serviceAccountName: "", namespace: "" } },
      },
      livenessProbe: { initialDelaySeconds: 10, timeoutSeconds: 1, periodSeconds: 10 },
      readinessProbe: { initialDelaySeconds: 2, timeoutSeconds: 1, periodSeconds: 10 },
      startupProbe: { initialDelaySeconds: 0, periodSeconds: 1, failureThreshold: 120 },
      additionalEnv: [],
    },
    proxyInit: {
      ignoreInboundPorts: "4567,4568",
      ignoreOutboundPorts: "4567,4568",
      kubeAPIServerPorts: "443,6443",
      skipSubnets: "",
      iptablesMode: "nft",
      runAsRoot: false,
      runAsUser: 65534,
      runAsGroup: 65534,
      privileged: false,
      closeWaitTimeoutSecs: 0,
      logLevel: "",
      logFormat: "",
    },
    debugContainer: {
      enabled: false,
      image: { name: "linkerd-deno/debug", version: "", pullPolicy: "" },
    },
    networkValidator: { connectAddr: "", listenAddr: "", timeout: "10s", logLevel: "debug" },
    egress: { globalEgressNetworkNamespace: "linkerd-egress" },
    metricsApi: { enabled: true, replicas: 1, scrapeInterval: "10s", retention: "6h0m0s" },
    dashboard: { enabled: true, replicas: 1, showCalls: false },
    networkPolicies: { enabled: false },
  });
}

/** A part of the values, at any depth. Lists are replaced as a whole. */
export type PartialValues = { [K in keyof Values]?: DeepPartial<Values[K]> };
type DeepPartial<T> = T extends readonly unknown[] ? T
  : T extends object ? { [K in keyof T]?: DeepPartial<T[K]> }
  : T;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function merge(base: Record<string, unknown>, change: Record<string, unknown>): Record<string, unknown> {
  const merged = { ...base };
  for (const [key, value] of Object.entries(change)) {
    if (value === undefined) continue;
    const before = merged[key];
    merged[key] = isRecord(before) && isRecord(value) ? merge(before, value) : value;
  }
  return merged;
}

/** The values with some of them changed; neither argument is. */
export function mergeValues(base: Values, change: PartialValues): Values {
  return merge(
    base as unknown as Record<string, unknown>,
    change as Record<string, unknown>,
  ) as unknown as Values;
}

/** What ConfigMap linkerd-config holds: everything but keys. */
export function withoutSecrets(values: Values): Values {
  return mergeValues(values, { identity: { issuer: { tls: { crtPEM: "", keyPEM: "" } } } });
}

/** `linkerd-deno/proxy:0.1.0`: the version of an image that has none of its own is the installation's. */
export function imageOf(image: ImageValues, values: Pick<Values, "linkerdVersion">): string {
  return `${image.name}:${image.version || values.linkerdVersion}`;
}

/** How an image is pulled: its own policy, else the installation's. */
export function pullPolicyOf(image: ImageValues, values: Pick<Values, "imagePullPolicy">): string {
  return image.pullPolicy || values.imagePullPolicy;
}
