/** The control plane's namespace. */
import type { Namespace } from "../src/kube/kinds.ts";
import {
  ADMISSION_WEBHOOKS_LABEL,
  CONTROL_PLANE_NS_LABEL,
  IS_CONTROL_PLANE_LABEL,
} from "../src/mesh/labels.ts";
import type { Values } from "../src/mesh/values.ts";

export function namespace(values: Values): Namespace {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name: values.namespace,
      annotations: { "linkerd.io/inject": "disabled" },
      labels: {
        [IS_CONTROL_PLANE_LABEL]: "true",
        [ADMISSION_WEBHOOKS_LABEL]: "disabled",
        [CONTROL_PLANE_NS_LABEL]: values.namespace,
        "pod-security.kubernetes.io/enforce": values.cniEnabled ? "restricted" : "privileged",
      },
    },
  };
}
