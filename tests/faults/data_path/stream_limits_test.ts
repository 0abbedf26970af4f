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

Deno.test("a burst before an application has said how many streams it takes puts no more than 100 on a connection", async () => {
  const asked: number[] = [], release = Promise.withResolvers<void>();
  const application = new Server(async (connection) => { // says nothing until all have come
    const peer = new RawPeer(connection), index = asked.push(0) - 1, streams: number[] = [];
    await peer.take(PREFACE.length);
    release.promise.then(async () => {
      await peer.write(frame(SETTINGS, 0, 0), frame(SETTINGS, ACK, 0));
      for (const stream of streams) {
        await peer.write(headers(stream, [[":status", "200"]], END_HEADERS | END_STREAM));
      }
    });
    for (let next = await peer.read(); next !== undefined; next = await peer.read()) {
      if (next.type === HEADERS) asked[index] = streams.push(next.stream);
    }
  });
  await withPair(() => new Response(), async ({ client }) => {
    client.control.endpoints.set(WEB, [endpointAt({ ip: "127.0.0.1", port: application.port })]);
    const peer = await RawPeer.connect(client.outboundAddress.port);
    await peer.greet();
    await peer.write(...Array.from({ length: 250 }, (_, i) => headers(2 * i + 1, GET)));
    await until("all have come", () => asked.reduce((sum, count) => sum + count, 0) === 250);
    equal(Math.max(...asked), 100);
    release.resolve();
    for (let answered = 0; answered < 250;) if ((await peer.read())?.type === HEADERS) answered++;
    peer.close();
  });
  await application.close();
});
