import assert from "node:assert/strict";
import { createHttpKubeClient } from "./http_client.ts";
import { loadKubeConfig } from "./config.ts";
import { type OidcConfig, oidcCredentials } from "./oidc.ts";

/** A token that ends at `seconds` since the epoch; nobody here looks at its signature. */
function tokenUntil(seconds: number, name = "jane"): string {
  const part = (value: unknown) =>
    btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `${part({ alg: "none" })}.${part({ sub: name, exp: seconds })}.x`;
}

interface Provider {
  readonly issuer: string;
  /** The forms that were posted, each with its authorization header. */
  readonly asked: [form: string, authorization: string | null][];
  answer: (form: URLSearchParams) => Response;
}

/** An identity provider on loopback. */
async function withProvider(use: (provider: Provider) => Promise<void>): Promise<void> {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    if (new URL(request.url).pathname === "/realm/.well-known/openid-configuration") {
      return Response.json({ issuer: provider.issuer, token_endpoint: `${provider.issuer}/token` });
    }
    const form = await request.text();
    provider.asked.push([form, request.headers.get("authorization")]);
    return provider.answer(new URLSearchParams(form));
  });
  const provider: Provider = {
    issuer: `http://127.0.0.1:${server.addr.port}/realm`,
    asked: [],
    answer: () => Response.json({ error: "invalid_grant" }, { status: 400 }),
  };
  try {
    await use(provider);
  } finally {
    await server.shutdown();
  }
}

function tokensOf(config: OidcConfig, now: () => number, kept: Record<string, string>[] = []) {
  return oidcCredentials(config, {
    fetch,
    now,
    persist: (tokens) => Promise.resolve(void kept.push({ ...tokens })),
  });
}

Deno.test("a valid ID token is used as it is, and nobody is asked", () =>
  withProvider(async ({ issuer, asked }) => {
    const token = tokenUntil(1000);
    const ask = tokensOf({ "idp-issuer-url": issuer, "client-id": "kube", "id-token": token }, () => 980_000);
    assert.deepEqual(await ask(), { token });
    assert.equal(asked.length, 0);
  }));

Deno.test("one that ends within ten seconds is fetched anew, once for all who ask, and both tokens are kept", () =>
  withProvider(async (provider) => {
    const fresh = tokenUntil(5000), kept: Record<string, string>[] = [];
    provider.answer = () => Response.json({ id_token: fresh, refresh_token: "second" });
    const config = {
      "idp-issuer-url": `${provider.issuer}/`,
      "client-id": "kube",
      "client-secret": "s/e",
      "id-token": tokenUntil(1000),
      "refresh-token": "first",
    };
    const clock = { now: 991_000 }, ask = tokensOf(config, () => clock.now, kept);
    assert.deepEqual(await Promise.all([ask(), ask()]), [{ token: fresh }, { token: fresh }]);
    assert.deepEqual(provider.asked, [
      ["grant_type=refresh_token&refresh_token=first", `Basic ${btoa("kube:s%2Fe")}`],
    ]);
    assert.deepEqual(kept, [{ "id-token": fresh, "refresh-token": "second" }]);
    clock.now = 5_000_000; // the next time the new refresh token goes out
    await ask();
    assert.equal(provider.asked[1]![0], "grant_type=refresh_token&refresh_token=second");
  }));

Deno.test("a public client names itself in the form, and its refresh token stays when no other comes", () =>
  withProvider(async (provider) => {
    const kept: Record<string, string>[] = [];
    provider.answer = () => Response.json({ id_token: tokenUntil(5000) });
    const config = { "idp-issuer-url": provider.issuer, "client-id": "kube", "refresh-token": "only" };
    await tokensOf(config, () => 0, kept)();
    assert.deepEqual(provider.asked, [["grant_type=refresh_token&refresh_token=only&client_id=kube", null]]);
    assert.equal(kept[0]!["refresh-token"], "only");
  }));

Deno.test("what is missing, and what the provider refuses, is said; the next request asks again", () =>
  withProvider(async (provider) => {
    const base = { "idp-issuer-url": provider.issuer, "client-id": "kube", "id-token": tokenUntil(1) };
    await assert.rejects(
      tokensOf(base, () => 2000)(),
      /expired, and there is no refresh-token: log in again/,
    );
    await assert.rejects(tokensOf({ "refresh-token": "x" }, () => 0)(), /needs idp-issuer-url and client-id/);
    const ask = tokensOf({ ...base, "refresh-token": "used" }, () => 2000);
    await assert.rejects(ask(), /\/realm\/token answers 400: .*invalid_grant/);
    provider.answer = () => Response.json({ access_token: "only" });
    await assert.rejects(ask(), /answers without an id_token/);
    assert.equal(provider.asked.length, 2);
  }));

Deno.test("a kubeconfig with it is written back: the tokens change, comments and the rest stay", () =>
  withProvider(async (provider) => {
    const fresh = tokenUntil(Math.floor(Date.now() / 1000) + 3600);
    provider.answer = () => Response.json({ id_token: fresh, refresh_token: "second" });
    const seen: (string | null)[] = [];
    const api = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
      seen.push(request.headers.get("authorization"));
      return Response.json({ gitVersion: "v1.35.0" });
    });
    const path = await Deno.makeTempFile({ suffix: ".yaml" });
    try {
      await Deno.chmod(path, 0o600);
      await Deno.writeTextFile(
        path,
        `# mine
current-context: here
clusters: [{ name: here, cluster: { server: "http://127.0.0.1:${api.addr.port}" } }]
contexts: [{ name: here, context: { cluster: here, user: jane } }]
users:
- name: other
  user: { token: untouched }
- name: jane # of the identity provider
  user:
    auth-provider:
      name: oidc
      config: { idp-issuer-url: "${provider.issuer}", client-id: kube, id-token: old, refresh-token: first }
`,
      );
      const client = createHttpKubeClient(await loadKubeConfig({ path }));
      try {
        for (let i = 0; i < 2; i++) await (await client.raw("GET", "/version")).text();
      } finally {
        client.close();
      }
      assert.deepEqual(seen, [`Bearer ${fresh}`, `Bearer ${fresh}`]);
      const text = await Deno.readTextFile(path);
      assert.match(text, /# mine/);
      assert.match(text, /# of the identity provider/);
      assert.match(text, /token: untouched/);
      assert.ok(text.includes(`id-token: ${fresh}`) && text.includes("refresh-token: second"));
      assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
      assert.equal(provider.asked.length, 1);
    } finally {
      await Deno.remove(path);
      await api.shutdown();
    }
  }));

Deno.test("a provider that kubectl has removed is refused by name", async () => {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeTextFile(
      path,
      `current-context: c
clusters: [{ name: c, cluster: { server: "https://c" } }]
contexts: [{ name: c, context: { cluster: c, user: u } }]
users: [{ name: u, user: { auth-provider: { name: gcp } } }]
`,
    );
    await assert.rejects(
      loadKubeConfig({ path }),
      /auth-provider "gcp", which kubectl has removed: use an exec plugin/,
    );
  } finally {
    await Deno.remove(path);
  }
});
