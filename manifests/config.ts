/** What the installation remembers of itself: its values without secrets, and its trust anchors. */
import { stringify } from "yaml";
import type { ConfigMap } from "../src/kube/kinds.ts";
import { CONFIG_MAP, TRUST_ROOTS_CONFIG_MAP, TRUST_ROOTS_KEY } from "../src/mesh/names.ts";
import { type Values, withoutSecrets } from "../src/mesh/values.ts";
import { YAML_OPTIONS } from "./yaml_options.ts";
import { componentLabels } from "./control_plane_pod.ts";

export function configMap(values: Values): ConfigMap {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name: CONFIG_MAP,
      namespace: values.namespace,
      labels: componentLabels(values, "controller"),
    },
    data: { values: stringify(withoutSecrets(values), YAML_OPTIONS) },
  };
}

/** Left out when another tool owns the anchors. */
export function trustRoots(values: Values): ConfigMap[] {
  if (values.identity.externalCA) return [];
  return [{
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name: TRUST_ROOTS_CONFIG_MAP,
      namespace: values.namespace,
      labels: componentLabels(values, "identity"),
    },
    data: { [TRUST_ROOTS_KEY]: values.identityTrustAnchorsPEM },
  }];
}
