/** Clients whose certificates do not hold, against a running inbound proxy: each refused, counted, and nobody else's loss. */
import { equal, match } from "node:assert/strict";
import { TestAuthority } from "../../src/proxy/testing/certificates.ts";
import { CLIENT } from "../../src/proxy/testing/meshed_pair.ts";
import type { TlsIdentity } from "../../src/linux/openssl/context.ts";
import { eventually, type OneServer, withServer } from "./one_server.ts";

const ATTEMPTS = 10, DAY_MS = 86_400_000;

const CASES: readonly (readonly [string, (server: OneServer) => Promise<TlsIdentity>, RegExp])[] = [
  [
    "that has expired",
    ({ authority }) =>
      authority.issue(CLIENT, {
        notBefore: new Date(Date.now() - 2 * DAY_MS),
        notAfter: new Date(Date.now() - DAY_MS),
      }),
    /expired/,
  ],
  [
    "that counts from tomorrow",
    ({ authority }) =>
      authority.issue(CLIENT, {
        notBefore: new Date(Date.now() + DAY_MS),
        notAfter: new Date(Date.now() + 2 * DAY_MS),
      }),
    /not yet valid/,
  ],
  [
    "of another authority with the same name",
    async () => (await TestAuthority.create()).issue(CLIENT),
    /certificate/,
  ],
];

for (const [what, issue, reason] of CASES) {
  Deno.test(`a client with a certificate ${what} is refused and counted, and others go on`, async () => {
    await withServer(async (one) => {
      const stranger = await one.client(), { seen, server } = one;
      stranger.runtime.tls.install(await issue(one));
      const before = seen.length;
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const response = await fetch(`http://127.0.0.1:${stranger.outboundAddress.port}/stranger`);
        await response.body?.cancel();
        equal(response.status, 502);
        await one.check();
      }
      equal(seen.slice(before).includes("/stranger"), false, "none of its requests came through");
      await eventually(
        "each refusal is counted",
        () => one.counter("inbound_tcp_errors_total", { error: "tls" }) >= ATTEMPTS,
      );
      match(server.logs.filter((line) => line.includes("TLS handshake failed")).join("\n"), reason);
    });
  });
}

Deno.test("a client without a certificate is not let to the proxy's own port, and others go on", async () => {
  await withServer(async (one) => {
    const { server } = one;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const connection = await Deno.connect(
        { hostname: "127.0.0.1", port: server.inboundAddress.port },
      );
      await connection.write(new TextEncoder().encode("GET /stranger HTTP/1.1\r\nhost: web\r\n\r\n"));
      equal(await connection.read(new Uint8Array(100)).catch(() => null), null);
      connection.close();
      await one.check();
    }
    equal(one.seen.includes("/stranger"), false);
    equal(one.counter("inbound_tcp_errors_total", { error: "unexpected" }), ATTEMPTS);
  });
});
