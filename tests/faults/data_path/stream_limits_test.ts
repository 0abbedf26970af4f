/** Applications that take few streams at one time (SETTINGS_MAX_CONCURRENT_STREAMS, RFC 9113 §5.1.2). */
import { equal, ok } from "node:assert/strict";
import { endpointAt } from "../../../src/proxy/testing/fake_control.ts";
import { withPair } from "../../../src/proxy/testing/meshed_pair.ts";
import {
  ACK,
  END_HEADERS,
  END_STREAM,
  frame,
  GET,
  HEADERS,
  headers,
  number32,
  PREFACE,
  RawPeer,
  RST_STREAM,
  setting,
  SETTINGS,
} from "../../conformance/http2/peer.ts";
import { Server, until, WEB } from "./peers.ts";

const LIMIT = 4, REQUESTS = 20, REFUSED = 7;

Deno.test("requests beyond an application's limit of streams go over further connections, and none is lost", async () => {
  let refused = 0, most = 0;
  const waiting: (() => Promise<void>)[] = [];
  const application = new Server(async (connection) => {
    const peer = new RawPeer(connection);
    let open = 0;
    await peer.take(PREFACE.length);
    await peer.write(frame(SETTINGS, 0, 0, setting(3, LIMIT)), frame(SETTINGS, ACK, 0));
    for (;;) {
      const next = await peer.read();
      if (next === undefined) return;
      if (next.type !== HEADERS) continue;
      if (open === LIMIT) {
        refused++;
        await peer.write(frame(RST_STREAM, 0, next.stream, number32(REFUSED)));
        continue;
      }
      most = Math.max(most, ++open);
      waiting.push(async () => {
        open--;
        await peer.write(headers(next.stream, [[":status", "200"]], END_HEADERS | END_STREAM));
      });
    }
  });
  await withPair(() => new Response(), async ({ client }) => {
    client.control.endpoints.set(WEB, [endpointAt({ ip: "127.0.0.1", port: application.port })]);
    const peer = await RawPeer.connect(client.outboundAddress.port);
    await peer.greet();
    await peer.write(headers(1, GET));
    await until(
      "the first has come, and with it the application's limit is known",
      () => waiting.length === 1,
    );
    for (let i = 1; i < REQUESTS; i++) {
      await peer.write(headers(2 * i + 1, GET));
      await until(`${i + 1} requests are with the application`, () => waiting.length === i + 1);
    }
    ok(application.connections.length >= REQUESTS / LIMIT);
    equal(most, LIMIT);
    for (const answer of waiting) await answer();
    const answered = new Set<number>();
    while (answered.size < REQUESTS) {
      const next = await peer.until(({ type }) => type === HEADERS || type === RST_STREAM);
      equal(next?.type, HEADERS);
      answered.add(next!.stream);
    }
    ok(refused <= application.connections.length * 4, `${refused} were refused and asked again`);
    peer.close();
  });
  await application.close();
});
