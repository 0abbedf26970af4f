/** What costs an HTTP/2 client nothing and us much: each ends its own connection in time, and hurts nobody else. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { endpointAt } from "../../../src/proxy/testing/fake_control.ts";
import { type Pair, SERVER, withPair } from "../../../src/proxy/testing/meshed_pair.ts";
import {
  ACK,
  block,
  bytesOf,
  CONTINUATION,
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  GET,
  GOAWAY,
  HEADERS,
  headers,
  join,
  number32,
  PING,
  POST,
  PREFACE,
  PRIORITY,
  RawPeer,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
  wordOf,
} from "../../conformance/http2/peer.ts";
import { latin1 } from "../../conformance/http1/wire.ts";
import { Client, elapse, isGone, Server, until, WEB } from "./peers.ts";

const CALM = 11,
  FLOOD = 1500,
  BATCH = 50,
  UNFINISHED_MS = 30_000,
  KEEP_ALIVE_MS = 10_000,
  LARGE_BUFFERS = 1024;
const opened = (id: number) => headers(id, POST, END_HEADERS), whole = (id: number) => headers(id, POST);

/** What the frames of one round are; `id` is a stream that is new. */
const FLOODS: readonly (readonly [string, (id: number) => Uint8Array])[] = [
  ["requests that are cancelled", (id) => join(whole(id), frame(RST_STREAM, 0, id, number32(8)))],
  [
    "requests that have themselves reset by a window of nothing",
    (id) => join(whole(id), frame(WINDOW_UPDATE, 0, id, number32(0))),
  ],
  [
    "requests that have themselves reset by too large a window",
    (id) => join(whole(id), frame(WINDOW_UPDATE, 0, id, number32(0x7fffffff))),
  ],
  ["requests that have themselves reset by content after their end", (id) => join(whole(id), data(id, "x"))],
  [
    "requests that have themselves reset by a second head after their end",
    (id) => join(whole(id), whole(id)),
  ],
  [
    "requests that have themselves reset by trailers that are no end",
    (id) => join(opened(id), headers(id, [["x-a", "1"]], END_HEADERS)),
  ],
  [
    "requests that have themselves reset by more content than they said",
    (id) => join(headers(id, [...POST, ["content-length", "1"]], END_HEADERS), data(id, "xx", END_STREAM)),
  ],
  [
    "requests that have themselves reset by a PRIORITY of four bytes",
    (id) => join(whole(id), frame(PRIORITY, 0, id, new Uint8Array(4))),
  ],
  ["requests that are malformed", (id) => headers(id, [...POST, ["connection", "close"]])],
  ["GOAWAY", () => frame(GOAWAY, 0, 0, new Uint8Array(8))],
  ["acknowledged settings that were never sent", () => frame(SETTINGS, ACK, 0)],
  ["answers to PING that nobody sent", () => frame(PING, ACK, 0, new Uint8Array(8))],
  ["settings", () => frame(SETTINGS, 0, 0)],
  ["PRIORITY", (id) => frame(PRIORITY, 0, id, Uint8Array.of(0, 0, 0, 0, 1))],
  ["frames that nobody knows", () => frame(0x77, 0, 0)],
];

/** An application that answers what it is asked over HTTP/1, and nothing over HTTP/2, which the floods are. */
const quiet = () =>
  new Server(async (connection) => {
    const buffer = new Uint8Array(65536);
    for (let isHttp2 = false, isFirst = true;; isFirst = false) {
      const count = await connection.read(buffer);
      if (count === null) return;
      if (isFirst) isHttp2 = latin1(buffer.subarray(0, 3)) === "PRI";
      if (isHttp2 && isFirst) await connection.write(join(frame(SETTINGS, 0, 0), frame(SETTINGS, ACK, 0)));
      if (!isHttp2) await connection.write(bytesOf("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine"));
    }
  });

/** A pair before that application. */
async function withQuiet(use: (pair: Pair) => Promise<void>): Promise<void> {
  const application = quiet();
  await withPair(() => new Response(), async (pair) => {
    pair.client.control.endpoints.set(WEB, [
      endpointAt({ ip: "127.0.0.1", port: application.port }, SERVER, pair.server.inboundAddress.port),
    ]);
    await use(pair);
  });
  await application.close();
}

Deno.test("a flood ends its own connection with ENHANCE_YOUR_CALM, which is heard; others are served", async (t) => {
  for (const [name, round] of FLOODS) {
    await t.step(name, async () => {
      await withQuiet(async ({ client }) => {
        const other = await Client.connect(client.outboundAddress.port);
        const peer = await RawPeer.connect(client.outboundAddress.port);
        await peer.greet();
        const last = peer.until(({ type }) => type === GOAWAY);
        let said: Awaited<typeof last> | undefined;
        last.then((goAway) => said = goAway);
        for (let i = 0; i < FLOOD && said === undefined; i += BATCH) {
          await peer.write(...Array.from({ length: BATCH }, (_, k) => round(2 * (i + k) + 1)));
          if (i % 500 === 0) equal((await other.ask())?.body, "fine");
        }
        const goAway = await last;
        ok(goAway !== undefined, "it says why");
        equal(wordOf(goAway, 4), CALM);
        peer.close();
        equal((await other.ask())?.body, "fine");
        other.close();
      });
    });
  }
});

