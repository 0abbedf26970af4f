/** web: the dashboard. It talks to metrics-api alone, and to no API server. */
import type { KubernetesObject } from "../src/kube/resource.ts";
import { dashboardHosts } from "../src/mesh/dashboard_hosts.ts";
import { serviceAccountIdentity } from "../src/mesh/identity.ts";
import { CLUSTER_DOMAIN, CONTROL_PORTS } from "../src/mesh/names.ts";
import { parsePortSet } from "../src/mesh/ports.ts";
import type { Values } from "../src/mesh/values.ts";
import { type Component, deployment, disruptionBudget, serviceAccount } from "./control_plane_pod.ts";
import { service } from "./services.ts";

const NAME = "web";

export function webIdentity({ namespace, identityTrustDomain: trustDomain }: Values): string {
  return serviceAccountIdentity(NAME, namespace, { controlPlaneNamespace: namespace, trustDomain });
}

/**
 * Whether the dashboard shows requests one by one. metrics-api knows it by the identity that its own proxy has seen
 * proven, so that port must not be reached past the proxy.
 */
export function showsCalls({ dashboard, metricsApi, proxyInit }: Values): boolean {
  const isBehindProxy = !parsePortSet(proxyInit.ignoreInboundPorts).has(CONTROL_PORTS.metricsApiHttp);
  return dashboard.enabled && metricsApi.enabled && dashboard.showCalls && isBehindProxy;
}

export function web(values: Values): KubernetesObject[] {
  if (!values.dashboard.enabled || !values.metricsApi.enabled) return [];
  const component: Component = {
    name: NAME,
    component: NAME,
    containerName: NAME,
    args: [
      NAME,
      `--metrics-api-addr=http://metrics-api.${values.namespace}.svc.${values.clusterDomain}:${CONTROL_PORTS.metricsApiHttp}`,
      // Its default names the usual domain.
      ...(values.clusterDomain === CLUSTER_DOMAIN
        ? []
        : [`--enforced-host=${dashboardHosts(values.clusterDomain)}`]),
      ...(showsCalls(values) ? ["--show-calls"] : []),
    ],
    ports: [
      { name: "http", port: CONTROL_PORTS.web },
      { name: "web-admin", port: CONTROL_PORTS.webAdmin },
    ],
    adminPort: CONTROL_PORTS.webAdmin,
    replicas: values.dashboard.replicas,
  };
  return [
    serviceAccount(values, NAME, NAME),
    service(values, NAME, NAME, [
      { name: "http", port: CONTROL_PORTS.web, targetPort: CONTROL_PORTS.web },
    ]),
    deployment(values, component),
    ...disruptionBudget(values, component),
  ];
}
