import { deepEqual, equal } from "node:assert/strict";
import { TestAuthority } from "./testing/certificates.ts";
import { CLIENT, type Pair, SERVER, withPair } from "./testing/meshed_pair.ts";

/** Both proxies take a certificate of `issuer`, and trust `anchors` from now on. */
async function install({ client, server }: Pair, issuer: TestAuthority, anchors: readonly TestAuthority[]) {
  const trusted = anchors.map(({ anchor }) => anchor);
  // One after the other, as renewals come: both orders of old and new meet.
  for (const [{ runtime }, name] of [[client, CLIENT], [server, SERVER]] as const) {
    runtime.tls.install(await issuer.issue(name), trusted);
    // The connection between the proxies goes away (no request is lost by that), so that the next one shakes hands anew.
    for (const connection of [...server.inbound.connections]) connection.drain(false);
    await new Promise((done) => setTimeout(done, 20));
  }
}

Deno.test("leaf, issuer and root are rotated under load without a failed request or a restart", async () => {
  const old = await TestAuthority.create("old root"), next = await TestAuthority.create("new root");
  await withPair(() => new Response("served"), async (pair) => {
    let isOver = false, asked = 0;
    const failed: number[] = [];
    const ask = async () => {
      while (!isOver) {
        const response = await fetch(pair.url);
        if (response.status !== 200) failed.push(response.status);
        await response.body?.cancel();
        asked++;
      }
    };
    const load = Promise.all([ask(), ask(), ask()]);
    const original = pair.client.runtime.tls.anchors;
    const current = { anchor: original[0]! } as TestAuthority;
    await install(pair, pair.authority, [current, old]); // the bundle of the present root and the first new one
    await install(pair, old, [current, old]); // certificates of the new root
    await install(pair, old, [old]); // the present root is no longer trusted
    await install(pair, old, [old, next]);
    await install(pair, next, [old, next]);
    await install(pair, next, [next]);
    const before = asked;
    while (asked < before + 20) await new Promise((done) => setTimeout(done, 5));
    isOver = true;
    await load;
    deepEqual(failed, []);
    equal(pair.client.runtime.tls.anchors.length, 1);
  });
});

Deno.test("a peer whose root is no longer trusted is refused", async () => {
  const other = await TestAuthority.create("other root");
  await withPair(() => new Response("served"), async (pair) => {
    equal(
      (await fetch(pair.url).then(async (response) => (await response.body?.cancel(), response))).status,
      200,
    );
    const { runtime } = pair.client;
    runtime.tls.install(await pair.authority.issue(CLIENT), [other.anchor]);
    for (const connection of [...pair.server.inbound.connections]) connection.drain(true);
    const response = await fetch(pair.url);
    equal(response.status, 502);
    await response.body?.cancel();
  });
});
