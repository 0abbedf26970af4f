/**
 * NetworkPolicies for the control plane (`networkPolicies.enabled`): who may reach which of its ports, where the
 * cluster's network enforces them. What is left out is refused; what leaves the control plane is not held back.
 *
 * Proxies of every namespace reach identity and destination; the API server, which is no pod, reaches the webhooks and,
 * like everybody, the metrics; the rest is for the control plane's own. Redirection happens inside a pod: a policy sees
 * the port that was asked for, and 4143 for connections that name it.
 */
import type { NetworkPolicy } from "../src/kube/kinds.ts";
import { COMPONENT_LABEL } from "../src/mesh/labels.ts";
import { CONTROL_PORTS } from "../src/mesh/names.ts";
import type { Values } from "../src/mesh/values.ts";
import { componentLabels } from "./control_plane_pod.ts";

interface Reached {
  readonly component: string;
  /** From everywhere, in the cluster and outside. */
  readonly everywhere: readonly number[];
  /** From pods of every namespace. */
  readonly pods?: readonly number[];
  /** From the control plane's own pods. */
  readonly own?: readonly number[];
}

const REACHED: readonly Reached[] = [
  { component: "identity", everywhere: [CONTROL_PORTS.identityAdmin], pods: [CONTROL_PORTS.identity] },
  {
    component: "destination",
    everywhere: [CONTROL_PORTS.destinationAdmin],
    pods: [CONTROL_PORTS.destination, CONTROL_PORTS.policy],
  },
  { component: "proxy-injector", everywhere: [CONTROL_PORTS.injectorAdmin, CONTROL_PORTS.injector] },
  {
    component: "metrics-api",
    everywhere: [CONTROL_PORTS.metricsApiAdmin, CONTROL_PORTS.metricsApiHttp], // the command line, through the API server
    own: [CONTROL_PORTS.metricsApi],
  },
  { component: "web", everywhere: [CONTROL_PORTS.webAdmin], own: [CONTROL_PORTS.web] },
];

const tcp = (ports: readonly number[]) => ports.map((port) => ({ port, protocol: "TCP" }));

export function networkPolicies(values: Values): NetworkPolicy[] {
  if (!values.networkPolicies.enabled) return [];
  const { admin, inbound } = values.proxy.ports;
  const isThere = ({ component }: Reached) =>
    component === "metrics-api"
      ? values.metricsApi.enabled
      : component !== "web" || (values.metricsApi.enabled && values.dashboard.enabled);
  return REACHED.filter(isThere).map(({ component, everywhere, pods = [], own = [] }) => ({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: {
      name: `linkerd-${component}`,
      namespace: values.namespace,
      labels: componentLabels(values, component),
    },
    spec: {
      podSelector: { matchLabels: { [COMPONENT_LABEL]: component } },
      policyTypes: ["Ingress"],
      ingress: [
        { ports: tcp([...everywhere, admin]) },
        { ports: tcp([...pods, inbound]), from: [{ namespaceSelector: {} }] },
        ...(own.length === 0 ? [] : [{ ports: tcp(own), from: [{ podSelector: {} }] }]),
      ],
    },
  }));
}
