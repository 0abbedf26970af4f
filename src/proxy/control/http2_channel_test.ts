import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { Buffer } from "node:buffer";
import dgram from "node:dgram";
import { once } from "node:events";
import * as grpc from "@grpc/grpc-js";
import { readConfig } from "../config/environment.ts";
import { Dialer } from "../connect/dialer.ts";
import { Log } from "../telemetry/log.ts";
import { Telemetry } from "../telemetry/telemetry.ts";
import { TestAuthority } from "../testing/certificates.ts";
import { drive } from "../testing/drive.ts";
import { TEST_ENVIRONMENT } from "../testing/environment.ts";
import { TlsContexts } from "../tls/contexts.ts";
import { Arena } from "../worker/arena.ts";
import { Loop } from "../worker/loop.ts";
import { Resolver } from "./dns/resolver.ts";
import { GrpcCode, GrpcError, type GrpcStatus } from "./grpc.ts";
import { Http2Channel } from "./http2_channel.ts";
import { ResilientStream } from "./resilient_stream.ts";
import { WasmHeaderCodec } from "./wasm_header_codec.ts";

const authority = await TestAuthority.create();
const method = (path: string, responseStream: boolean): grpc.MethodDefinition<Buffer, Buffer> => ({
  path,
  requestStream: false,
  responseStream,
  requestSerialize: (bytes) => bytes,
  requestDeserialize: (bytes) => bytes,
  responseSerialize: (bytes) => bytes,
  responseDeserialize: (bytes) => bytes,
});

interface Wire {
  readonly channel: Http2Channel;
  readonly server: grpc.Server;
  readonly loop: Loop;
  readonly streams: grpc.ServerWritableStream<Buffer, Buffer>[];
}

/** The proxy's channel and a grpc-js server, which echoes, fails as told, and keeps streams open. */
async function withWire(use: (wire: Wire) => Promise<void>): Promise<void> {
  const streams: grpc.ServerWritableStream<Buffer, Buffer>[] = [];
  const server = new grpc.Server();
  server.addService({
    echo: method("/t.T/Echo", false),
    fail: method("/t.T/Fail", false),
    watch: method("/t.T/Watch", true),
  }, {
    echo: (call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) =>
      done(null, call.request),
    fail: (_: unknown, done: grpc.sendUnaryData<Buffer>) =>
      done({ code: grpc.status.FAILED_PRECONDITION, details: "nicht möglich: 100%" }),
    watch: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
      streams.push(call);
      call.write(call.request);
    },
  });
  const port = await new Promise<number>((done, failed) =>
    server.bindAsync(
      "127.0.0.1:0",
      grpc.ServerCredentials.createInsecure(),
      (error, port) => error ? failed(error) : done(port),
    )
  );
  const faults: unknown[] = [], loop = new Loop((error) => faults.push(error)), arena = Arena.create();
  const dialer = new Dialer(
    loop,
    arena,
    readConfig(TEST_ENVIRONMENT).outbound,
    new TlsContexts("client", [authority.anchor]),
  );
  const channel = new Http2Channel({
    service: { host: "127.0.0.1", port, identity: undefined },
    dialer,
    resolver: new Resolver(loop, arena, new Telemetry(arena), []),
    log: new Log("error", "plain"),
    createCodec: () => new WasmHeaderCodec(arena),
  });
  const stop = drive(loop);
  try {
    await use({ channel, server, loop, streams });
    deepEqual(faults, []);
  } finally {
    channel.close();
    await new Promise((done) => setTimeout(done, 10));
    await stop();
    server.forceShutdown();
  }
}

Deno.test("calls of every size come back as they were sent, over one connection", async () => {
  await withWire(async ({ channel }) => {
    for (const size of [0, 1, 5000, 70_000, 1_000_000]) {
      const request = new Uint8Array(size).map((_, i) => i * 31);
      const answer = await channel.unary("/t.T/Echo", request, 5000);
      equal(answer.length, size);
      ok(answer.every((byte, i) => byte === request[i]));
    }
    const many = Array.from({ length: 100 }, (_, i) => channel.unary("/t.T/Echo", Uint8Array.of(i), 5000));
    (await Promise.all(many)).forEach((answer, i) => deepEqual([...answer], [i]));
  });
});

Deno.test("a status is told with its code and its message in full", async () => {
  await withWire(async ({ channel }) => {
    await rejects(channel.unary("/t.T/Fail", new Uint8Array(0), 5000), (error: unknown) => {
      ok(error instanceof GrpcError);
      deepEqual(error.status, { code: GrpcCode.FAILED_PRECONDITION, message: "nicht möglich: 100%" });
      return true;
    });
    await rejects(
      channel.unary("/t.T/Unknown", new Uint8Array(0), 5000),
      (error: unknown) => error instanceof GrpcError && error.status.code === GrpcCode.UNIMPLEMENTED,
    );
  });
});

