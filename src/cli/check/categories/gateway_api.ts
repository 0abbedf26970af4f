/**
 * Whether the Gateway API's routes can be followed, where the cluster has them. Nothing here needs them: the mesh brings
 * HTTPRoutes of its own group, so that a cluster without the Gateway API is no failure, as it is in Linkerd.
 */
import { CUSTOM_RESOURCE_DEFINITIONS } from "../../../kube/kinds.ts";
import { isNotFound } from "../../../kube/client.ts";
import { type Category, refuse, SKIPPED } from "../check_model.ts";
import type { Facts } from "../facts.ts";

const NAMES = ["httproutes.gateway.networking.k8s.io", "grpcroutes.gateway.networking.k8s.io"];

/** The versions that a definition serves; undefined when it is not there. */
async function servedVersions(facts: Facts, name: string): Promise<string[] | undefined> {
  try {
    const { spec } = await facts.client.get(CUSTOM_RESOURCE_DEFINITIONS, name);
    return spec.versions.filter(({ served }) => served).map(({ name }) => name);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

export const gatewayApi: Category = {
  name: "gateway-api-crd",
  checks: [{
    description: "Gateway API CRDs are installed",
    anchor: "gateway-api-crd",
    isWarning: true,
    async run(facts) {
      const found = await Promise.all(NAMES.map((name) => servedVersions(facts, name)));
      if (found.every((versions) => versions === undefined)) return SKIPPED;
      refuse(NAMES.flatMap((name, index) => {
        const versions = found[index];
        if (versions === undefined) return [`${name} is missing, though the other is there`];
        return versions.includes("v1") ? [] : [`${name} serves ${versions.join(", ")}, not v1`];
      }));
      return;
    },
  }],
};
