/** Every CRD of the mesh, in the order of their names; and those of the Gateway API that the mesh follows. */
import type { KubernetesObject } from "../../src/kube/resource.ts";
import { externalWorkload } from "./external_workload.ts";
import { gatewayRoutes } from "./gateway.ts";
import { httpRoute } from "./http_route.ts";
import * as policy from "./policy.ts";
import { definition } from "./schema.ts";
import { serviceProfile } from "./service_profile.ts";

export function crds(): KubernetesObject[] {
  return [
    policy.authorizationPolicy,
    policy.egressNetwork,
    policy.rateLimitPolicy,
    httpRoute,
    policy.meshTlsAuthentication,
    policy.networkAuthentication,
    policy.serverAuthorization,
    policy.server,
    serviceProfile,
    externalWorkload,
  ].map(definition);
}

/** For a cluster whose owner has not installed the Gateway API. */
export function gatewayCrds(): KubernetesObject[] {
  return gatewayRoutes.map(definition);
}
