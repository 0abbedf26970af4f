import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { ask, withHttp2 } from "./testing/http2_application.ts";
import { type Pair, withPair } from "./testing/meshed_pair.ts";
import { QUICK_RETRY, rule } from "./testing/ruled.ts";
import { metricsText } from "./testing/metrics_text.ts";
import { NO_LIMITS } from "./route/request_limits.ts";

const never = (signal: AbortSignal) =>
  new Promise<Response>((done) => signal.addEventListener("abort", () => done(new Response())));
const CALL = {
  ":path": "/shop.Web/Get",
  ":method": "POST",
  "content-type": "application/grpc",
  te: "trailers",
};
/** Long enough for a machine that has much else to do, on connections that stand already. */
const LIMIT_MS = 200;
/** Has the proxies connect, to each other and to the application, whatever the limits. */
async function connect({ url }: Pair): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/connect`);
    await response.body?.cancel();
    if (response.status === 200) return;
  }
}

/** Begins a body, and never ends it. */
const stalling = () =>
  new Response(
    new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("begun")) }),
  );

for (const name of ["requestMs", "responseMs"] as const) {
  Deno.test(`a request whose response does not begin within ${name} is answered 504, and its upstream cancelled`, async () => {
    const cancelled = Promise.withResolvers<void>();
    await withPair(({ signal, url }) => {
      if (url.endsWith("/connect")) return new Response();
      signal.addEventListener("abort", () => cancelled.resolve());
      return never(signal);
    }, async (pair) => {
      rule(pair, { limits: { ...NO_LIMITS, [name]: LIMIT_MS } });
      await connect(pair);
      const response = await fetch(pair.url);
      equal(response.status, 504);
      ok(response.headers.get("l5d-proxy-error")?.includes(`limit of ${LIMIT_MS} ms`));
      equal(response.headers.get("connection"), null, "the client's connection stays");
      await response.body?.cancel();
      await cancelled.promise;
      const { telemetry, arena } = pair.client.runtime, told = metricsText(telemetry, arena);
      const reason = name === "requestMs" ? "REQUEST_TIMEOUT" : "RESPONSE_STREAM_TIMEOUT";
      ok(told.includes(`http_status="504",error="${reason}"`), told);
      ok(/response_total\{[^}]*status_code="504",classification="failure",error="timeout"\} 1\n/.test(told));
    });
  });
}

for (const limit of ["requestMs", "responseMs", "idleMs"] as const) {
  Deno.test(`a response that has begun and stalls for ${limit} is broken off`, async () => {
    await withPair(({ url }) => url.endsWith("/connect") ? new Response() : stalling(), async (pair) => {
      rule(pair, { limits: { ...NO_LIMITS, [limit]: LIMIT_MS } });
      await connect(pair);
      const response = await fetch(pair.url);
      equal(response.status, 200);
      await rejects(response.text());
    });
  });
}

Deno.test("a request that comes in time is not disturbed by its limits", async () => {
  await withPair(() => new Response("quick"), async (pair) => {
    rule(pair, { limits: { requestMs: 60_000, responseMs: 60_000, idleMs: 60_000 } });
    for (let i = 0; i < 20; i++) {
      equal(await (await fetch(pair.url, { method: "POST", body: "x" })).text(), "quick");
    }
  });
});

Deno.test("a request that waits for an endpoint has the time that its route gives it, no more", async () => {
  await withPair(() => new Response(), async (pair) => {
    rule(pair, { limits: { ...NO_LIMITS, requestMs: 30 } });
    pair.client.control.endpoints.set("web.shop.svc.cluster.local:80", []);
    for (const body of [undefined, "held"]) {
      const response = await fetch(pair.url, body === undefined ? {} : { method: "POST", body });
      equal(response.status, 504);
      ok(response.headers.get("l5d-proxy-error")?.includes("limit of 30 ms"));
      await response.body?.cancel();
    }
    equal(pair.client.outbound.queued, 0);
  });
});

Deno.test("a client's own limits count where its route allows that, and are not passed on", async () => {
  await withPair(async ({ signal, headers }) => {
    const seen = [...headers.keys()].filter((header) =>
      header.startsWith("l5d-t") || header.startsWith("l5d-re")
    );
    return headers.has("x-stall") ? await never(signal) : new Response(seen.join());
  }, async (pair) => {
    rule(pair, { allowsHeaders: true });
    for (const header of ["l5d-timeout", "l5d-request-timeout", "l5d-response-timeout"]) {
      const response = await fetch(pair.url, { headers: { [header]: "30ms", "x-stall": "1" } });
      equal(response.status, 504, header);
      await response.body?.cancel();
    }
    const both = await fetch(pair.url, {
      headers: { "l5d-timeout": "1h", "l5d-request-timeout": "30ms", "x-stall": "1" },
    });
    equal(both.status, 504, "the longer name counts");
    await both.body?.cancel();
    const headers = {
      "l5d-timeout": "10s",
      "l5d-request-timeout": "10s",
      "l5d-response-timeout": "soon",
      "l5d-retry-http": "5xx",
      "l5d-retry-limit": "3",
    };
    equal(await (await fetch(pair.url, { headers })).text(), "");
  });
});

Deno.test("a client's own limits are an ordinary header where its route does not allow them", async () => {
  await withPair(({ headers }) => new Response(headers.get("l5d-timeout")), async ({ url }) => {
    equal(await (await fetch(url, { headers: { "l5d-timeout": "0ms" } })).text(), "0ms");
  });
});

Deno.test("a gRPC call that takes too long ends with DEADLINE_EXCEEDED, with and without a message before", async () => {
  await withHttp2((stream, headers) => {
    if (headers[":path"] === "/connect") return stream.respond({ ":status": 200 }, { endStream: true });
    if (headers["x-begin"] === undefined) return;
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.write(new Uint8Array(5));
  }, async (session) => {
    for (let status = 0; status !== 200;) {
      status = Number((await ask(session, { ":path": "/connect" })).headers[":status"]);
    }
    const silent = await ask(session, CALL, new Uint8Array(5));
    deepEqual([silent.headers[":status"], silent.headers["grpc-status"]], [200, "4"]);
    const begun = await ask(session, { ...CALL, "x-begin": "1" }, new Uint8Array(5));
    deepEqual([begun.headers[":status"], begun.headers["grpc-status"]], [200, undefined]);
    equal(begun.body.length, 5);
    equal(begun.trailers?.["grpc-status"], "4");
  }, (pair) => rule(pair, { limits: { ...NO_LIMITS, requestMs: LIMIT_MS } }));
});

Deno.test("a gRPC call's own timeout binds the proxy, which cancels it upstream", async () => {
  const cancelled = Promise.withResolvers<number>();
  await withHttp2((stream, headers) => {
    if (headers[":path"] === "/connect") return stream.respond({ ":status": 200 }, { endStream: true });
    stream.on("close", () => cancelled.resolve(stream.rstCode));
    stream.on("error", () => {}); // the reset that is waited for
  }, async (session, pair) => {
    await ask(session, { ":path": "/connect" });
    const { headers } = await ask(session, { ...CALL, "grpc-timeout": `${LIMIT_MS}m` }, new Uint8Array(5));
    equal(headers["grpc-status"], "4");
    equal(await cancelled.promise, 8, "CANCEL");
    equal(
      pair.client.runtime.telemetry.value("outbound_http_errors_total", { error: "response timeout" }),
      1,
    );
  });
});

Deno.test("a timeout that is none, or on a request that is no call, binds nobody", async () => {
  await withHttp2((stream) => {
    setTimeout(() => {
      stream.respond({ ":status": 200, "grpc-status": "0" }, { endStream: true });
    }, 20);
  }, async (session) => {
    const calls = ["1", "m", "123456789m", "5x", "-1m", "1 m"].map((timeout) => ({
      ...CALL,
      "grpc-timeout": timeout,
    }));
    const plain = { ":path": "/", ":method": "POST", "grpc-timeout": "1n" };
    for (const headers of [...calls, plain]) {
      const answer = await ask(session, headers, new Uint8Array(5));
      equal(answer.headers["grpc-status"], "0", headers["grpc-timeout"]);
    }
  });
});

Deno.test("a call that waits for an endpoint has the time that its client gives it", async () => {
  await withHttp2(() => {}, async (session, { client }) => {
    for (const body of [undefined, new Uint8Array(100)]) {
      const { headers } = await ask(session, { ...CALL, "grpc-timeout": "30m" }, body);
      deepEqual([headers[":status"], headers["grpc-status"]], [200, "4"]);
      ok(String(headers["grpc-message"]).includes("its client's limit of 30 ms"));
    }
    equal(client.outbound.queued, 0);
  }, ({ client }) => client.control.endpoints.set("web.shop.svc.cluster.local:80", []));
});

Deno.test("a request whose time is over while it waits for another attempt is answered 504, and not made again", async () => {
  let asked = 0;
  await withPair(() => new Response("", { status: ++asked < 2 ? 503 : 200 }), async (pair) => {
    const backoff = { minMs: 60_000, maxMs: 60_000, jitter: 0 };
    rule(pair, { limits: { ...NO_LIMITS, requestMs: LIMIT_MS }, retry: { ...QUICK_RETRY, backoff } });
    while (asked === 0) {
      const response = await fetch(pair.url, { method: "POST", body: "held" });
      equal(response.status, 504);
      await response.body?.cancel();
    }
    equal(asked, 1);
    equal(pair.client.outbound.inFlight.count, 0);
  });
});
