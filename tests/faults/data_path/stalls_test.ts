/** Peers that stop: each may hold up itself, and so much memory, and nobody else. */
import { deepEqual, equal, ok } from "node:assert/strict";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { endpointAt } from "../../../src/proxy/testing/fake_control.ts";
import { type Pair, SERVER, withPair } from "../../../src/proxy/testing/meshed_pair.ts";
import {
  ACK,
  block,
  data,
  END_HEADERS,
  END_STREAM,
  type Frame,
  frame,
  GET as HTTP2_GET,
  GOAWAY,
  HEADERS,
  headers,
  PING,
  POST,
  PREFACE,
  RawPeer,
  RST_STREAM,
  SETTINGS,
  wordOf,
} from "../../conformance/http2/peer.ts";
import { Client, elapse, GET, Server, until, WEB } from "./peers.ts";

const FLOW_CONTROL_ERROR = 3, HEAD_TIMEOUT_MS = 30_000;

/** Sends the client's requests to `port` behind the server's proxy from now on. */
function pointTo({ client, server }: Pair, port: number): void {
  client.control.update(WEB, {
    kind: "replace",
    endpoints: [
      endpointAt({ ip: "127.0.0.1", port }, SERVER, server.inboundAddress.port),
    ],
  });
}

function slotsOf({ client, server }: Pair): number {
  return client.runtime.arena.slots.used + server.runtime.arena.slots.used;
}

/** An application that accepts and never reads. */
const silent = () => new Server(() => Promise.resolve());

/** An HTTP/2 application: `/stall` is never read, everything else is answered. */
async function withApplication(use: (pair: Pair) => Promise<void>): Promise<void> {
  const application = http2.createServer();
  application.on(
    "stream",
    (stream: http2.ServerHttp2Stream, { ":path": path }: http2.IncomingHttpHeaders) => {
      stream.on("error", () => {}); // clients give up: that is what is tested
      if (path === "/stall") return;
      stream.respond({ ":status": 200 });
      if (path === "/endless") {
        const part = new Uint8Array(16384);
        const write = () => {
          while (!stream.destroyed && stream.write(part));
        };
        stream.on("drain", write);
        write();
        return;
      }
      stream.resume();
      stream.end("fine");
    },
  );
  await new Promise<void>((done) => application.listen(0, "127.0.0.1", done));
  const { port } = application.address() as AddressInfo;
  await withPair(() => new Response(), async (pair) => {
    const { client, server } = pair;
    client.control.endpoints.set(WEB, [
      endpointAt({ ip: "127.0.0.1", port }, SERVER, server.inboundAddress.port),
    ]);
    await use(pair);
  });
  application.close();
}

function ask(session: http2.ClientHttp2Session, path: string): Promise<string> {
  return new Promise((done, failed) => {
    const stream = session.request({ ":path": path });
    let text = "";
    stream.on("data", (part: Uint8Array) => text += new TextDecoder().decode(part));
    stream.on("end", () => done(text));
    stream.on("error", failed);
  });
}

Deno.test("an application that does not read stalls its own streams; the others of the connection go on, and memory is bounded", async () => {
  await withApplication(async (pair) => {
    const session = http2.connect(pair.url), stalled: http2.ClientHttp2Stream[] = [];
    for (let i = 0; i < 10; i++) {
      const stream = session.request({ ":method": "POST", ":path": "/stall" });
      stream.on("error", () => {}); // it is given up below
      stream.write(new Uint8Array(4_000_000));
      stalled.push(stream);
    }
    for (let i = 0; i < 100; i++) equal(await ask(session, "/fine"), "fine");
    // A window's worth for each stream in each proxy, and what waits for the connection between them.
    ok(slotsOf(pair) <= 60, `${slotsOf(pair)} buffers`);
    for (const stream of stalled) stream.close(http2.constants.NGHTTP2_CANCEL);
    await until("buffers are given back", () => slotsOf(pair) === 0);
    equal(await ask(session, "/fine"), "fine");
    session.destroy();
  });
});

