import { deepEqual, equal, match, ok } from "node:assert/strict";
import {
  ObserveRequest,
  type ObserveRequest_Extract,
  type TapEvent,
  type TapEvent_Http,
} from "../../../proto/gen/tap.ts";
import type { SocketAddress } from "../../linux/address.ts";
import { FrameFlag, FrameType, Setting } from "../../wasm/http2.ts";
import { readConfig } from "../config/environment.ts";
import { Dialer } from "../connect/dialer.ts";
import { encodeMessage } from "../control/grpc_message.ts";
import { WasmHeaderCodec } from "../control/wasm_header_codec.ts";
import { encodeFrame, encodeSettings, PREFACE } from "../http/http2/frame_bytes.ts";
import { drive } from "../testing/drive.ts";
import { TEST_ENVIRONMENT } from "../testing/environment.ts";
import { TlsContexts } from "../tls/contexts.ts";
import { Arena } from "../worker/arena.ts";
import { AsyncStream, StreamError } from "../worker/async_stream.ts";
import { Loop } from "../worker/loop.ts";
import { NOBODY, Stream } from "../worker/stream.ts";
import { socketAddressOf } from "../control/translate_net.ts";
import { GrpcCode } from "../control/grpc.ts";
import { endpointAt } from "../testing/fake_control.ts";
import { CLIENT, type Pair, SERVER, type TestProxy, withPair } from "../testing/meshed_pair.ts";
import { EVERYTHING, startTapClient, TAP, type TapClient } from "../testing/tap_client.ts";
import { TapHub } from "./hub.ts";
import { TapServer } from "./tap_server.ts";

const WITH_HEADERS: ObserveRequest_Extract = {
  extract: { $case: "http", value: { extract: { $case: "headers", value: {} } } },
};

/** A pair whose proxies may both be tapped by TAP. */
async function withTaps(
  serve: (request: Request) => Response | Promise<Response>,
  use: (taps: { pair: Pair; client: TapClient; server: TapClient; hubs: TapHub[] }) => Promise<void>,
): Promise<void> {
  await withPair(serve, async (pair) => {
    const servers: TapServer[] = [], clients: TapClient[] = [], hubs: TapHub[] = [];
    const tap = async (proxy: TestProxy, identity: string) => {
      const config = { ...proxy.runtime.config, controlListen: { ip: "127.0.0.1", port: 0 } };
      const hub = new TapHub(proxy.runtime.telemetry),
        server = new TapServer({ ...proxy.runtime, config }, TAP, hub);
      servers.push(server);
      hubs.push(hub);
      const client = await startTapClient(pair.authority, server.address, identity);
      clients.push(client);
      return client;
    };
    try {
      await use({
        pair,
        client: await tap(pair.client, CLIENT),
        server: await tap(pair.server, SERVER),
        hubs,
      });
    } finally {
      for (const client of clients) await client.stop();
      for (const server of servers) server.close();
    }
  });
}

type Step = NonNullable<TapEvent_Http["event"]>;

function http<K extends Step["$case"]>(event: TapEvent | undefined, kind: K) {
  const told = event?.event?.value.event;
  equal(told?.$case, kind);
  return told!.value as (Step & { $case: K })["value"];
}

function headersOf(headers: { headers: { name: string; value: Uint8Array }[] } | undefined) {
  return new Map(headers?.headers.map(({ name, value }) => [name, new TextDecoder().decode(value)]));
}

