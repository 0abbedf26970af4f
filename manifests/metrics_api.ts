/** metrics-api: scrapes the proxies, keeps what they count, answers for the command line and the dashboard. */
import type { KubernetesObject } from "../src/kube/resource.ts";
import { CONTROL_PORTS, METRICS_API, PROXY_PORTS } from "../src/mesh/names.ts";
import type { Values } from "../src/mesh/values.ts";
import { clusterAccess, READ } from "./access.ts";
import { type Component, deployment, disruptionBudget, serviceAccount } from "./control_plane_pod.ts";
import { service } from "./services.ts";
import { showsCalls, webIdentity } from "./web.ts";

const NAME = METRICS_API;

export function metricsApi(values: Values): KubernetesObject[] {
  if (!values.metricsApi.enabled) return [];
  const component: Component = {
    name: NAME,
    component: NAME,
    containerName: NAME,
    args: [
      NAME,
      `--controller-namespace=${values.namespace}`,
      `--cluster-domain=${values.clusterDomain}`,
      `--identity-trust-domain=${values.identityTrustDomain}`,
      `--scrape-interval=${values.metricsApi.scrapeInterval}`,
      `--retention=${values.metricsApi.retention}`,
      ...(showsCalls(values) ? [`--tap-client=${webIdentity(values)}`] : []),
    ],
    ports: [
      { name: "grpc", port: CONTROL_PORTS.metricsApi },
      { name: "http", port: CONTROL_PORTS.metricsApiHttp },
      { name: "metrics-admin", port: CONTROL_PORTS.metricsApiAdmin },
    ],
    adminPort: CONTROL_PORTS.metricsApiAdmin,
    replicas: values.metricsApi.replicas,
    // Proxies are scraped at their admin ports, which no proxy stands before.
    skipOutboundPorts: String(PROXY_PORTS.admin),
    volumes: [{ emptyDir: {}, name: "store" }],
    mounts: [{ mountPath: "/var/lib/linkerd/metrics", name: "store" }],
  };
  return [
    serviceAccount(values, NAME, NAME),
    ...clusterAccess(values, `linkerd-${values.namespace}-metrics-api`, NAME, NAME, [
      // Workloads are known by the owners of their pods.
      { apiGroups: [""], resources: ["pods", "services", "namespaces"], verbs: READ },
      // Who may tap is proven by a token, which the API server reviews.
      { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
    ]),
    service(values, NAME, NAME, [
      { name: "grpc", port: CONTROL_PORTS.metricsApi, targetPort: CONTROL_PORTS.metricsApi },
      { name: "http", port: CONTROL_PORTS.metricsApiHttp, targetPort: CONTROL_PORTS.metricsApiHttp },
    ]),
    deployment(values, component),
    ...disruptionBudget(values, component),
  ];
}
