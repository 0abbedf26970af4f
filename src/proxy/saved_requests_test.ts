import { equal, ok } from "node:assert/strict";
import { endpointAt } from "./testing/fake_control.ts";
import { SERVER, withPair } from "./testing/meshed_pair.ts";

const WEB = "web.shop.svc.cluster.local:80";

/**
 * A server of raw bytes: `answer` is written to each connection's first request, then the connection is closed, at
 * once or (`isLate`) when the next request has come.
 */
function rawServer(
  answer: string,
  isLate = false,
): { port: number; served: () => number; close: () => Promise<void> } {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  let served = 0;
  const serving = (async () => {
    for await (const connection of listener) {
      (async () => {
        if (await connection.read(new Uint8Array(4096)) !== null) {
          served++;
          await connection.write(new TextEncoder().encode(answer));
          if (isLate) await connection.read(new Uint8Array(4096));
        }
        connection.close();
      })().catch(() => {}); // the peer went away: that is what is tested
    }
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    served: () => served,
    close: async () => {
      listener.close();
      await serving.catch(() => {}); // the accept that closing ended
    },
  };
}

Deno.test("an application that closes its kept connections loses no request behind its own proxy either", async () => {
  const application = rawServer("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", true);
  await withPair(() => new Response(), async ({ client, server, url }) => {
    client.control.endpoints.set(WEB, [
      endpointAt({ ip: "127.0.0.1", port: application.port }, SERVER, server.inboundAddress.port),
    ]);
    for (let i = 0; i < 50; i++) {
      const response = await fetch(url);
      equal(response.status, 200, response.headers.get("l5d-proxy-error") ?? "");
      equal(await response.text(), "ok");
    }
    equal(application.served(), 50);
  });
  await application.close();
});

Deno.test("what a request demands of its endpoint's identity holds when it is sent to another", async () => {
  await withPair(() => new Response("reached"), async ({ client, url, port, server }) => {
    const dead = Deno.listen({ port: 0, hostname: "127.0.0.1" }),
      { port: deadPort } = dead.addr as Deno.NetAddr;
    dead.close();
    const wanted = "wanted.shop.serviceaccount.identity.linkerd.cluster.local";
    client.control.endpoints.set(WEB, [
      { ...endpointAt({ ip: "127.0.0.1", port: 1 }, wanted, deadPort) }, // as demanded, but not there
      endpointAt({ ip: "127.0.0.1", port }, SERVER, server.inboundAddress.port), // there, but another
    ]);
    for (let i = 0; i < 20; i++) {
      const response = await fetch(url, { headers: { "l5d-require-id": wanted } });
      ok([502, 504].includes(response.status), `${response.status}`);
      await response.body?.cancel();
    }
  });
});

Deno.test("a server outside the mesh that says a request was not delivered is not believed", async () => {
  const liar = rawServer(
    "HTTP/1.1 502 Bad Gateway\r\nl5d-proxy-undelivered: true\r\ncontent-length: 0\r\n\r\n",
  );
  await withPair(() => new Response("elsewhere"), async ({ client, server, url, port }) => {
    client.control.endpoints.set(WEB, [
      endpointAt({ ip: "127.0.0.1", port: liar.port }),
      endpointAt({ ip: "127.0.0.1", port }, SERVER, server.inboundAddress.port),
    ]);
    let asked = 0, failed = 0;
    for (let i = 0; i < 40; i++) {
      const response = await fetch(url, { method: "POST", body: "once" });
      asked++;
      if (response.status === 502) {
        failed++;
        equal(response.headers.get("l5d-proxy-undelivered"), null);
      }
      await response.body?.cancel();
    }
    ok(liar.served() > 0, "it was asked");
    equal(failed, liar.served(), `of ${asked} requests`);
  });
  await liar.close();
});
