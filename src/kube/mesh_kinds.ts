/**
 * The mesh's own resources (Linkerd's CRDs) and the Gateway API routes it watches: shapes as the CRDs in
 * manifests/crds admit them, in the stored version. What the schemas default is still optional here, since an
 * object may come from a cluster with other defaults.
 */
import { defineKind, type KubernetesObject, type LabelSelector } from "./resource.ts";

export interface Condition {
  type: string;
  status: "True" | "False" | "Unknown";
  reason: string;
  message: string;
  lastTransitionTime: string;
  observedGeneration?: number;
}

/** A reference to a target or an authentication, in the object's own namespace unless `namespace` says otherwise. */
export interface PolicyRef {
  group?: string;
  kind: string;
  name: string;
  namespace?: string;
}

export interface PolicyNetwork {
  cidr: string;
  except?: string[];
}

export interface Server extends KubernetesObject {
  spec: {
    podSelector?: LabelSelector;
    externalWorkloadSelector?: LabelSelector;
    port: number | string;
    proxyProtocol?: "unknown" | "HTTP/1" | "HTTP/2" | "gRPC" | "opaque" | "TLS";
    accessPolicy?: string;
  };
}

export interface ServerAuthorization extends KubernetesObject {
  spec: {
    server: { name?: string; selector?: LabelSelector };
    client: {
      networks?: PolicyNetwork[];
      unauthenticated?: boolean;
      meshTLS?: {
        unauthenticatedTLS?: boolean;
        identities?: string[];
        serviceAccounts?: { name: string; namespace?: string }[];
      };
    };
  };
}

export interface AuthorizationPolicy extends KubernetesObject {
  spec: { targetRef: PolicyRef; requiredAuthenticationRefs: PolicyRef[] };
}

export interface MeshTLSAuthentication extends KubernetesObject {
  spec: {
    identities?: string[];
    identityRefs?: { group?: string; kind: string; name?: string; namespace?: string }[];
  };
}

export interface NetworkAuthentication extends KubernetesObject {
  spec: { networks: PolicyNetwork[] };
}

export interface ParentReference {
  group?: string;
  kind?: string;
  name: string;
  namespace?: string;
  sectionName?: string;
  port?: number;
}

export interface RouteParentStatus {
  parentRef: ParentReference;
  controllerName: string;
  conditions?: Condition[];
}

export interface RouteStatus {
  parents: RouteParentStatus[];
}

export interface HeaderValue {
  name: string;
  value: string;
}

export interface HeaderModifier {
  set?: HeaderValue[];
  add?: HeaderValue[];
  remove?: string[];
}

export interface HttpRouteFilter {
  type:
    | "RequestHeaderModifier"
    | "ResponseHeaderModifier"
    | "RequestRedirect"
    | "RequestMirror"
    | "URLRewrite"
    | "ExtensionRef";
  requestHeaderModifier?: HeaderModifier;
  responseHeaderModifier?: HeaderModifier;
  requestRedirect?: {
    scheme?: "http" | "https";
    hostname?: string;
    path?: {
      type: "ReplaceFullPath" | "ReplacePrefixMatch";
      replaceFullPath?: string;
      replacePrefixMatch?: string;
    };
    port?: number;
    statusCode?: number;
  };
}

export interface HttpHeaderMatch extends HeaderValue {
  type?: "Exact" | "RegularExpression";
}

export interface HttpRouteMatch {
  path?: { type?: "Exact" | "PathPrefix" | "RegularExpression"; value?: string };
  headers?: HttpHeaderMatch[];
  queryParams?: HttpHeaderMatch[];
  method?: string;
}

export interface BackendRef<Filter = HttpRouteFilter> {
  group?: string;
  kind?: string;
  name: string;
  namespace?: string;
  port?: number;
  weight?: number;
  filters?: Filter[];
}

/** Both policy.linkerd.io and gateway.networking.k8s.io HTTPRoutes. */
export interface HTTPRoute extends KubernetesObject {
  spec: {
    parentRefs?: ParentReference[];
    hostnames?: string[];
    rules?: {
      name?: string;
      matches?: HttpRouteMatch[];
      filters?: HttpRouteFilter[];
      backendRefs?: BackendRef[];
      timeouts?: { request?: string; backendRequest?: string };
    }[];
  };
  status?: RouteStatus;
}

export interface GRPCRoute extends KubernetesObject {
  spec: {
    parentRefs?: ParentReference[];
    hostnames?: string[];
    rules?: {
      name?: string;
      matches?: {
        method?: { type?: "Exact" | "RegularExpression"; service?: string; method?: string };
        headers?: HttpHeaderMatch[];
      }[];
      filters?: HttpRouteFilter[];
      backendRefs?: BackendRef[];
    }[];
  };
  status?: RouteStatus;
}

export interface TLSRoute extends KubernetesObject {
  spec: {
    parentRefs?: ParentReference[];
    hostnames?: string[];
    rules: { name?: string; backendRefs?: BackendRef<never>[] }[];
  };
  status?: RouteStatus;
}