Deno.test("a client that does not read its responses stalls them alone; memory is bounded", async () => {
  await withApplication(async (pair) => {
    const session = http2.connect(pair.url), stalled: http2.ClientHttp2Stream[] = [];
    const clients = await Promise.all(
      Array.from({ length: 10 }, () => Client.connect(pair.client.outboundAddress.port)),
    );
    for (const client of clients) await client.say("GET /endless HTTP/1.1\r\nHost: web\r\n\r\n");
    for (let i = 0; i < 10; i++) {
      const stream = session.request({ ":path": "/endless" }); // nobody listens to its data
      stream.on("error", () => {}); // it is given up below
      stalled.push(stream);
    }
    const others = http2.connect(pair.url);
    for (let i = 0; i < 100; i++) equal(await ask(others, "/fine"), "fine");
    for (let i = 0; i < 20; i++) equal(await ask(session, "/fine"), "fine");
    ok(slotsOf(pair) <= 120, `${slotsOf(pair)} buffers`);
    for (const client of clients) client.close();
    session.destroy();
    await until("buffers are given back", () => slotsOf(pair) === 0);
    equal(await ask(others, "/fine"), "fine");
    others.destroy();
  });
});

Deno.test("an HTTP/1 application that accepts and never reads holds up its own clients only", async () => {
  const dead = silent();
  await withPair(() => new Response("fine"), async (pair) => {
    const { client, server } = pair;
    // Two services, one connection between the proxies for each.
    client.redirect("outbound", { ip: "10.43.0.7", port: 80 });
    client.control.endpoints.set(WEB, [
      endpointAt({ ip: "127.0.0.1", port: dead.port }, SERVER, server.inboundAddress.port),
    ]);
    const uploads = await Promise.all(
      Array.from({ length: 5 }, () => Client.connect(client.outboundAddress.port)),
    );
    const body = "z".repeat(3_000_000);
    const saying = uploads.map((upload) =>
      upload.say(`POST / HTTP/1.1\r\nHost: web\r\nContent-Length: ${body.length}\r\n\r\n${body}`).catch(
        () => {},
      ) // it is closed below
    );
    await until("all have come", () => dead.connections.length === 5);
    pointTo(pair, pair.port);
    const other = await Client.connect(client.outboundAddress.port);
    for (let i = 0; i < 50; i++) equal((await other.ask())?.body, "fine");
    ok(slotsOf(pair) <= 60, `${slotsOf(pair)} buffers`);
    for (const upload of uploads) upload.close();
    await Promise.all(saying);
    other.close();
  });
  await dead.close();
});

Deno.test("a peer that sends beyond its window is told FLOW_CONTROL_ERROR", async () => {
  const dead = silent();
  await withPair(() => new Response(), async (pair) => {
    pair.client.control.endpoints.set(WEB, [endpointAt({ ip: "127.0.0.1", port: dead.port })]);
    const peer = await RawPeer.connect(pair.client.outboundAddress.port);
    await peer.greet();
    await peer.write(headers(1, POST, END_HEADERS));
    const ended = peer.until(({ type }) => type === GOAWAY || type === RST_STREAM);
    // The application does not speak HTTP/2 and says nothing: nothing is passed on, no window is given.
    for (let i = 0; i < 9; i++) await peer.write(data(1, "x".repeat(16384)));
    const end = await ended as Frame;
    equal(wordOf(end, end.type === GOAWAY ? 4 : 0), FLOW_CONTROL_ERROR);
    peer.close();
  });
  await dead.close();
});

Deno.test("heads that come byte by byte are given up in time, and the others are served meanwhile", async () => {
  await withPair(() => new Response("fine"), async (pair) => {
    const { client } = pair;
    const slow = await Promise.all(
      Array.from({ length: 50 }, () => Client.connect(client.outboundAddress.port)),
    );
    await Promise.all(slow.map((each) => each.say("GET /slow HTTP/1.1\r\nHo")));
    const other = await Client.connect(client.outboundAddress.port);
    await until("all have begun", () => client.runtime.arena.slots.used >= 50);
    ok(client.runtime.arena.slots.used <= 51, `${client.runtime.arena.slots.used} buffers`);
    for (const byte of "st: w") {
      await Promise.all(slow.map((each) => each.say(byte)));
      equal((await other.ask())?.body, "fine");
    }
    elapse(client.runtime.loop, HEAD_TIMEOUT_MS); // a byte now and then has not put it off
    for (const each of slow) {
      const answer = await each.hear();
      deepEqual([answer?.status, answer?.isLast], [400, true]);
      each.close();
    }
    equal((await other.ask())?.body, "fine");
    equal(client.runtime.arena.slots.used, 0);
    other.close();
  });
});

