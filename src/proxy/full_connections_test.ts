import { deepEqual, equal, ok } from "node:assert/strict";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { ask } from "./testing/http2_application.ts";
import { endpointAt } from "./testing/fake_control.ts";
import { type Pair, withPair } from "./testing/meshed_pair.ts";

const REQUEST = { ":path": "/", ":method": "POST" };
/** What one loop opens to an endpoint. */
const CONNECTIONS = 64;

/** An application that allows one stream on each connection, and answers when `release` is called. */
async function withNarrow(
  use: (
    session: http2.ClientHttp2Session,
    pair: Pair,
    held: () => number,
    release: () => void,
  ) => Promise<void>,
  failfast: string,
): Promise<void> {
  const waiting: http2.ServerHttp2Stream[] = [];
  let isReleased = false;
  const answer = (stream: http2.ServerHttp2Stream) => stream.respond({ ":status": 200 }, { endStream: true });
  const application = http2.createServer({ settings: { maxConcurrentStreams: 1 } });
  application.on("stream", (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    stream.on("error", () => {}); // given up
    if (isReleased || headers[":path"] === "/connect") answer(stream);
    else waiting.push(stream);
  });
  await new Promise<void>((done) => application.listen(0, "127.0.0.1", done));
  const { port } = application.address() as AddressInfo;
  await withPair(
    () => new Response(),
    async (pair) => {
      pair.client.control.endpoints.set("web.shop.svc.cluster.local:80", [
        endpointAt({ ip: "127.0.0.1", port }),
      ]);
      const session = http2.connect(pair.url);
      await ask(session, { ":path": "/connect" }); // now it is known how much the application takes
      await use(session, pair, () => waiting.length, () => {
        isReleased = true;
        for (const stream of waiting.splice(0)) answer(stream);
      });
      session.destroy();
    },
    {},
    { LINKERD2_PROXY_OUTBOUND_HTTP_FAILFAST_TIMEOUT: failfast },
  );
  application.close();
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((done) => setTimeout(done, 1));
}

Deno.test("requests beyond the streams of all connections wait, and are served in turn", async () => {
  await withNarrow(async (session, { client }, held, release) => {
    const answers = Array.from({ length: 150 }, () => ask(session, REQUEST, new Uint8Array(10)));
    await until(() => held() === CONNECTIONS);
    equal(client.outbound.inFlight.count, 150);
    release();
    for (const answer of answers) equal((await answer).headers[":status"], 200);
  }, "30s");
});

Deno.test("a request that waits too long for a stream is refused with 504, and the others are served", async () => {
  await withNarrow(async (session, { client }, held, release) => {
    const served = Array.from({ length: CONNECTIONS }, () => ask(session, REQUEST, new Uint8Array(10)));
    await until(() => held() === CONNECTIONS);
    const { headers } = await ask(session, REQUEST, new Uint8Array(10));
    equal(headers[":status"], 504);
    ok(String(headers["l5d-proxy-error"]).includes("no connection became free"));
    release();
    deepEqual([...new Set((await Promise.all(served)).map((answer) => answer.headers[":status"]))], [200]);
    equal(client.outbound.inFlight.count, 0);
  }, "300ms");
});

Deno.test("a client that goes while its request waits for a stream leaves nothing behind", async () => {
  await withNarrow(async (session, { client }, held, release) => {
    const served = Array.from({ length: CONNECTIONS }, () => ask(session, REQUEST, new Uint8Array(10)));
    await until(() => held() === CONNECTIONS);
    const leaving = session.request(REQUEST, { endStream: true });
    leaving.on("error", () => {}); // its own reset
    await until(() => client.outbound.inFlight.count === CONNECTIONS + 1);
    leaving.close(8);
    await until(() => client.outbound.inFlight.count === CONNECTIONS);
    release();
    await Promise.all(served);
  }, "30s");
});