Deno.test("a request is told by both proxies: who asked whom for what, and how it ended", async () => {
  await withTaps(() => new Response("hello", { status: 203 }), async ({ pair, client, server }) => {
    const out = client.observe({ limit: 1 }), inside = server.observe({ limit: 1, extract: WITH_HEADERS });
    await untilActive(pair.client, pair.server);
    const response = await fetch(`${pair.url}/items?q=secret`, { headers: { "x-user": "ann" } });
    equal(await response.text(), "hello");
    deepEqual((await out.status).code, GrpcCode.OK, "the limit is reached, and the request is over");
    equal((await inside.status).code, GrpcCode.OK);
    equal(out.events.length, 3);
    equal(inside.events.length, 3);

    const sent = http(out.events[0], "requestInit"), told = out.events[0]!;
    deepEqual([sent.path, sent.headers], ["/items", undefined], "without query and headers");
    equal(sent.method?.type?.value, 0);
    match(sent.authority, /^127\.0\.0\.1:/);
    equal(told.proxyDirection, 2);
    equal(told.destinationMeta?.labels.tls, "true");
    equal(told.destinationMeta?.labels.server_id, SERVER);
    equal(told.sourceMeta?.labels.tls, "loopback");
    equal(told.routeMeta?.labels.parent_kind, "Service");
    equal(socketAddressOf(told.destination)?.port, pair.port);

    const received = http(inside.events[0], "requestInit"), headers = headersOf(received.headers);
    equal(inside.events[0]!.proxyDirection, 1);
    deepEqual(inside.events[0]!.sourceMeta?.labels, { tls: "true", client_id: CLIENT });
    equal(inside.events[0]!.destinationMeta?.labels.srv_kind, "default");
    deepEqual([headers.get(":path"), headers.get(":method"), headers.get("x-user")], [
      "/items?q=secret",
      "GET",
      "ann",
    ]);
    const answered = http(inside.events[1], "responseInit");
    equal(answered.httpStatus, 203);
    equal(headersOf(answered.headers).get(":status"), "203");
    deepEqual(answered.id, received.id);
    const ended = http(inside.events[2], "responseEnd");
    equal(ended.responseBytes, 5n);
    equal(ended.eos, undefined);
    ok(ended.sinceResponseInit !== undefined);
    equal(http(out.events[2], "responseEnd").responseBytes, 5n);
    equal(pair.client.runtime.telemetry.taps.isActive, false, "nothing is looked at any more");
  });
});

/** Resolves when a tap runs in each of the proxies. */
async function untilActive(...proxies: TestProxy[]): Promise<void> {
  while (!proxies.every(({ runtime }) => runtime.telemetry.taps.isActive)) {
    await new Promise((done) => setTimeout(done, 0));
  }
}

async function untilIdle(...proxies: TestProxy[]): Promise<void> {
  while (proxies.some(({ runtime }) => runtime.telemetry.taps.isActive)) {
    await new Promise((done) => setTimeout(done, 0));
  }
}

Deno.test("what does not match is not told, and a client that leaves ends its tap", async () => {
  await withTaps(() => new Response("hello"), async ({ pair, server }) => {
    const observed = server.observe({
      match: {
        match: {
          $case: "http",
          value: { match: { $case: "path", value: { match: { $case: "prefix", value: "/wanted" } } } },
        },
      },
    });
    await untilActive(pair.server);
    for (const path of ["/other", "/wanted/1", "/other", "/wanted/2"]) {
      await (await fetch(pair.url + path)).text();
    }
    await observed.reached(6);
    const paths = observed.events.filter((event) => event.event?.value.event?.$case === "requestInit")
      .map((event) => http(event, "requestInit").path);
    deepEqual(paths, ["/wanted/1", "/wanted/2"]);
    observed.cancel();
    await untilIdle(pair.server);
    equal(pair.server.runtime.telemetry.value("proxy_tap_observations"), 0);
  });
});

Deno.test("a response that the proxy makes itself is told with its status", async () => {
  await withTaps(() => new Response("hello"), async ({ pair, client }) => {
    const observed = client.observe({ limit: 1 });
    await untilActive(pair.client);
    const nobody = endpointAt({ ip: "127.0.0.1", port: 1 });
    pair.client.control.endpoints.set("web.shop.svc.cluster.local:80", [nobody]);
    const response = await fetch(pair.url);
    await response.body?.cancel();
    equal((await observed.status).code, GrpcCode.OK);
    equal(http(observed.events[1], "responseInit").httpStatus, response.status);
    ok(response.status >= 500);
    equal(http(observed.events[2], "responseEnd").eos, undefined);
  });
});

Deno.test("an identity that may not tap is told so, and sent away", async () => {
  await withTaps(() => new Response("hello"), async ({ pair }) => {
    const config = { ...pair.server.runtime.config, controlListen: { ip: "127.0.0.1", port: 0 } };
    const hub = new TapHub(pair.server.runtime.telemetry);
    const tapServer = new TapServer({ ...pair.server.runtime, config }, TAP, hub);
    const stranger = await startTapClient(pair.authority, tapServer.address, SERVER, CLIENT);
    const status = await stranger.observe({}).status;
    equal(status.code, GrpcCode.UNAUTHENTICATED);
    match(status.message, /client\.shop.* may not tap/);
    equal(pair.server.runtime.telemetry.taps.isActive, false);
    await stranger.stop();
    tapServer.close();
  });
});