Deno.test("a client that goes on sending after a connection error reads GOAWAY and an orderly end", async () => {
  await withQuiet(async ({ client }) => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: client.outboundAddress.port });
    const malformed = frame(PING, 0, 0, new Uint8Array(7));
    const writing = (async () => {
      const bytes = join(bytesOf(PREFACE), frame(SETTINGS, 0, 0), malformed, new Uint8Array(400_000));
      for (let left = bytes; left.length > 0;) left = left.subarray(await connection.write(left));
    })();
    await writing;
    await connection.closeWrite();
    const heard = new Uint8Array(await new Response(connection.readable).arrayBuffer());
    const goAway = heard.length - 17;
    equal(heard[goAway + 3], GOAWAY);
    equal(heard.at(-1), 6, "FRAME_SIZE_ERROR");
  });
});

Deno.test("a client that sends without end after a connection error is cut off", async () => {
  await withQuiet(async ({ client }) => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: client.outboundAddress.port });
    const part = new Uint8Array(65536), most = 64 << 20;
    await connection.write(
      join(bytesOf(PREFACE), frame(SETTINGS, 0, 0), frame(PING, 0, 0, new Uint8Array(7))),
    );
    let sent = 0;
    try {
      while (sent < most) sent += await connection.write(part);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
    ok(sent < most, "it is not read on and on");
    connection.close();
  });
});

/** More connections than there are large buffers, each of which says `part` and waits. */
async function crowd({ client }: Pair, part: Uint8Array) {
  const { slots } = client.runtime.arena, ends: Promise<number | undefined>[] = [];
  const peers: RawPeer[] = [];
  let refused = 0;
  while (peers.length < LARGE_BUFFERS + BATCH) {
    const held = slots.used, isRefused = refused;
    for (let i = 0; i < BATCH; i++) {
      const peer = await RawPeer.connect(client.outboundAddress.port);
      await peer.greet();
      await peer.write(part);
      peers.push(peer);
      ends.push(
        peer.until(({ type }) => type === GOAWAY).then((goAway) => {
          refused++;
          return goAway && wordOf(goAway, 4);
        }),
      );
    }
    await until("they are held, or refused", () => slots.used - held + refused - isRefused >= BATCH);
  }
  return { peers, ends };
}

const FIELD = block([["x-a", "a".repeat(6000)]]);
const PARTS: readonly (readonly [string, Uint8Array])[] = [
  ["a frame that is not whole", frame(HEADERS, END_HEADERS, 1, FIELD, FIELD.length + 1)],
  [
    "a field block that is not continued",
    join(frame(HEADERS, 0, 1, block(GET)), frame(CONTINUATION, 0, 1, FIELD)),
  ],
];

for (const [name, part] of PARTS) {
  Deno.test(`as much of ${name} as is taken leaves enough for others, and is given up in time`, async () => {
    await withQuiet(async (pair) => {
      const { client } = pair, { loop, arena } = client.runtime;
      const other = await Client.connect(client.outboundAddress.port);
      const { peers, ends } = await crowd(pair, part);
      equal((await other.ask())?.body, "fine");
      const another = await RawPeer.connect(client.outboundAddress.port); // over HTTP/2, too
      await another.greet();
      ok(await another.until(({ type }) => type === SETTINGS) !== undefined);
      elapse(loop, KEEP_ALIVE_MS, UNFINISHED_MS + KEEP_ALIVE_MS);
      deepEqual(new Set(await Promise.all(ends)), new Set([CALM]));
      for (const peer of [...peers, another]) peer.close();
      await until("all is given back", () => arena.slots.used === 0);
      equal((await other.ask())?.body, "fine");
      other.close();
    });
  });
}

Deno.test("when no buffer is left for a connection's first words it is closed, and the next one after that is served", async () => {
  await withQuiet(async ({ client, server }) => {
    const { slots } = client.runtime.arena, taken: number[] = [];
    for (let slot = slots.take(); slot !== 0; slot = slots.take()) taken.push(slot);
    const peer = await RawPeer.connect(client.outboundAddress.port);
    await peer.greet();
    equal(await peer.read(), undefined);
    peer.close();
    const other = await Client.connect(client.outboundAddress.port);
    equal((await other.ask())?.status, 503); // nor for the connection to the other proxy
    other.close();
    for (const slot of taken) slots.give(slot);
    const next = await RawPeer.connect(client.outboundAddress.port),
      http1 = await Client.connect(
        client.outboundAddress.port,
      );
    await next.greet();
    ok(await next.until(({ type }) => type === SETTINGS) !== undefined);
    equal((await http1.ask())?.body, "fine");
    next.close();
    http1.close();
    equal(server.faults.length, 0);
  });
});
