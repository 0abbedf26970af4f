/** Answers AdmissionReviews of policies, routes and ServiceProfiles: what could not be followed is refused when it is made. */
import type { KubeClient } from "../../kube/client.ts";
import {
  type AuthorizationPolicy,
  type EgressNetwork,
  GATEWAY_GROUP,
  type HTTPLocalRateLimitPolicy,
  type MeshTLSAuthentication,
  type NetworkAuthentication,
  POLICY_GROUP,
  type Server,
  type ServerAuthorization,
  SERVERS,
  type ServiceProfile,
} from "../../kube/kinds.ts";
import type { KubernetesObject } from "../../kube/resource.ts";
import { type AdmissionReview, answerTo } from "../injector/admission.ts";
import type { Route, RouteKind } from "../state/routes.ts";
import { Invalid } from "./invalid.ts";
import { overlapWarnings } from "./overlap.ts";
import * as policies from "./policies.ts";
import { checkRoute } from "./routes.ts";
import { checkServiceProfile } from "./service_profile.ts";

type Check = (object: KubernetesObject, namespace: string) => void;

function check<T extends KubernetesObject>(of: (object: T, namespace: string) => void): Check {
  return (object, namespace) => of(object as T, namespace);
}

function route(kind: RouteKind, group: string): Check {
  return (object) => checkRoute(kind, group, object as Route["object"]);
}

const CHECKS: Readonly<Record<string, Check>> = {
  [`${POLICY_GROUP} Server`]: check<Server>(policies.checkServer),
  [`${POLICY_GROUP} ServerAuthorization`]: check<ServerAuthorization>(policies.checkServerAuthorization),
  [`${POLICY_GROUP} AuthorizationPolicy`]: check<AuthorizationPolicy>(policies.checkAuthorizationPolicy),
  [`${POLICY_GROUP} MeshTLSAuthentication`]: check<MeshTLSAuthentication>(
    policies.checkMeshTlsAuthentication,
  ),
  [`${POLICY_GROUP} NetworkAuthentication`]: check<NetworkAuthentication>(
    policies.checkNetworkAuthentication,
  ),
  [`${POLICY_GROUP} HTTPLocalRateLimitPolicy`]: check<HTTPLocalRateLimitPolicy>(policies.checkRateLimit),
  [`${POLICY_GROUP} EgressNetwork`]: check<EgressNetwork>(policies.checkEgressNetwork),
  [`${POLICY_GROUP} HTTPRoute`]: route("HTTPRoute", POLICY_GROUP),
  [`${GATEWAY_GROUP} HTTPRoute`]: route("HTTPRoute", GATEWAY_GROUP),
  [`${GATEWAY_GROUP} GRPCRoute`]: route("GRPCRoute", GATEWAY_GROUP),
  [`${GATEWAY_GROUP} TLSRoute`]: route("TLSRoute", GATEWAY_GROUP),
  [`${GATEWAY_GROUP} TCPRoute`]: route("TCPRoute", GATEWAY_GROUP),
  "linkerd.io ServiceProfile": check<ServiceProfile>(checkServiceProfile),
};

/**
 * Never rejects. What a check refuses is refused; a failure of ours lets the object through with a warning: the
 * controllers skip what they cannot follow.
 */
export async function validate(client: KubeClient, review: AdmissionReview): Promise<AdmissionReview> {
  const { request } = review, answer = answerTo(review);
  if (request?.object === undefined) {
    return answer({ allowed: false, status: { message: "the review holds no object", code: 400 } });
  }
  const { kind: { group = "", kind }, object } = request;
  // What is on its way out must be able to lose its finalizers, whatever it says.
  if (object.metadata?.deletionTimestamp !== undefined) return answer({ allowed: true });
  const namespace = request.namespace ?? object.metadata?.namespace ?? "";
  try {
    CHECKS[`${group} ${kind}`]?.(object, namespace);
    const warnings = kind === "Server" && group === POLICY_GROUP
      ? overlapWarnings(object as Server, (await client.list(SERVERS, { namespace })).items)
      : [];
    return answer({ allowed: true, ...(warnings.length === 0 ? {} : { warnings }) });
  } catch (error) {
    if (error instanceof Invalid) {
      return answer({ allowed: false, status: { message: `linkerd: ${error.message}`, code: 422 } });
    }
    console.error(`validation of ${kind}: ${error instanceof Error ? error.stack : error}`);
    return answer({
      allowed: true,
      warnings: [`linkerd: not checked: ${error instanceof Error ? error.message : error}`],
    });
  }
}
