/** Who holds a service account token, by the API server's word. */
import type { KubeClient } from "../../kube/client.ts";
import { TOKEN_REVIEWS } from "../../kube/kinds.ts";
import { IDENTITY_AUDIENCE } from "../../mesh/names.ts";
import { Code, failedPrecondition, invalidArgument, RpcError } from "../grpc/status.ts";

export interface ServiceAccount {
  readonly name: string;
  readonly namespace: string;
}

/** Three dot-joined base64url parts: what a JWT looks like before anybody is asked. */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const USER = /^system:serviceaccount:([^:]+):([^:]+)$/;

async function review(client: KubeClient, token: string, audiences: string[] | undefined) {
  try {
    const answer = await client.create(TOKEN_REVIEWS, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      metadata: {},
      spec: { token, ...(audiences === undefined ? {} : { audiences }) },
    });
    return answer.status ?? {};
  } catch (error) {
    throw new RpcError(Code.internal, `the token could not be reviewed: ${error}`);
  }
}

/**
 * Asks for the account behind a token meant for the identity service; older clusters issue tokens without an audience,
 * and a refusal about the audience is asked about once more without one.
 */
export async function reviewToken(client: KubeClient, token: string): Promise<ServiceAccount> {
  if (token === "") throw invalidArgument("no token was sent");
  if (!JWT.test(token)) throw invalidArgument("the token is not a JSON web token");
  let status = await review(client, token, [IDENTITY_AUDIENCE]);
  if (status.authenticated !== true && status.error?.includes("audience")) {
    status = await review(client, token, undefined);
  }
  if (status.authenticated !== true) {
    throw failedPrecondition(`the token is not valid${status.error ? `: ${status.error}` : ""}`);
  }
  const match = USER.exec(status.user?.username ?? "");
  if (match === null) {
    throw failedPrecondition(`${status.user?.username ?? "an unnamed user"} is not a service account`);
  }
  return { namespace: match[1]!, name: match[2]! };
}