Deno.test("an HTTP/2 application that has gone silent is asked with PING, and given up: its requests fail, new ones get another connection", async () => {
  let pings = 0, requests = 0;
  const half = new Server(async (connection) => { // greets, then answers no PING and not its first request
    const peer = new RawPeer(connection);
    await peer.take(24);
    await peer.write(frame(SETTINGS, 0, 0), frame(SETTINGS, ACK, 0));
    for (let next = await peer.read(); next !== undefined; next = await peer.read()) {
      if (next.type === PING) pings++;
      if (next.type === HEADERS && ++requests > 1) {
        await peer.write(frame(HEADERS, END_HEADERS | END_STREAM, next.stream, Uint8Array.of(0x88)));
      }
    }
  });
  await withPair(() => new Response(), async ({ client, url }) => {
    client.control.endpoints.set(WEB, [endpointAt({ ip: "127.0.0.1", port: half.port })]);
    const session = http2.connect(url), stream = session.request({ ":path": "/" });
    const status = new Promise<unknown>((done, failed) => {
      stream.on("response", (head) => done(head[":status"]));
      stream.on("error", failed);
    });
    await until("the application has the request", () => requests === 1);
    const asked = new Promise((done) => session.once("ping", done));
    elapse(client.runtime.loop, 10_000);
    await asked; // the client is, too, and answers
    for (let turn = 0; turn < 30; turn++) await new Promise((done) => setTimeout(done, 1));
    await until("it is asked", () => pings === 1);
    elapse(client.runtime.loop, 3000, 13_000); // armed in the time that passed
    equal(await status, 502);
    const other = await ask(session, "/again");
    equal(other, "");
    equal(half.connections.length, 2);
    session.destroy();
  });
  await half.close();
});

Deno.test("interim responses without end that an HTTP/2 client does not read cost it none of its other requests", async () => {
  const hint = block([[":status", "103"], ["link", `<${"a".repeat(8000)}>`]]), count = 3000;
  let said = 0;
  const application = new Server(async (connection) => {
    const upstream = new RawPeer(connection), asked: number[] = [];
    await upstream.take(PREFACE.length);
    await upstream.write(frame(SETTINGS, 0, 0), frame(SETTINGS, ACK, 0));
    while (asked.length < 2) {
      const next = await upstream.read();
      if (next?.type === HEADERS) asked.push(next.stream);
    }
    for (; said < count; said++) await upstream.write(frame(HEADERS, END_HEADERS, asked[0]!, hint));
    for (const stream of asked) {
      await upstream.write(frame(HEADERS, END_HEADERS | END_STREAM, stream, block([[":status", "200"]])));
    }
  });
  await withPair(() => new Response(), async ({ client }) => {
    client.control.endpoints.set(WEB, [endpointAt({ ip: "127.0.0.1", port: application.port })]);
    const peer = await RawPeer.connect(client.outboundAddress.port);
    await peer.greet();
    await peer.write(...[1, 3].map((id) => headers(id, HTTP2_GET, END_STREAM | END_HEADERS)));
    await until("the application has said all", () => said === count, 20_000);
    const ended = new Set<number>();
    while (ended.size < 2) {
      const next = await peer.read();
      ok(next !== undefined, "the connection goes on");
      if ((next.flags & END_STREAM) !== 0) ended.add(next.stream);
    }
    peer.close();
  });
  await application.close();
});

Deno.test("a few bytes and an end, too little to tell a protocol, reach the application as they are, end included", async () => {
  const heard = Promise.withResolvers<string>();
  const application = new Server(async (connection) => {
    heard.resolve(await new Response(connection.readable).text());
  });
  await withPair(() => new Response(), async (pair) => {
    pair.client.control.endpoints.set(WEB, [
      endpointAt({ ip: "127.0.0.1", port: application.port }, SERVER, pair.server.inboundAddress.port),
    ]);
    const brief = await Client.connect(pair.client.outboundAddress.port);
    await brief.say("GE");
    await brief.connection.closeWrite();
    equal(await heard.promise, "GE");
    equal(await brief.hear(), undefined); // and the application's end comes back
    brief.close();
  });
  await application.close();
});

Deno.test("what a stalled head was is plain: a request after it is served", async () => {
  await withPair(() => new Response("fine"), async ({ client }) => {
    const slow = await Client.connect(client.outboundAddress.port);
    for (const byte of GET) await slow.say(byte);
    equal((await slow.hear())?.body, "fine");
    equal((await slow.ask())?.body, "fine");
    slow.close();
  });
});
