/** Services of the control plane. */
import type { Service } from "../src/kube/kinds.ts";
import { CREATED_BY_ANNOTATION } from "../src/mesh/annotations.ts";
import { COMPONENT_LABEL } from "../src/mesh/labels.ts";
import type { Values } from "../src/mesh/values.ts";
import { componentLabels } from "./control_plane_pod.ts";

export interface ServicePorts {
  readonly name: string;
  readonly port: number;
  readonly targetPort: number | string;
  readonly appProtocol?: string;
}

export function service(
  values: Values,
  name: string,
  component: string,
  ports: readonly ServicePorts[],
  options: { isHeadless?: boolean; annotations?: Record<string, string> } = {},
): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name,
      namespace: values.namespace,
      labels: componentLabels(values, component),
      annotations: {
        [CREATED_BY_ANNOTATION]: `linkerd/cli ${values.linkerdVersion}`,
        ...options.annotations,
      },
    },
    spec: {
      ...(options.isHeadless === true ? headless(values) : { type: "ClusterIP" }),
      selector: { [COMPONENT_LABEL]: component },
      ports: ports.map((port) => ({ ...port })),
    },
  };
}

/**
 * What proxies find the control plane by. With one replica there is none that would be better, so its address is told
 * before it is ready: proxies that wait for it then start as soon as it answers, not a probe and a back-off later.
 */
function headless(values: Values): NonNullable<Service["spec"]> {
  return {
    clusterIP: "None",
    ...(values.controllerReplicas === 1 ? { publishNotReadyAddresses: true } : {}),
  };
}
