/**
 * Whether who asks may tap. Heads of requests are nobody's business by default, and this port is open to the cluster:
 * who taps shows a token of metrics-api's own service account, made for taps alone. Kubernetes' rules say who may
 * create such a one (create serviceaccounts/token), and no pod gets it for an account of its own.
 */
import type { KubeClient } from "../../../kube/client.ts";
import { TOKEN_REVIEWS } from "../../../kube/kinds.ts";
import { MeshFailure } from "../../../mesh/error.ts";
import { METRICS_API, TAP_AUDIENCE } from "../../../mesh/names.ts";

const LONGEST_TOKEN = 16_384;

function refused(detail: string, namespace: string): MeshFailure {
  return new MeshFailure({
    code: "tap-forbidden",
    source: "cluster",
    detail: `not allowed to tap: ${detail}`,
    remedy: `whoever may create serviceaccounts/token of ${namespace}/${METRICS_API} may tap`,
  });
}

/**
 * Whether the client's proxy has proven that it is `client`: the header is written by metrics-api's own proxy, and
 * dropped when a client sends it.
 * @param client undefined: nobody is let in so
 */
export function isTapClient(headers: Headers, client: string | undefined): boolean {
  return client !== undefined && headers.get("l5d-client-id") === client;
}

/** @throws MeshFailure when the token is missing, another's, or cannot be reviewed */
export async function authorizeTap(
  client: KubeClient,
  namespace: string,
  token: string | null,
): Promise<void> {
  if (token === null || token === "") throw refused("no token was shown", namespace);
  if (token.length > LONGEST_TOKEN) throw refused("the token is too long", namespace);
  let status;
  try {
    ({ status } = await client.create(TOKEN_REVIEWS, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      metadata: {},
      spec: { token, audiences: [TAP_AUDIENCE] },
    }));
  } catch (error) {
    throw new MeshFailure({
      code: "tap-review-failed",
      source: "cluster",
      detail: `the token could not be reviewed: ${error instanceof Error ? error.message : error}`,
      remedy:
        "metrics-api needs to create tokenreviews: upgrade the control plane's roles with linkerd upgrade",
    });
  }
  if (status?.authenticated !== true) throw refused(status?.error || "the token is not valid", namespace);
  // A cluster that knows of no audiences would take any token of the account, its own among them.
  if (status.audiences?.includes(TAP_AUDIENCE) !== true) {
    throw refused("the token is not for taps", namespace);
  }
  if (status.user?.username !== `system:serviceaccount:${namespace}:${METRICS_API}`) {
    throw refused(`the token is ${status.user?.username ?? "nobody"}'s`, namespace);
  }
}
