/** An endpoint that discovery takes away: what it has in hand is answered, nothing new is sent to it. */
import { deepEqual, equal } from "node:assert/strict";
import type { EndpointInfo } from "../../../src/proxy/control/plane.ts";
import { endpointAt } from "../../../src/proxy/testing/fake_control.ts";
import { SERVER, withPair } from "../../../src/proxy/testing/meshed_pair.ts";
import { Client, until, WEB } from "./peers.ts";

for (
  const [way, endpointOf] of [
    ["HTTP/1", (port: number): EndpointInfo => endpointAt({ ip: "127.0.0.1", port })],
    [
      "HTTP/2 between the proxies",
      (port: number, inbound: number): EndpointInfo => endpointAt({ ip: "127.0.0.1", port }, SERVER, inbound),
    ],
  ] as const
) {
  Deno.test(`a removed endpoint answers what it has in hand, over ${way}`, async () => {
    const asked: string[] = [], held = Promise.withResolvers<void>();
    const serve = (name: string) => async (request: Request) => {
      asked.push(`${name} ${new URL(request.url).pathname}`);
      if (request.url.endsWith("/slow")) await held.promise;
      return new Response(name);
    };
    const second = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, serve("second"));
    await withPair(serve("first"), async ({ client, server, port }) => {
      const old = endpointOf(port, server.inboundAddress.port);
      const young = endpointOf(second.addr.port, server.inboundAddress.port);
      client.control.endpoints.set(WEB, [old]);
      const slow = await Client.connect(client.outboundAddress.port);
      const quick = await Client.connect(client.outboundAddress.port);
      const answer = slow.ask("GET /slow HTTP/1.1\r\nHost: web\r\n\r\n");
      await until("it has come", () => asked.length === 1);
      // There is no other yet: what is asked now waits for one, and must not go to the one that is gone.
      client.control.update(WEB, { kind: "remove", addresses: [old.address] });
      const next = quick.ask("GET /next HTTP/1.1\r\nHost: web\r\n\r\n");
      await until("it waits", () => client.outbound.queued === 1, 200).finally(held.resolve);
      equal((await answer)?.body, "first");
      client.control.update(WEB, { kind: "add", endpoints: [young] });
      equal((await next)?.body, "second");
      deepEqual(asked.filter((line) => line.startsWith("first")), ["first /slow"]);
      slow.close();
      quick.close();
    });
    await second.shutdown();
  });
}