export interface TCPRoute extends KubernetesObject {
  spec: { parentRefs?: ParentReference[]; rules: { name?: string; backendRefs?: BackendRef<never>[] }[] };
  status?: RouteStatus;
}

export interface HTTPLocalRateLimitPolicy extends KubernetesObject {
  spec: {
    targetRef: PolicyRef;
    total?: { requestsPerSecond: number };
    identity?: { requestsPerSecond: number };
    overrides?: { requestsPerSecond: number; clientRefs: PolicyRef[] }[];
  };
  status?: { conditions?: Condition[]; targetRef?: PolicyRef };
}

export interface EgressNetwork extends KubernetesObject {
  spec: { trafficPolicy: "Allow" | "Deny"; networks?: PolicyNetwork[] };
  status?: { conditions?: Condition[] };
}

export interface RequestMatch {
  pathRegex?: string;
  method?: string;
  all?: RequestMatch[];
  any?: RequestMatch[];
  not?: RequestMatch;
}

export interface ResponseMatch {
  status?: { min?: number; max?: number };
  all?: ResponseMatch[];
  any?: ResponseMatch[];
  not?: ResponseMatch;
}

export interface ServiceProfile extends KubernetesObject {
  spec: {
    routes?: {
      name: string;
      condition: RequestMatch;
      isRetryable?: boolean;
      timeout?: string;
      responseClasses?: { condition: ResponseMatch; isFailure?: boolean }[];
    }[];
    retryBudget?: { retryRatio: number; minRetriesPerSecond: number; ttl: string };
    dstOverrides?: { authority: string; weight: string | number }[];
    opaquePorts?: string[];
  };
}

export interface ExternalWorkload extends KubernetesObject {
  spec: {
    meshTLS: { identity: string; serverName: string };
    ports?: { name?: string; port: number; protocol?: string }[];
    workloadIPs?: { ip: string }[];
  };
  status?: { conditions?: Condition[] };
}

export const POLICY_GROUP = "policy.linkerd.io";
export const GATEWAY_GROUP = "gateway.networking.k8s.io";

export const SERVERS = defineKind<Server>(POLICY_GROUP, "v1beta3", "servers", "Server");
export const SERVER_AUTHORIZATIONS = defineKind<ServerAuthorization>(
  POLICY_GROUP,
  "v1beta1",
  "serverauthorizations",
  "ServerAuthorization",
);
export const AUTHORIZATION_POLICIES = defineKind<AuthorizationPolicy>(
  POLICY_GROUP,
  "v1alpha1",
  "authorizationpolicies",
  "AuthorizationPolicy",
);
export const MESH_TLS_AUTHENTICATIONS = defineKind<MeshTLSAuthentication>(
  POLICY_GROUP,
  "v1alpha1",
  "meshtlsauthentications",
  "MeshTLSAuthentication",
);
export const NETWORK_AUTHENTICATIONS = defineKind<NetworkAuthentication>(
  POLICY_GROUP,
  "v1alpha1",
  "networkauthentications",
  "NetworkAuthentication",
);
/** policy.linkerd.io HTTPRoutes; the Gateway API's are `GATEWAY_HTTP_ROUTES`. */
export const HTTP_ROUTES = defineKind<HTTPRoute>(POLICY_GROUP, "v1beta3", "httproutes", "HTTPRoute");
export const HTTP_LOCAL_RATE_LIMIT_POLICIES = defineKind<HTTPLocalRateLimitPolicy>(
  POLICY_GROUP,
  "v1alpha1",
  "httplocalratelimitpolicies",
  "HTTPLocalRateLimitPolicy",
);
export const EGRESS_NETWORKS = defineKind<EgressNetwork>(
  POLICY_GROUP,
  "v1alpha1",
  "egressnetworks",
  "EgressNetwork",
);
export const SERVICE_PROFILES = defineKind<ServiceProfile>(
  "linkerd.io",
  "v1alpha2",
  "serviceprofiles",
  "ServiceProfile",
);
export const EXTERNAL_WORKLOADS = defineKind<ExternalWorkload>(
  "workload.linkerd.io",
  "v1beta1",
  "externalworkloads",
  "ExternalWorkload",
);
export const GATEWAY_HTTP_ROUTES = defineKind<HTTPRoute>(GATEWAY_GROUP, "v1", "httproutes", "HTTPRoute");
export const GRPC_ROUTES = defineKind<GRPCRoute>(GATEWAY_GROUP, "v1", "grpcroutes", "GRPCRoute");
export const TLS_ROUTES = defineKind<TLSRoute>(GATEWAY_GROUP, "v1alpha2", "tlsroutes", "TLSRoute");
export const TCP_ROUTES = defineKind<TCPRoute>(GATEWAY_GROUP, "v1alpha2", "tcproutes", "TCPRoute");