Deno.test("what is no Observe is refused with a status of gRPC, and the connection goes on", async () => {
  await withTaps(() => new Response("hello"), async ({ pair, server, hubs }) => {
    const path = "/io.linkerd.proxy.tap.Tap/Observe";
    const statusOf = async (bytes: Uint8Array, at = path) => (await server.call(at, bytes).status).code;
    const encode = (request: Partial<ObserveRequest>) =>
      ObserveRequest.encode({ limit: 1, match: EVERYTHING, extract: undefined, ...request }).finish();
    equal(await statusOf(encode({}), "/io.linkerd.proxy.tap.Tap/Other"), GrpcCode.UNIMPLEMENTED);
    equal(await statusOf(encode({ limit: 0 })), GrpcCode.INVALID_ARGUMENT);
    equal(await statusOf(encode({ match: undefined })), GrpcCode.INVALID_ARGUMENT);
    equal(await statusOf(Uint8Array.of(0xff, 0xff, 0xff)), GrpcCode.INVALID_ARGUMENT);
    equal(
      await statusOf(Uint8Array.of(0x12, 0x02, 0x4a, 0x00)),
      GrpcCode.INVALID_ARGUMENT,
      "a term of the future",
    );
    equal(await statusOf(nested(1000)), GrpcCode.INVALID_ARGUMENT, "a match without end");
    equal(await statusOf(new Uint8Array(20_000)), GrpcCode.RESOURCE_EXHAUSTED);
    let seed = 7;
    const random = () => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff) >>> 16;
    const good = encode({ match: { match: { $case: "any", value: { matches: [EVERYTHING] } } } });
    for (let i = 0; i < 200; i++) {
      const bytes = good.slice();
      bytes[random() % bytes.length] = random() & 255;
      const observed = server.call(path, bytes.subarray(0, 1 + random() % bytes.length));
      const outcome = await Promise.race([observed.status, untilActive(pair.server)]);
      ok(outcome === undefined || outcome.code === GrpcCode.INVALID_ARGUMENT, JSON.stringify(outcome));
      observed.cancel();
      if (outcome === undefined) await untilIdle(pair.server);
    }
    equal(hubs.length, 2);
    const alive = server.observe({ limit: 1 });
    await untilActive(pair.server);
    await (await fetch(pair.url)).text();
    equal((await alive.status).code, GrpcCode.OK);
  });
});

/** `not` within `not`, so many times. */
function nested(depth: number): Uint8Array {
  let inner: number[] = [];
  const varint = (value: number): number[] =>
    value < 128 ? [value] : [value & 127 | 128, ...varint(value >> 7)];
  for (let i = 0; i < depth; i++) inner = [0x1a, ...varint(inner.length), ...inner];
  return Uint8Array.from([0x08, 1, 0x12, ...varint(inner.length), ...inner]);
}

Deno.test("as many taps run at one time as may, and no more", async () => {
  await withTaps(() => new Response("hello"), async ({ pair, server, hubs }) => {
    const request = ObserveRequest.encode({ limit: 1, match: EVERYTHING, extract: undefined }).finish();
    const held = Array.from({ length: 32 }, () => hubs[1]!.observe(request, () => {}));
    const status = await server.observe({}).status;
    equal(status.code, GrpcCode.RESOURCE_EXHAUSTED);
    for (const one of held) if ("stop" in one) one.stop();
    equal(pair.server.runtime.telemetry.taps.isActive, false);
  });
});

/** A client that speaks HTTP/2 as it likes: mutual TLS as TAP, and whatever bytes a case sends. */
async function rawClient(pair: Pair, { ip, port }: SocketAddress) {
  const loop = new Loop((error) => console.error(error)), arena = Arena.create();
  const tls = new TlsContexts(TAP, [pair.authority.anchor]);
  tls.install(await pair.authority.issue(TAP));
  const dialer = new Dialer(loop, arena, readConfig(TEST_ENVIRONMENT).outbound, tls);
  const dialled = dialer.dial({ ip, port }, NOBODY, { serverName: SERVER, name: SERVER, isTransport: false });
  ok(dialled instanceof Stream);
  const stream = new AsyncStream(dialled), stopDriving = drive(loop);
  await stream.opened();
  return {
    stream,
    codec: new WasmHeaderCodec(arena),
    stop: async () => {
      stream.close();
      await stopDriving();
    },
  };
}

