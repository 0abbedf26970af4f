/** Whether the cluster knows the mesh's resources. */
import { renderCrds } from "../../../../manifests/render.ts";
import { CUSTOM_RESOURCE_DEFINITIONS } from "../../../kube/kinds.ts";
import type { Category, Check } from "../check_model.ts";
import { refuse } from "../check_model.ts";

export const definitionsExist: Check = {
  description: "control plane CustomResourceDefinitions exist",
  anchor: "l5d-existence-crd",
  isFatal: true,
  isRetried: true,
  async run(facts) {
    const { items } = await facts.client.list(CUSTOM_RESOURCE_DEFINITIONS);
    const served = new Set(items.map(({ metadata }) => metadata?.name));
    const missing = renderCrds().map(({ metadata }) => metadata!.name!).filter((name) => !served.has(name));
    refuse(missing.map((name) => `missing ${name}`));
  },
};

export const definitions: Category = { name: "linkerd-crd", checks: [definitionsExist] };
