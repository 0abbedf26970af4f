/** What a cluster holds from its first moment: namespaces, the API's own Service, the roles others are bound to. */
import type { Api } from "./api.ts";
import { ADMINISTRATOR } from "./auth/authenticate.ts";
import type { WriteContext } from "./verbs/state.ts";

const RBAC = "rbac.authorization.k8s.io";

const CONTEXT: WriteContext = {
  user: ADMINISTRATOR,
  fieldManager: "kube-apiserver",
  isDryRun: false,
  validation: "Strict",
  warnings: [],
};

const ALL_RULES = [
  { apiGroups: ["*"], resources: ["*"], verbs: ["*"] },
  { nonResourceURLs: ["*"], verbs: ["*"] },
];

const CLUSTER_ROLES: Record<string, unknown[]> = {
  "cluster-admin": ALL_RULES,
  "system:auth-delegator": [
    { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
    { apiGroups: ["authorization.k8s.io"], resources: ["subjectaccessreviews"], verbs: ["create"] },
  ],
  "view": [{ apiGroups: ["*"], resources: ["*"], verbs: ["get", "list", "watch"] }],
};

export interface AdvertisedAddress {
  /** An address pods reach the API server at. */
  hostname: string;
  port: number;
}

/**
 * @param clusterAddress of the Service default/kubernetes
 * @param advertised where that Service leads; undefined leaves it without endpoints
 */
export async function bootstrap(
  api: Api,
  clusterAddress: string,
  advertised: AdvertisedAddress | undefined,
): Promise<void> {
  const create = (
    group: string,
    version: string,
    plural: string,
    namespace: string | undefined,
    body: unknown,
  ) => api.create(CONTEXT, api.find(group, version, plural), namespace, body);
  for (const name of ["default", "kube-system", "kube-public"]) {
    await create("", "v1", "namespaces", undefined, { metadata: { name } });
  }
  for (const [name, rules] of Object.entries(CLUSTER_ROLES)) {
    await create(RBAC, "v1", "clusterroles", undefined, { metadata: { name }, rules });
  }
  await create(RBAC, "v1", "clusterrolebindings", undefined, {
    metadata: { name: "cluster-admin" },
    roleRef: { kind: "ClusterRole", name: "cluster-admin" },
    subjects: [{ kind: "Group", name: "system:masters" }],
  });
  await create("", "v1", "services", "default", {
    metadata: { name: "kubernetes", labels: { component: "apiserver", provider: "kubernetes" } },
    spec: {
      clusterIP: clusterAddress,
      ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: advertised?.port ?? 443 }],
    },
  });
  if (advertised === undefined) return;
  const { hostname, port } = advertised;
  const labels = { "endpointslice.kubernetes.io/skip-mirror": "true" };
  await create("", "v1", "endpoints", "default", {
    metadata: { name: "kubernetes", labels },
    subsets: [{ addresses: [{ ip: hostname }], ports: [{ name: "https", port, protocol: "TCP" }] }],
  });
  await create("discovery.k8s.io", "v1", "endpointslices", "default", {
    metadata: { name: "kubernetes", labels: { "kubernetes.io/service-name": "kubernetes" } },
    addressType: "IPv4",
    endpoints: [{ addresses: [hostname], conditions: { ready: true } }],
    ports: [{ name: "https", port, protocol: "TCP" }],
  });
}
