/** linkerd-destination: discovery, profiles and policy. */
import type { KubernetesObject } from "../src/kube/resource.ts";
import { CONTROL_PORTS } from "../src/mesh/names.ts";
import type { Values } from "../src/mesh/values.ts";
import { clusterAccess, namespacedAccess, POLICY_RESOURCES, READ } from "./access.ts";
import { type Component, deployment, disruptionBudget, serviceAccount } from "./control_plane_pod.ts";
import { service } from "./services.ts";

const NAME = "linkerd-destination";

export function destination(values: Values): KubernetesObject[] {
  const component: Component = {
    name: NAME,
    component: "destination",
    containerName: "destination",
    args: [
      "destination",
      `--controller-namespace=${values.namespace}`,
      `--identity-trust-domain=${values.identityTrustDomain}`,
      `--cluster-domain=${values.clusterDomain}`,
      `--cluster-networks=${values.clusterNetworks}`,
      `--probe-networks=${values.policyController.probeNetworks.join(",")}`,
      `--default-policy=${values.proxy.defaultInboundPolicy}`,
      `--default-opaque-ports=${values.proxy.opaquePorts}`,
      `--global-egress-network-namespace=${values.egress.globalEgressNetworkNamespace}`,
      `--enable-h2-upgrade=${values.enableH2Upgrade}`,
      `--outbound-transport-mode=${values.proxy.outboundTransportMode}`,
    ],
    ports: [
      { name: "dest-grpc", port: CONTROL_PORTS.destination },
      { name: "policy-grpc", port: CONTROL_PORTS.policy },
      { name: "dest-admin", port: CONTROL_PORTS.destinationAdmin },
    ],
    adminPort: CONTROL_PORTS.destinationAdmin,
    replicas: values.controllerReplicas,
    local: "destination",
  };
  const grpc = (port: number) => [{ name: "grpc", port, targetPort: port }];
  return [
    serviceAccount(values, NAME, "destination"),
    ...clusterAccess(values, `linkerd-${values.namespace}-destination`, NAME, "destination", [
      { apiGroups: [""], resources: ["pods", "services", "nodes"], verbs: READ },
      { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: READ },
      { apiGroups: ["linkerd.io"], resources: ["serviceprofiles"], verbs: READ },
    ]),
    ...clusterAccess(values, "linkerd-policy", NAME, "destination", [
      { apiGroups: ["policy.linkerd.io"], resources: POLICY_RESOURCES, verbs: READ },
      {
        apiGroups: ["gateway.networking.k8s.io"],
        resources: ["httproutes", "grpcroutes", "tlsroutes", "tcproutes"],
        verbs: READ,
      },
      {
        apiGroups: ["policy.linkerd.io"],
        resources: ["httproutes/status", "httplocalratelimitpolicies/status", "egressnetworks/status"],
        verbs: ["patch"],
      },
      {
        apiGroups: ["gateway.networking.k8s.io"],
        resources: ["httproutes/status", "grpcroutes/status", "tlsroutes/status", "tcproutes/status"],
        verbs: ["patch"],
      },
    ]),
    ...namespacedAccess(values, "linkerd-policy", NAME, "destination", [
      // Only the holder of the lease writes statuses. One is made before it has a name to be restricted to.
      { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"] },
      {
        apiGroups: ["coordination.k8s.io"],
        resources: ["leases"],
        resourceNames: ["policy-controller-write"],
        verbs: ["get", "patch"],
      },
      { apiGroups: ["apps"], resources: ["deployments"], resourceNames: [NAME], verbs: ["get"] },
    ]),
    service(values, "linkerd-dst", "destination", grpc(CONTROL_PORTS.destination)),
    service(values, "linkerd-dst-headless", "destination", grpc(CONTROL_PORTS.destination), {
      isHeadless: true,
    }),
    service(values, "linkerd-policy", "destination", grpc(CONTROL_PORTS.policy), { isHeadless: true }),
    deployment(values, component),
    ...disruptionBudget(values, component),
  ];
}
