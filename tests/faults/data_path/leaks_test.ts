/** Connections by the hundred, ended in every phase: nothing that they held may be missing afterwards. */
import { deepEqual, equal } from "node:assert/strict";
import http2 from "node:http2";
import { endpointAt } from "../../../src/proxy/testing/fake_control.ts";
import { type Pair, SERVER, withPair } from "../../../src/proxy/testing/meshed_pair.ts";
import {
  bytesOf,
  END_HEADERS,
  GET as GET_FIELDS,
  headers,
  POST,
  RawPeer,
} from "../../conformance/http2/peer.ts";
import { RawApplication } from "../../conformance/http1/raw_application.ts";
import { bytesOf as bytes } from "../../conformance/http1/wire.ts";
import { Client, GET, openDescriptors, stockOf, until, WEB } from "./peers.ts";

const CHUNKED = "POST /a HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n";
const UPGRADE = "GET /a HTTP/1.1\r\nHost: web\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/** What each connection says before it is closed without hearing the end. */
const HTTP1: readonly (readonly [string, string])[] = [
  ["nothing", ""],
  ["half a method", "GE"],
  ["half a head", "GET /a HTTP/1.1\r\nHost: w"],
  ["a request", GET],
  ["a pipeline", GET.repeat(20)],
  ["half a counted body", "POST /a HTTP/1.1\r\nHost: web\r\nContent-Length: 100000\r\n\r\nhalf"],
  ["half a chunk", `${CHUNKED}400\r\nhalf`],
  ["half a trailer", `${CHUNKED}3\r\nabc\r\n0\r\nX-T: ha`],
  ["a broken chunk", `${CHUNKED}nothing\r\n`],
  ["a broken head", "GET  /a HTTP/1.1\r\n\r\n"],
  ["an upgrade", UPGRADE],
  ["a large response unread", "GET /large HTTP/1.1\r\nHost: web\r\n\r\n"],
  ["half a preface", "PRI * HTTP/2.0\r\n\r\nSM"],
];

const HTTP2: readonly (readonly [string, readonly Uint8Array[]])[] = [
  ["nothing", []],
  ["half a frame", [bytesOf("\0\0\x10\x01")]],
  ["half a field block", [headers(1, POST, 0)]],
  ["a request", [headers(1, GET_FIELDS)]],
  ["half a request", [headers(1, POST, END_HEADERS)]],
  ["ten requests", Array.from({ length: 10 }, (_, i) => headers(2 * i + 1, GET_FIELDS))],
  ["a broken frame", [bytesOf("\0\0\x05\x06\0\0\0\0\0hello")]],
];

async function storm({ client, server }: Pair, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const port of [client.outboundAddress.port, server.inboundAddress.port]) {
      await Promise.all(HTTP1.map(async ([, text]) => {
        const connection = await Deno.connect({ hostname: "127.0.0.1", port });
        await connection.write(bytes(text));
        if (round % 2 === 0) await new Promise((done) => setTimeout(done, round));
        connection.close();
      }));
      await Promise.all(HTTP2.map(async ([, frames]) => {
        const peer = await RawPeer.connect(port);
        await peer.greet();
        await peer.write(...frames);
        if (round % 2 === 0) await new Promise((done) => setTimeout(done, round));
        peer.close();
      }));
    }
  }
}

/** What is in use when all is quiet again; tried until it is as `expected`, and then said. */
async function settle(look: () => unknown, expected: unknown): Promise<void> {
  const wanted = JSON.stringify(expected);
  for (let turn = 0; turn < 4000 && JSON.stringify(look()) !== wanted; turn++) {
    await new Promise((done) => setTimeout(done, 1));
  }
  deepEqual(look(), expected);
}

Deno.test("after 800 connections that ended in every phase, every slot, cell, table and descriptor is back", async () => {
  const plain = { bytes: "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine" };
  const large = { bytes: `HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n${"z".repeat(3_000_000)}` };
  const upgraded = {
    bytes: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    isLast: true,
  };
  // Unlike some servers it ends when its client does, so that what is still open is the proxies' doing.
  const application = new RawApplication(({ start, fields }) =>
    start.includes("/large") ? large : fields.some(([name]) => name === "upgrade") ? upgraded : plain
  );
  await withPair(() => new Response(), async (pair) => {
    const { client, server } = pair;
    client.control.endpoints.set(WEB, [
      endpointAt({ ip: "127.0.0.1", port: application.port }, SERVER, server.inboundAddress.port),
    ]);
    const other = await Client.connect(client.outboundAddress.port);
    equal((await other.ask())?.body, "fine");
    const look = () => ({
      client: stockOf(client.runtime.arena),
      server: stockOf(server.runtime.arena),
      connections: client.outbound.connections.size + server.inbound.connections.size,
    });
    await storm(pair, 1); // connections to the application, tables for HTTP/2 between the proxies: kept from here on
    await until(
      "all is quiet",
      () =>
        server.inbound.connections.size + client.outbound.connections.size <= 3 &&
        server.runtime.arena.slots.used + client.runtime.arena.slots.used === 0,
      8000,
    );
    equal((await other.ask())?.body, "fine");
    const before = look(), descriptors = openDescriptors();
    await storm(pair, 20);
    await settle(look, before);
    equal((await other.ask())?.body, "fine");
    // Kept connections to the application may be more than before, but not one for each that came.
    await until(
      `${openDescriptors()} descriptors, ${descriptors} before`,
      () => openDescriptors() <= descriptors + 60,
    );
    other.close();
    for (const proxy of [client, server]) equal(proxy.runtime.arena.slots.used, 0);
  });
  await application.close();
});

Deno.test("a thousand short connections over HTTP/1 and HTTP/2 leave no descriptor of theirs", async () => {
  await withPair(() => new Response("fine"), async ({ client, url }) => {
    const one = async () => {
      const each = await Client.connect(client.outboundAddress.port);
      equal((await each.ask())?.status, 200);
      each.close();
    };
    const session = async () => {
      const each = http2.connect(url), stream = each.request({ ":path": "/" });
      const status = await new Promise((done, failed) => {
        stream.on("response", (head) => done(head[":status"]));
        stream.on("error", failed);
      });
      equal(status, 200);
      each.destroy();
    };
    for (let i = 0; i < 2; i++) await Promise.all(Array.from({ length: 20 }, i % 2 === 0 ? one : session));
    await until("all is quiet", () => client.outbound.connections.size === 0);
    const before = openDescriptors();
    for (let i = 0; i < 50; i++) await Promise.all(Array.from({ length: 20 }, i % 2 === 0 ? one : session));
    await until("descriptors are back", () => openDescriptors() <= before + 25);
  });
});
