import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import http2 from "node:http2";
import net from "node:net";
import { DestinationDefinition, type DestinationProfile } from "../../../proto/gen/destination.ts";
import { StreamReader } from "../testing/stream_reader.ts";
import { GrpcClient } from "./client.ts";
import { GrpcServer } from "./server.ts";
import { Code, notFound } from "./status.ts";
import { Cell } from "./watched.ts";

const HTTP_1 = "GET / HTTP/1.1\r\n\r\n";
const BROKEN_PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff";
/** Preface, empty SETTINGS, GOAWAY(0, NO_ERROR). */
const GOAWAY_AT_ONCE = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
  Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
]);
const REQUEST = { scheme: "", path: "p", contextToken: "" };

function profile(name: string): DestinationProfile {
  return {
    routes: [],
    retryBudget: undefined,
    dstOverrides: [],
    opaqueProtocol: false,
    fullyQualifiedName: name,
    endpoint: undefined,
    parentRef: undefined,
    profileRef: undefined,
  };
}

async function serve(cell: Cell<DestinationProfile>) {
  const ended: number[] = [];
  const server = new GrpcServer({ onCall: ({ code }) => ended.push(code) });
  server.add(DestinationDefinition, {
    get: () => {
      throw notFound("nothing here");
    },
    getProfile: (_request, stream) => stream.follow(cell, (_previous, next) => [next]),
  });
  const port = await server.listen(0, "127.0.0.1");
  return { server, port, ended, client: new GrpcClient(DestinationDefinition, `127.0.0.1:${port}`) };
}

Deno.test("a stopped server ends its streams as Unavailable, so that proxies go elsewhere", async () => {
  const cell = new Cell<DestinationProfile>();
  cell.set(profile("one"));
  const { server, client, ended } = await serve(cell);
  const stream = new StreamReader(client.stream("getProfile", REQUEST));
  assert.equal((await stream.next()).fullyQualifiedName, "one");
  const stopped = server.stop();
  assert.equal((await stream.end()).code, Code.unavailable);
  client.close();
  await stopped;
  assert.deepEqual(ended, [Code.unavailable]);
  assert.equal(cell.listeners, 0);
});

Deno.test("a stream's refusal reaches the client with its code, and one that is cancelled lets go of its value", async () => {
  const cell = new Cell<DestinationProfile>();
  cell.set(profile("one"));
  const { server, client } = await serve(cell);
  assert.deepEqual(
    await new StreamReader(client.stream("get", REQUEST)).end().then(({ code }) => code),
    Code.notFound,
  );
  const stream = new StreamReader(client.stream("getProfile", REQUEST));
  await stream.next();
  assert.equal(cell.listeners, 1);
  stream.cancel();
  await stream.end();
  while (cell.listeners > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  client.close();
  await server.stop();
});

Deno.test("a reader that has fallen behind gets the newest value, not all of them", async () => {
  const cell = new Cell<DestinationProfile>();
  const { server, client } = await serve(cell);
  const name = (turn: number) => `${turn}-`.padEnd(100_000, "x");
  cell.set(profile(name(0)));
  const stream = client.stream("getProfile", REQUEST);
  const received: number[] = [];
  const last = new Promise<void>((resolve) =>
    stream.on("data", (message: DestinationProfile) => {
      received.push(Number(message.fullyQualifiedName.split("-")[0]));
      if (received.at(-1) === 500) resolve();
    })
  );
  stream.on("error", () => {/* It is cancelled at the end. */});
  stream.pause();
  for (let turn = 1; turn <= 500; turn++) {
    cell.set(profile(name(turn)));
    if (turn % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  stream.resume();
  await last;
  assert.ok(received.length < 100, `${received.length} of 500 were sent`);
  stream.cancel();
  client.close();
  await server.stop();
});

Deno.test("clients that say GOAWAY, send garbage or vanish take nobody with them", async () => {
  const cell = new Cell<DestinationProfile>();
  cell.set(profile("one"));
  const { server, port, client } = await serve(cell);
  const bystander = new StreamReader(client.stream("getProfile", REQUEST));
  await bystander.next();
  for (let turn = 0; turn < 20; turn++) {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    session.on("error", () => {/* Expected: the server may close first. */});
    const request = session.request({
      ":method": "POST",
      ":path": "/io.linkerd.proxy.destination.Destination/GetProfile",
      "content-type": "application/grpc",
      te: "trailers",
    });
    request.on("error", () => {/* As above. */});
    request.end(new Uint8Array([0, 0, 0, 0, 3, 0x12, 1, 0x70]));
    await new Promise((resolve) => request.once("data", resolve));
    if (turn % 2 === 0) {
      session.goaway(turn);
      await new Promise((resolve) => setTimeout(resolve, 5)); // until it has been sent and read
    }
    session.destroy();
    const socket = net.connect(port, "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.on("error", () => {/* As above. */});
    const bytes = [Buffer.from(HTTP_1), Buffer.from(BROKEN_PREFACE, "latin1"), GOAWAY_AT_ONCE][turn % 3]!;
    await new Promise((resolve) => socket.write(bytes, resolve));
    socket.destroy();
  }
  cell.set(profile("two"));
  assert.equal((await bystander.next()).fullyQualifiedName, "two");
  bystander.cancel();
  client.close();
  await server.stop(200);
});
