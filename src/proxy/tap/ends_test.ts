/** How requests end, as a tap tells it: by a gRPC status, by a reset of either side, by a body of any length. */
import { deepEqual, equal } from "node:assert/strict";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { ObserveRequest, TapEvent, type TapEvent_Http_ResponseEnd } from "../../../proto/gen/tap.ts";
import { endpointAt } from "../testing/fake_control.ts";
import { SERVER, withPair } from "../testing/meshed_pair.ts";
import { EVERYTHING } from "../testing/tap_client.ts";
import { TapHub } from "./hub.ts";

const WEB = "web.shop.svc.cluster.local:80";

/** An HTTP/2 application behind a pair whose client's proxy is tapped; `use` gets the ends of its requests. */
async function withEnds(
  onStream: (stream: http2.ServerHttp2Stream, path: string) => void,
  use: (
    session: http2.ClientHttp2Session,
    next: () => Promise<{ end: TapEvent_Http_ResponseEnd; statuses: number[] }>,
  ) => Promise<void>,
): Promise<void> {
  const application = http2.createServer();
  application.on(
    "stream",
    (stream, headers) => onStream(stream as http2.ServerHttp2Stream, String(headers[":path"])),
  );
  await new Promise<void>((done) => application.listen(0, "127.0.0.1", done));
  const { port } = application.address() as AddressInfo;
  await withPair(() => new Response(), async (pair) => {
    pair.client.control.endpoints.set(WEB, [
      endpointAt({ ip: "127.0.0.1", port }, SERVER, pair.server.inboundAddress.port),
    ]);
    const ends: { end: TapEvent_Http_ResponseEnd; statuses: number[] }[] = [];
    let statuses: number[] = [], wake = () => {};
    const begun = new TapHub(pair.client.runtime.telemetry).observe(
      ObserveRequest.encode({
        limit: 100,
        match: EVERYTHING,
        extract: { extract: { $case: "http", value: { extract: { $case: "headers", value: {} } } } },
      }).finish(),
      () => {
        if (!("call" in begun)) return;
        for (let bytes = begun.call.next(); bytes !== undefined; bytes = begun.call.next()) {
          const event = TapEvent.decode(bytes).event?.value.event;
          if (event?.$case === "responseInit") statuses.push(event.value.httpStatus);
          if (event?.$case !== "responseEnd") continue;
          ends.push({ end: event.value, statuses });
          statuses = [];
          wake();
        }
      },
    );
    if (!("call" in begun)) throw new Error(begun.why);
    const session = http2.connect(pair.url);
    try {
      await use(session, async () => {
        while (ends.length === 0) await new Promise<void>((done) => wake = done);
        return ends.shift()!;
      });
    } finally {
      begun.stop();
      session.destroy();
    }
  });
  application.close();
}

Deno.test("a gRPC call ends with its status and trailers, whether it has messages or not", async () => {
  await withEnds((stream, path) => {
    const grpc = { ":status": 200, "content-type": "application/grpc" };
    if (path === "/refused") return stream.respond({ ...grpc, "grpc-status": "7" }, { endStream: true });
    stream.respond(grpc, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "5", "grpc-message": "gone" }));
    stream.write(new Uint8Array(10));
    stream.end(new Uint8Array(20_000));
  }, async (session, next) => {
    for (const path of ["/called", "/refused"]) {
      session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc" }).end();
    }
    const both = [await next(), await next()].sort((a, b) =>
      Number(b.end.responseBytes - a.end.responseBytes)
    );
    const [called, refused] = both as [typeof both[0], typeof both[0]];
    deepEqual(called!.end.eos?.end, { $case: "grpcStatusCode", value: 5 });
    equal(called!.end.responseBytes, 20_010n);
    deepEqual(called!.end.trailers?.headers.map(({ name }) => name), ["grpc-status", "grpc-message"]);
    deepEqual(refused!.end.eos?.end, { $case: "grpcStatusCode", value: 7 });
    equal(refused!.end.responseBytes, 0n);
  });
});

Deno.test("a request that is reset, and a client that leaves, end with an error code", async () => {
  await withEnds((stream, path) => {
    stream.on("error", () => {}); // that is the reset
    if (path === "/reset") return stream.close(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    stream.respond({ ":status": 200 });
    stream.write("begun");
  }, async (session, next) => {
    session.request({ ":path": "/reset" }).on("error", () => {});
    const reset = await next();
    deepEqual(reset.statuses, [], "no response began");
    deepEqual(reset.end.eos?.end, {
      $case: "resetErrorCode",
      value: http2.constants.NGHTTP2_ENHANCE_YOUR_CALM,
    });
    equal(reset.end.sinceResponseInit, undefined);
    const long = session.request({ ":path": "/long" });
    await new Promise((done) => long.on("data", done));
    long.close(http2.constants.NGHTTP2_CANCEL);
    const left = await next();
    deepEqual(left.statuses, [200]);
    deepEqual(left.end.eos?.end, { $case: "resetErrorCode", value: http2.constants.NGHTTP2_CANCEL });
    equal(left.end.responseBytes, 5n);
  });
});