const OBSERVE_FIELDS = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/io.linkerd.proxy.tap.Tap/Observe"],
  [":authority", "tap"],
  ["content-type", "application/grpc"],
] as const;

/** The frames of one Observe call that wants everything. */
function observeFrames(block: Uint8Array, id = 1): Uint8Array[] {
  const request = ObserveRequest.encode({ limit: 100_000, match: EVERYTHING, extract: undefined }).finish();
  return [
    encodeFrame(FrameType.Headers, FrameFlag.EndHeaders, id, block),
    encodeFrame(FrameType.Data, FrameFlag.EndStream, id, encodeMessage(request)),
  ];
}

Deno.test("a client that does not read costs a bounded number of events, and requests go on", async () => {
  await withTaps(() => new Response("hello"), async ({ pair }) => {
    const { runtime } = pair.server,
      config = { ...runtime.config, controlListen: { ip: "127.0.0.1", port: 0 } };
    const tapServer = new TapServer({ ...runtime, config }, TAP, new TapHub(runtime.telemetry));
    const { stream, codec, stop } = await rawClient(pair, tapServer.address);
    const noWindow = encodeSettings([[Setting.InitialWindowSize, 0]]);
    for (const bytes of [PREFACE, noWindow, ...observeFrames(codec.encode(OBSERVE_FIELDS))]) {
      await stream.write(bytes);
    }
    await untilActive(pair.server);
    for (let i = 0; i < 140; i++) equal(await (await fetch(pair.url)).text(), "hello");
    const { telemetry } = runtime;
    equal(telemetry.value("proxy_tap_events_total"), 401, "one is on its way, 400 wait");
    equal(telemetry.value("proxy_tap_events_dropped_total") > 0, true);
    ok(runtime.arena.slots.used <= 2, `${runtime.arena.slots.used} slots`);
    await stop();
    await untilIdle(pair.server);
    tapServer.close();
  });
});

Deno.test("a tap connection that breaks the rules ends, alone", async () => {
  await withTaps(() => new Response("hello"), async ({ pair }) => {
    const { runtime } = pair.server,
      config = { ...runtime.config, controlListen: { ip: "127.0.0.1", port: 0 } };
    const tapServer = new TapServer({ ...runtime, config }, TAP, new TapHub(runtime.telemetry));
    const endless = Array.from(
      { length: 40 },
      () => encodeFrame(FrameType.Continuation, 0, 1, new Uint8Array(16)),
    );
    const cases: ((codec: WasmHeaderCodec) => Uint8Array[])[] = [
      () => [new TextEncoder().encode("GET / HTTP/1.1\r\nhost: tap\r\n\r\n")],
      () => [PREFACE, encodeFrame(FrameType.Data, 0, 1, new Uint8Array(4))],
      (codec) => [PREFACE, ...observeFrames(codec.encode(OBSERVE_FIELDS), 2)],
      () => [PREFACE, encodeFrame(FrameType.Headers, FrameFlag.EndHeaders, 1, new Uint8Array(8).fill(0xff))],
      () => [PREFACE, encodeFrame(FrameType.Headers, 0, 1, new Uint8Array(16)), ...endless],
    ];
    for (const [index, frames] of cases.entries()) {
      const { stream, codec, stop } = await rawClient(pair, tapServer.address);
      try {
        for (const bytes of frames(codec)) await stream.write(bytes);
        while (await stream.read() !== null);
      } catch (error) {
        ok(error instanceof StreamError, `case ${index}: ${error}`);
      }
      await stop();
      equal(runtime.telemetry.taps.isActive, false);
    }
    const { stream, codec, stop } = await rawClient(pair, tapServer.address);
    for (const bytes of [PREFACE, ...observeFrames(codec.encode(OBSERVE_FIELDS))]) await stream.write(bytes);
    await untilActive(pair.server);
    await stop();
    await untilIdle(pair.server);
    tapServer.close();
  });
});
