/**
 * Service account tokens: JWTs signed by the cluster's key (ES256), for an audience, bound to an account and a pod.
 *
 * Source: RFC 7519; claims as in k8s.io/kubernetes/pkg/serviceaccount.
 */
import type { StoredObject } from "../object.ts";
import { keyOf, type Store } from "../store/store.ts";
import type { UserInfo } from "../verbs/state.ts";

export const ISSUER = "https://kubernetes.default.svc.cluster.local";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

interface Claims {
  iss: string;
  sub: string;
  aud: string[];
  /** Seconds since 1970. */
  exp: number;
  iat: number;
  nbf: number;
  jti: string;
  "kubernetes.io": {
    namespace: string;
    serviceaccount: { name: string; uid: string };
    pod?: { name: string; uid: string };
    node?: { name: string };
    secret?: { name: string; uid: string };
  };
}

export interface IssueRequest {
  account: StoredObject;
  audiences: string[];
  expirationSeconds: number;
  pod?: StoredObject | undefined;
  secret?: StoredObject | undefined;
}

export interface VerifiedToken {
  user: UserInfo;
  audiences: string[];
}

export class Tokens {
  readonly #store: Store;
  readonly #now: () => Date;
  readonly #keys: CryptoKeyPair;
  readonly #keyId: string;
  readonly #publicKey: JsonWebKey;
  /** Tokens whose signature has been checked. */
  readonly #checked = new Map<string, Claims>();

  private constructor(store: Store, now: () => Date, keys: CryptoKeyPair, publicKey: JsonWebKey) {
    this.#store = store;
    this.#now = now;
    this.#keys = keys;
    this.#publicKey = publicKey;
    this.#keyId = `${publicKey.x}`.slice(0, 16);
  }

  static async create(store: Store, now: () => Date): Promise<Tokens> {
    const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]) as CryptoKeyPair;
    return new Tokens(store, now, keys, await crypto.subtle.exportKey("jwk", keys.publicKey));
  }

  /** The key set others check tokens with (/openid/v1/jwks). */
  keySet(): unknown {
    const { kty, crv, x, y } = this.#publicKey;
    return { keys: [{ kty, crv, x, y, kid: this.#keyId, use: "sig", alg: "ES256" }] };
  }

  async issue(request: IssueRequest): Promise<{ token: string; expires: Date }> {
    const { account, pod, secret } = request;
    const { namespace = "", name, uid } = account.metadata;
    const seconds = Math.floor(this.#now().getTime() / 1000);
    const node = (pod?.["spec"] as { nodeName?: string } | undefined)?.nodeName;
    const claims: Claims = {
      aud: request.audiences,
      exp: seconds + request.expirationSeconds,
      iat: seconds,
      iss: ISSUER,
      jti: crypto.randomUUID(),
      "kubernetes.io": {
        namespace,
        ...(node === undefined ? {} : { node: { name: node } }),
        ...(pod === undefined ? {} : { pod: { name: pod.metadata.name, uid: pod.metadata.uid } }),
        ...(secret === undefined ? {} : { secret: { name: secret.metadata.name, uid: secret.metadata.uid } }),
        serviceaccount: { name, uid },
      },
      nbf: seconds,
      sub: `system:serviceaccount:${namespace}:${name}`,
    };
    const head = encodeText(JSON.stringify({ alg: "ES256", kid: this.#keyId }));
    const body = `${head}.${encodeText(JSON.stringify(claims))}`;
    const bytes = new TextEncoder().encode(body);
    const signature = await crypto.subtle.sign(ALGORITHM, this.#keys.privateKey, bytes);
    return {
      token: `${body}.${encodeBytes(new Uint8Array(signature))}`,
      expires: new Date(claims.exp * 1000),
    };
  }

  /**
   * @param audiences one of them must be among the token's
   * @returns who it stands for, or a sentence that says why it is not good
   */
  async verify(token: string, audiences: readonly string[]): Promise<VerifiedToken | string> {
    const claims = this.#checked.get(token) ?? await this.#check(token);
    if (typeof claims === "string") return claims;
    const seconds = this.#now().getTime() / 1000;
    if (seconds >= claims.exp) return "token has expired";
    if (seconds < claims.nbf - 60) return "token is not valid yet";
    const shared = claims.aud.filter((each) => audiences.includes(each));
    if (shared.length === 0) {
      return `token audiences ${JSON.stringify(claims.aud)} is invalid for the target audiences ${
        JSON.stringify(audiences)
      }`;
    }
    const { namespace, serviceaccount, pod, node, secret } = claims["kubernetes.io"];
    for (
      const [resource, bound] of [
        ["/serviceaccounts", serviceaccount],
        ["/pods", pod],
        ["/secrets", secret],
      ] as const
    ) {
      if (bound === undefined) continue;
      const live = this.#store.get(resource, keyOf(namespace, bound.name));
      if (live?.metadata.uid !== bound.uid) {
        return `${resource.slice(1, -1)} ${namespace}/${bound.name} has been deleted`;
      }
    }
    return {
      audiences: shared,
      user: {
        username: claims.sub,
        uid: serviceaccount.uid,
        groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
        extra: {
          "authentication.kubernetes.io/credential-id": [`JTI=${claims.jti}`],
          ...(node === undefined ? {} : { "authentication.kubernetes.io/node-name": [node.name] }),
          ...(pod === undefined ? {} : {
            "authentication.kubernetes.io/pod-name": [pod.name],
            "authentication.kubernetes.io/pod-uid": [pod.uid],
          }),
        },
      },
    };
  }

  async #check(token: string): Promise<Claims | string> {
    const parts = token.split(".");
    if (parts.length !== 3) return "not a JSON web token";
    let claims: Claims;
    let isSigned: boolean;
    try {
      const header = JSON.parse(decodeText(parts[0]!)) as { alg?: string };
      if (header.alg !== "ES256") return `token is signed with ${header.alg}, not ES256`;
      claims = JSON.parse(decodeText(parts[1]!)) as Claims;
      isSigned = await crypto.subtle.verify(
        ALGORITHM,
        this.#keys.publicKey,
        decodeBytes(parts[2]!),
        new TextEncoder().encode(`${parts[0]}.${parts[1]}`),
      );
    } catch (error) {
      return `not a JSON web token: ${(error as Error).message}`;
    }
    if (!isSigned) return "token has a signature of another key";
    if (claims.iss !== ISSUER) return `token is issued by ${claims.iss}`;
    if (this.#checked.size >= 1000) this.#checked.clear();
    this.#checked.set(token, claims);
    return claims;
  }
}

function encodeBytes(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function encodeText(text: string): string {
  return encodeBytes(new TextEncoder().encode(text));
}

function decodeBytes(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function decodeText(text: string): string {
  return new TextDecoder().decode(decodeBytes(text));
}
