/** Who sends a request: the administrator's token, a service account's, or nobody. */
import { forbidden, unauthorized } from "../errors.ts";
import type { UserInfo } from "../verbs/state.ts";
import { ISSUER, type Tokens } from "./tokens.ts";

export const ADMINISTRATOR: UserInfo = {
  username: "kubernetes-admin",
  groups: ["system:masters", "system:authenticated"],
};

export const ANONYMOUS: UserInfo = { username: "system:anonymous", groups: ["system:unauthenticated"] };

/** Paths anybody may read, as the role system:public-info-viewer allows. */
const PUBLIC =
  /^\/(healthz|livez|readyz|version)(\/|$)|^\/openid\/v1\/jwks$|^\/\.well-known\/openid-configuration$/;

export class Authenticator {
  readonly #tokens: Tokens;
  readonly #adminToken: string;

  constructor(tokens: Tokens, adminToken: string) {
    this.#tokens = tokens;
    this.#adminToken = adminToken;
  }

  /** @throws KubeError 401 */
  async authenticate(headers: Headers, path: string): Promise<UserInfo> {
    const header = headers.get("authorization");
    if (header === null) {
      if (PUBLIC.test(path)) return ANONYMOUS;
      throw unauthorized();
    }
    const token = /^Bearer\s+(\S+)$/i.exec(header)?.[1];
    if (token === undefined) throw unauthorized();
    let user: UserInfo;
    if (isSameText(token, this.#adminToken)) user = ADMINISTRATOR;
    else {
      const verified = await this.#tokens.verify(token, [ISSUER]);
      if (typeof verified === "string") throw unauthorized();
      user = verified.user;
    }
    return impersonated(user, headers);
  }
}

/** Takes as long whatever the difference is. */
function isSameText(left: string, right: string): boolean {
  let difference = left.length ^ right.length;
  for (let index = 0; index < left.length; index++) {
    difference |= left.charCodeAt(index) ^ right.charCodeAt(index % right.length);
  }
  return difference === 0;
}

function impersonated(user: UserInfo, headers: Headers): UserInfo {
  const name = headers.get("impersonate-user");
  if (name === null) return user;
  if (!user.groups?.includes("system:masters")) {
    throw forbidden(
      { group: "", plural: "users", kind: "User" },
      name,
      `User "${user.username}" cannot impersonate resource "users" in API group "" at the cluster scope`,
    );
  }
  // Headers joins repeated ones; no group's name holds a comma followed by a space.
  const groups = headers.get("impersonate-group")?.split(", ") ?? [];
  const uid = headers.get("impersonate-uid");
  return {
    username: name,
    groups: [...groups, "system:authenticated"],
    ...(uid === null ? {} : { uid }),
  };
}
