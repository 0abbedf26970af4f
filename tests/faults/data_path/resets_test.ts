/**
 * Clients that give up what they ask for, before an application that counts: it must never see more resets on one
 * connection than servers put up with (Netty 200 in 30 s, nghttp2 1000 and 33 a second, h2 20 that nobody has looked at),
 * or one client would cost the others their connection (CVE-2023-44487).
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import hpack from "hpack.js";
import { endpointAt } from "../../../src/proxy/testing/fake_control.ts";
import { type Pair, SERVER, withPair } from "../../../src/proxy/testing/meshed_pair.ts";
import {
  ACK,
  END_HEADERS,
  END_STREAM,
  type Fields,
  frame,
  GET as GET_FIELDS,
  GOAWAY,
  HEADERS,
  headers,
  join,
  number32,
  PING,
  PREFACE,
  RawPeer,
  RST_STREAM,
  SETTINGS,
} from "../../conformance/http2/peer.ts";
import { Server, until, WEB } from "./peers.ts";

const CANCEL = 8, CALM = 11, NETTYS_LIMIT = 200;
const SLOW: Fields = [...GET_FIELDS, ["x-slow", "1"]];

function isSlow(decoder: ReturnType<typeof hpack.decompressor.create>, block: Uint8Array): boolean {
  let isSlow = false;
  decoder.write(block);
  decoder.execute();
  for (let field = decoder.read(); field !== null; field = decoder.read()) isSlow ||= field.name === "x-slow";
  return isSlow;
}

/** What an application saw of one connection. */
interface Seen {
  readonly open: Set<number>;
  resets: number;
  isClosed: boolean;
}

/** An application that answers at once what is not slow, the slow never, and ends a connection of too many resets. */
class Application {
  readonly seen: Seen[] = [];
  readonly #server = new Server(async (connection) => {
    const peer = new RawPeer(connection), seen: Seen = { open: new Set(), resets: 0, isClosed: false };
    const decoder = hpack.decompressor.create({ table: { size: 4096 } });
    await peer.take(PREFACE.length);
    this.seen.push(seen);
    await peer.write(frame(SETTINGS, 0, 0), frame(SETTINGS, ACK, 0));
    for (;;) {
      const next = await peer.read();
      if (next === undefined) break;
      if (next.type === PING && next.flags === 0) await peer.write(frame(PING, ACK, 0, next.payload));
      if (next.type === RST_STREAM) {
        seen.open.delete(next.stream);
        if (++seen.resets > NETTYS_LIMIT) {
          await peer.write(frame(GOAWAY, 0, 0, join(number32(next.stream), number32(CALM))));
          break;
        }
      }
      if (next.type !== HEADERS) continue;
      seen.open.add(next.stream);
      if (isSlow(decoder, next.payload)) continue;
      seen.open.delete(next.stream);
      await peer.write(headers(next.stream, [[":status", "200"]], END_HEADERS | END_STREAM));
    }
    seen.isClosed = true;
    peer.close();
  });

  get port(): number {
    return this.#server.port;
  }

  get resets(): number[] {
    return this.seen.map(({ resets }) => resets);
  }

  /** Requests that it still works on. */
  get working(): number {
    return this.seen.reduce((sum, { open, isClosed }) => sum + (isClosed ? 0 : open.size), 0);
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}

async function withApplication(
  isMeshed: boolean,
  use: (pair: Pair, application: Application) => Promise<void>,
) {
  const application = new Application();
  await withPair(() => new Response(), async (pair) => {
    pair.client.control.endpoints.set(WEB, [
      isMeshed
        ? endpointAt({ ip: "127.0.0.1", port: application.port }, SERVER, pair.server.inboundAddress.port)
        : endpointAt({ ip: "127.0.0.1", port: application.port }),
    ]);
    await use(pair, application);
  });
  await application.close();
}

/** A request that is answered; 0 when it was not. */
async function ask(peer: RawPeer, id: number): Promise<boolean> {
  await peer.write(headers(id, GET_FIELDS));
  const answer = await peer.until(({ type, stream }) =>
    type === GOAWAY || stream === id && (type === HEADERS || type === RST_STREAM)
  );
  return answer?.type === HEADERS;
}

for (const [way, isMeshed] of [["the client's proxy alone", false], ["both proxies", true]] as const) {
  Deno.test(`a client that resets all it asks for hurts no other, through ${way}`, async () => {
    await withApplication(isMeshed, async ({ client }, application) => {
      const storm = await RawPeer.connect(client.outboundAddress.port);
      const other = await RawPeer.connect(client.outboundAddress.port);
      await storm.greet();
      await other.greet();
      let answered = 0, asked = 0;
      for (let id = 1; id < 1800; id += 60) {
        const frames: Uint8Array[] = [];
        for (let at = id; at < id + 60; at += 2) {
          frames.push(headers(at, SLOW), frame(RST_STREAM, 0, at, number32(CANCEL)));
        }
        await storm.write(...frames);
        if (await ask(other, 2 * asked++ + 1)) answered++;
      }
      equal(answered, asked);
      ok(Math.max(...application.resets) <= 100, `resets by connection: ${application.resets}`);
      await until(
        "the application is told of all that was given up",
        () => application.working === 0,
        20_000,
      );
      storm.close();
      other.close();
    });
  });
}

Deno.test("a request beside a storm of resets is answered on the connection that it began on", async () => {
  await withApplication(false, async ({ client }, application) => {
    const storm = await RawPeer.connect(client.outboundAddress.port);
    await storm.greet();
    await storm.write(headers(1, SLOW));
    await until("it has come", () => application.working === 1);
    for (let id = 3; id < 1000; id += 2) {
      await storm.write(headers(id, SLOW), frame(RST_STREAM, 0, id, number32(CANCEL)));
    }
    const [first] = application.seen;
    await until(
      "the others were given up",
      () => application.seen.filter(({ isClosed }) => isClosed).length > 2,
    );
    deepEqual([first!.isClosed, first!.open.has(1)], [false, true]);
    ok(application.working < 150, `${application.working} requests are worked on for nobody`);
    await storm.write(frame(RST_STREAM, 0, 1, number32(CANCEL)));
    await until("the first connection is of no more use", () => first!.isClosed);
    storm.close();
  });
});

Deno.test("a few resets reach the application at once", async () => {
  await withApplication(false, async ({ client }, application) => {
    const peer = await RawPeer.connect(client.outboundAddress.port);
    await peer.greet();
    for (let id = 1; id < 20; id += 2) await peer.write(headers(id, SLOW));
    await until("they have come", () => application.working === 10);
    for (let id = 1; id < 20; id += 2) await peer.write(frame(RST_STREAM, 0, id, number32(CANCEL)));
    await until("they were given up", () => application.working === 0);
    deepEqual(application.resets, [10]);
    peer.close();
  });
});
