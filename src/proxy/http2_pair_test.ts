import { deepEqual, equal, ok } from "node:assert/strict";
import http2 from "node:http2";
import { ask, withHttp2 } from "./testing/http2_application.ts";
import { CLIENT, withPair } from "./testing/meshed_pair.ts";

Deno.test("an HTTP/1 request rides on HTTP/2 between the proxies and is HTTP/1 again for the application", async () => {
  await withPair((request) => {
    return Response.json({
      original: request.headers.get("l5d-orig-proto"),
      id: request.headers.get("l5d-client-id"),
    });
  }, async ({ url, server }) => {
    const response = await fetch(url, { headers: { "x-a": "1" } });
    equal(response.headers.get("l5d-orig-proto"), null);
    deepEqual(await response.json(), { original: null, id: CLIENT });
    const transports = [
      ...server.runtime.telemetry.families.get("inbound_tcp_transport_header_connections_total")!.values,
    ];
    equal(transports.length, 1);
    ok(transports[0]![0].includes('session_protocol="http2"'), transports[0]![0]);
  });
});

Deno.test("an HTTP/2 request crosses the pair as such, with its trailers", async () => {
  await withHttp2((stream, headers) => {
    stream.respond({ ":status": 200, "x-id": headers["l5d-client-id"], "x-path": headers[":path"] }, {
      waitForTrailers: true,
    });
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-after": "done" }));
    stream.end("hello");
  }, async (session) => {
    const { headers, trailers, body } = await ask(session, { ":path": "/a?b", "l5d-client-id": "forged" });
    equal(headers[":status"], 200);
    equal(headers["x-id"], CLIENT);
    equal(headers["x-path"], "/a?b");
    equal(new TextDecoder().decode(body), "hello");
    equal(trailers?.["x-after"], "done");
  });
});

Deno.test("bodies of every size arrive as they were sent over HTTP/2, both ways", async () => {
  await withHttp2((stream) => {
    stream.respond({ ":status": 200 });
    stream.pipe(stream);
  }, async (session) => {
    for (const size of [1, 100, 16384, 16385, 65535, 70_000, 1_000_000]) {
      const body = new Uint8Array(size).map((_, i) => i * 7 + (i >> 8));
      const answer = await ask(session, { ":method": "POST", ":path": "/" }, body);
      equal(answer.body.length, size);
      ok(answer.body.every((byte, i) => byte === body[i]), `${size} bytes`);
    }
  });
});

Deno.test("many requests of one connection are served beside each other", async () => {
  let most = 0, open = 0;
  await withHttp2((stream, headers) => {
    most = Math.max(most, ++open);
    setTimeout(() => {
      open--;
      stream.respond({ ":status": 200 });
      stream.end(String(headers[":path"]));
    }, 20);
  }, async (session) => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => ask(session, { ":path": `/${i}` })),
    );
    deepEqual(answers.map(({ body }) => new TextDecoder().decode(body)), answers.map((_, i) => `/${i}`));
    ok(most > 50, `${most} at one time`);
  });
});

Deno.test("a reset of the client's reaches the application, and one of the application's the client", async () => {
  let seen: number | undefined;
  const closed = Promise.withResolvers<void>();
  await withHttp2((stream, headers) => {
    stream.on("error", () => {}); // that is the reset
    if (headers[":path"] === "/reset") return stream.close(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    stream.respond({ ":status": 200 });
    stream.write("begun");
    stream.on("close", () => {
      seen = stream.rstCode;
      closed.resolve();
    });
  }, async (session) => {
    const stream = session.request({ ":path": "/long" });
    await new Promise((done) => stream.on("data", done));
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await closed.promise;
    equal(seen, http2.constants.NGHTTP2_CANCEL);
    const other = session.request({ ":path": "/reset" });
    const code = await new Promise((done) => {
      other.on("error", () => {}); // that is the reset
      other.on("close", () => done(other.rstCode));
    });
    equal(code, http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
  });
});

Deno.test("requests beyond the limit of those in hand are shed with 503, and the others are served", async () => {
  const held = Promise.withResolvers<void>();
  await withPair(async () => {
    await held.promise;
    return new Response("served");
  }, async ({ url, server }) => {
    const asked = Array.from({ length: 4 }, () => fetch(url));
    const first = await Promise.race(asked);
    equal(first.status, 503);
    await first.body?.cancel();
    held.resolve();
    const statuses = (await Promise.all(asked)).map((response) => response.status).sort();
    deepEqual(statuses, [200, 200, 503, 503]);
    for (const response of await Promise.all(asked)) if (!response.bodyUsed) await response.body?.cancel();
    equal(server.inbound.inFlight.count, 0);
  }, { LINKERD2_PROXY_INBOUND_MAX_IN_FLIGHT: "2" });
});
