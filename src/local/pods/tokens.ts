/** Tokens of service accounts for the volumes of a pod. Source: the TokenRequest API. */
import type { KubeClient } from "../../kube/client.ts";
import { type Pod, SERVICE_ACCOUNTS, type TokenRequest } from "../../kube/kinds.ts";
import type { TokenWish } from "./projection.ts";
import type { IssuedToken } from "./volumes.ts";

/** Asks the API for a token bound to the pod. @throws KubeError */
export async function issueToken(client: KubeClient, pod: Pod, wish: TokenWish): Promise<IssuedToken> {
  const { name = "", namespace = "default", uid = "" } = pod.metadata ?? {};
  const { status } = await client.createSubresource<TokenRequest>(
    SERVICE_ACCOUNTS,
    pod.spec?.serviceAccountName || "default",
    namespace,
    "token",
    {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: {
        audiences: wish.audience ? [wish.audience] : [],
        expirationSeconds: wish.expirationSeconds,
        boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
      },
    },
  );
  return { token: status?.token ?? "", expiresAt: Date.parse(status?.expirationTimestamp ?? "") || Infinity };
}
