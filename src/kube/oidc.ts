/**
 * Tokens of an OpenID Connect provider (`users[].user.auth-provider` with the name oidc), as kubectl has them: the ID
 * token while it is valid, then a new one for the refresh token, written back to the kubeconfig it came from, since a
 * provider may take a refresh token once only.
 *
 * Source: client-go plugin/pkg/client/auth/oidc; OpenID Connect Discovery 1.0 §4; RFC 6749 §6.
 */
import type { Credentials } from "./http_client.ts";

export interface OidcConfig {
  "idp-issuer-url"?: string;
  "client-id"?: string;
  "client-secret"?: string;
  "id-token"?: string;
  "refresh-token"?: string;
  /** A file, PEM. */
  "idp-certificate-authority"?: string;
  /** Base64 of PEM; wins. */
  "idp-certificate-authority-data"?: string;
}

export interface OidcEnvironment {
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Keeps what the provider gave. */
  persist(tokens: Readonly<Record<"id-token" | "refresh-token", string>>): Promise<void>;
}

/** Before its expiry a token is fetched anew, as in client-go. */
const EARLY_MS = 10_000, TIMEOUT_MS = 30_000;

/** When a token ends, milliseconds since the epoch; 0 for what is no token. */
function expiryOf(token: string | undefined): number {
  const [, claims = ""] = (token ?? "").split(".");
  try {
    const text = atob(claims.replaceAll("-", "+").replaceAll("_", "/"));
    const { exp } = JSON.parse(text) as { exp?: number };
    return typeof exp === "number" ? exp * 1000 : 0;
  } catch {
    return 0; // not ours to judge: it is refreshed, and the provider says what it thinks
  }
}

async function answerOf<T>(response: Response, what: string): Promise<T> {
  const text = await response.text();
  if (!response.ok) throw new Error(`${what} answers ${response.status}: ${text.trim().slice(0, 300)}`);
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new Error(`${what} answers with something that is not JSON: ${text.trim().slice(0, 100)}`);
  }
}

function basic(id: string, secret: string): string {
  return `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}`;
}

/** @throws Error that says what is missing, or what the provider answered */
async function refresh(
  config: OidcConfig,
  { fetch, persist }: OidcEnvironment,
): Promise<{ token: string; refreshToken: string }> {
  const { "idp-issuer-url": issuer, "client-id": id, "client-secret": secret, "refresh-token": token } =
    config;
  if (!issuer || !id) throw new Error("auth-provider oidc needs idp-issuer-url and client-id");
  if (!token) throw new Error("the ID token has expired, and there is no refresh-token: log in again");
  const init = { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: "error" as const };
  const discovery = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const { token_endpoint: endpoint } = await answerOf<{ token_endpoint?: string }>(
    await fetch(discovery, init),
    discovery,
  );
  if (typeof endpoint !== "string") throw new Error(`${discovery} names no token_endpoint`);
  const answer = await answerOf<{ id_token?: string; refresh_token?: string }>(
    await fetch(endpoint, {
      ...init,
      method: "POST",
      headers: { accept: "application/json", ...(secret ? { authorization: basic(id, secret) } : {}) },
      body: new URLSearchParams({
        grant_type: "refresh_token",
        refresh_token: token,
        ...(secret ? {} : { client_id: id }),
      }),
    }),
    endpoint,
  );
  if (typeof answer.id_token !== "string") throw new Error(`${endpoint} answers without an id_token`);
  const refreshToken = answer.refresh_token || token;
  await persist({ "id-token": answer.id_token, "refresh-token": refreshToken });
  return { token: answer.id_token, refreshToken };
}

/** A function that gives a valid token, fetched anew when it must be; asked at the same time it fetches once. */
export function oidcCredentials(
  config: OidcConfig,
  environment: OidcEnvironment,
): () => Promise<Credentials> {
  let token = config["id-token"], refreshToken = config["refresh-token"];
  let running: Promise<Credentials> | undefined;
  return () => {
    if (token !== undefined && expiryOf(token) - EARLY_MS > environment.now()) {
      return Promise.resolve({ token });
    }
    running ??= (async () => {
      try {
        const current = refreshToken === undefined ? config : { ...config, "refresh-token": refreshToken };
        ({ token, refreshToken } = await refresh(current, environment));
        return { token };
      } finally {
        running = undefined;
      }
    })();
    return running;
  };
}