Deno.test("a stream tells each message as it comes, and its end; a cancelled one tells nothing more", async () => {
  await withWire(async ({ channel, streams }) => {
    const messages: string[] = [];
    let ended: GrpcStatus | undefined;
    const until = async (condition: () => boolean) => {
      for (let i = 0; i < 500 && !condition(); i++) await new Promise((done) => setTimeout(done, 2));
      ok(condition());
    };
    const observer = {
      onMessage: (message: Uint8Array) => messages.push(new TextDecoder().decode(message)),
      onEnd: (status: GrpcStatus) => ended = status,
    };
    channel.serverStream("/t.T/Watch", new TextEncoder().encode("first"), observer);
    await until(() => messages.length === 1);
    streams[0]!.write(Buffer.from("second"));
    streams[0]!.write(Buffer.alloc(300_000, 120));
    await until(() => messages.length === 3);
    equal(messages[2]!.length, 300_000);
    streams[0]!.end();
    await until(() => ended !== undefined);
    equal(ended!.code, GrpcCode.OK);
    ended = undefined;
    const watch = channel.serverStream("/t.T/Watch", new TextEncoder().encode("again"), observer);
    await until(() => messages.length === 4);
    watch.cancel();
    await until(() => streams[1]!.cancelled);
    equal(ended, undefined);
  });
});

Deno.test("when the server goes away its streams end with the reason, and a call to nobody says whom it tried", async () => {
  await withWire(async ({ channel, server, streams }) => {
    let ended: GrpcStatus | undefined;
    channel.serverStream("/t.T/Watch", new Uint8Array(1), {
      onMessage() {},
      onEnd: (status) => ended = status,
    });
    while (streams.length === 0) await new Promise((done) => setTimeout(done, 2));
    server.forceShutdown();
    for (let i = 0; i < 500 && ended === undefined; i++) await new Promise((done) => setTimeout(done, 2));
    // This server resets its streams with CANCEL before it closes.
    ok(ended?.code === GrpcCode.CANCELLED || ended?.code === GrpcCode.UNAVAILABLE, JSON.stringify(ended));
    await rejects(channel.unary("/t.T/Echo", new Uint8Array(1), 2000), /127\.0\.0\.1.*ECONNREFUSED/);
  });
});

Deno.test("streams that wait before they try again are opened as soon as another gets through", async () => {
  await withWire(async ({ channel, loop, streams }) => {
    const messages: string[] = [], retries: string[] = [];
    const open = (name: string, request: string) =>
      new ResilientStream({
        channel,
        loop,
        // Back-off would hold the second attempt for an hour.
        path: request,
        request: new TextEncoder().encode(name),
        backoff: { minMs: 3_600_000, maxMs: 3_600_000, jitter: 0 },
        limits: { initialTimeoutMs: undefined, idleTimeoutMs: undefined, lifetimeMs: undefined },
        onMessage: (message) => messages.push(new TextDecoder().decode(message)),
        isFinal: () => false,
        onFinal: () => {},
        onRetry: () => retries.push(name),
      });
    const watch = open("patient", "/t.T/Watch");
    while (streams.length < 1) await new Promise((done) => setTimeout(done, 2));
    streams[0]!.end();
    while (retries.length < 1) await new Promise((done) => setTimeout(done, 2));
    deepEqual(messages, ["patient"]);
    channel.close();
    await channel.unary("/t.T/Echo", new Uint8Array(1), 5000);
    while (messages.length < 2) await new Promise((done) => setTimeout(done, 2));
    deepEqual(messages, ["patient", "patient"]);
    watch.cancel();
  });
});

/** A name server that knows one name, and another address for it each time it is asked, the last one for ever. */
async function nameServer(addresses: string[]): Promise<{ port: number; close(): void }> {
  const socket = dgram.createSocket("udp4");
  socket.on("message", (query, { port, address }) => {
    const ip = addresses.length > 1 ? addresses.shift()! : addresses[0]!;
    const answer = Buffer.concat([
      query,
      // A pointer to the name in the question, A, IN, an hour, four bytes.
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 14, 16, 0, 4, ...ip.split(".").map(Number)]),
    ]);
    answer[2] = 0x81;
    answer[3] = 0x80;
    answer[7] = 1;
    socket.send(answer, port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { port: socket.address().port, close: () => socket.close() };
}

Deno.test("a connect that hangs is given up once its name stands for another address", async () => {
  // It takes connections and says nothing, as packets to a pod that is gone get no answer.
  const silent = Deno.listen({ hostname: "127.0.0.2", port: 0 }), accepted: Deno.Conn[] = [];
  (async () => {
    for await (const connection of silent) accepted.push(connection);
  })().catch(() => {}); // it was closed
  const names = await nameServer(["127.0.0.2", "127.0.0.3"]);
  const faults: unknown[] = [], loop = new Loop((error) => faults.push(error)), arena = Arena.create();
  const { outbound } = readConfig(TEST_ENVIRONMENT), tls = new TlsContexts("client", [authority.anchor]);
  tls.install(await authority.issue("client"));
  const channel = new Http2Channel({
    service: { host: "policy.test", port: silent.addr.port, identity: "policy" },
    dialer: new Dialer(loop, arena, outbound, tls),
    resolver: new Resolver(loop, arena, new Telemetry(arena), [{ ip: "127.0.0.1", port: names.port }]),
    log: new Log("error", "plain"),
    createCodec: () => new WasmHeaderCodec(arena),
  });
  const stop = drive(loop);
  try {
    const call = () => channel.unary("/t.T/Echo", new Uint8Array(1), 10_000);
    await rejects(call(), /127\.0\.0\.2.*moved to another address/);
    await rejects(call(), /127\.0\.0\.3.*ECONNREFUSED/);
    deepEqual(faults, []);
  } finally {
    await stop();
    names.close();
    silent.close();
    for (const connection of accepted) connection.close();
  }
});
