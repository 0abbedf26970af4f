import { deepEqual, equal, ok } from "node:assert/strict";
import { createHash } from "node:crypto";
import type http2 from "node:http2";
import { ask, withHttp2 } from "./testing/http2_application.ts";
import { endpointAt } from "./testing/fake_control.ts";
import { type Pair, type TestProxy, withPair } from "./testing/meshed_pair.ts";
import { QUICK_RETRY, ROUTE, rule } from "./testing/ruled.ts";
import { routeLabels, targetLabels } from "./telemetry/target_labels.ts";

const PARENT = { group: "core", kind: "Service", namespace: "shop", name: "web", port: 80, section: "" };
const CALL = {
  ":path": "/shop.Web/Get",
  ":method": "POST",
  "content-type": "application/grpc",
  te: "trailers",
};
const UNAVAILABLE = 14;

function counted({ runtime: { telemetry } }: TestProxy, event: string, protocol = "http"): number {
  const labels = { ...targetLabels("parent", PARENT), ...routeLabels(ROUTE), hostname: "" };
  return telemetry.value(`outbound_${protocol}_route_retry_${event}_total`, labels);
}

/** An application whose answers are these statuses, one after the other, the last for ever; what it received. */
function answering(
  ...statuses: number[]
): { serve(request: Request): Promise<Response>; received: string[] } {
  const received: string[] = [];
  const serve = async (request: Request) => {
    received.push(`${request.method} ${createHash("sha1").update(await request.bytes()).digest("hex")}`);
    const status = statuses[Math.min(received.length, statuses.length) - 1]!;
    return new Response(`answer ${received.length}`, { status });
  };
  return { serve, received };
}

async function post({ url }: Pair, body: BodyInit, headers: HeadersInit = {}): Promise<string> {
  const response = await fetch(url, { method: "POST", body, headers });
  return `${response.status} ${await response.text()}`;
}

Deno.test("a response that is not final is never seen, and the request is made again with all its bytes", async () => {
  const { serve, received } = answering(503, 500, 200);
  await withPair(serve, async (pair) => {
    rule(pair, { retry: QUICK_RETRY });
    const body = crypto.getRandomValues(new Uint8Array(65536));
    equal(await post(pair, body), "200 answer 3");
    equal(received.length, 3);
    equal(new Set(received).size, 1, "each attempt is the same");
    ok(received[0]!.endsWith(createHash("sha1").update(body).digest("hex")));
    deepEqual([counted(pair.client, "requests"), counted(pair.client, "successes")], [2, 1]);
  });
});

Deno.test("a body without a length is held as it comes", async () => {
  const { serve, received } = answering(503, 200);
  await withPair(serve, async (pair) => {
    rule(pair, { retry: QUICK_RETRY });
    const parts = Array.from({ length: 8 }, (_, i) => new Uint8Array(4096).fill(i));
    equal(await post(pair, ReadableStream.from(parts)), "200 answer 2");
    equal(new Set(received).size, 1);
  });
});

Deno.test("after the last retry the last response is the client's", async () => {
  await withPair(answering(500, 501, 502, 503).serve, async (pair) => {
    rule(pair, { retry: QUICK_RETRY });
    equal(await post(pair, "x"), "502 answer 3");
    equal(counted(pair.client, "limit_exceeded"), 1);
    equal(counted(pair.client, "successes"), 0);
  });
});

Deno.test("statuses that the route does not name are final", async () => {
  await withPair(answering(429, 200).serve, async (pair) => {
    rule(pair, { retry: QUICK_RETRY });
    equal(await post(pair, "x"), "429 answer 1");
  });
});

Deno.test("a request of more than its route holds is made once", async () => {
  await withPair(answering(503, 503, 200).serve, async (pair) => {
    rule(pair, { retry: QUICK_RETRY });
    equal(await post(pair, new Uint8Array(65537)), "503 answer 1");
    equal(
      await post(pair, ReadableStream.from([new Uint8Array(40_000), new Uint8Array(40_000)])),
      "503 answer 2",
    );
    equal(counted(pair.client, "requests"), 0);
  });
});

Deno.test("an attempt that does not begin to answer in time gives way to the next; the last has all the time", async () => {
  let asked = 0;
  await withPair(async ({ url, signal }) => {
    if (url.endsWith("/connect")) return new Response();
    if (++asked < 3) await new Promise((done) => signal.addEventListener("abort", done));
    else await new Promise((done) => setTimeout(done, 400));
    return new Response("at last");
  }, async (pair) => {
    rule(pair, { retry: { ...QUICK_RETRY, timeoutMs: 200 } });
    await (await fetch(`${pair.url}/connect`)).text();
    const response = await fetch(pair.url);
    equal(`${response.status} ${await response.text()}`, "200 at last");
    equal(asked, 3);
  });
});

Deno.test("a client's own retries count where its route allows that", async () => {
  const { serve, received } = answering(503, 418, 503, 200, 503, 503, 503, 200);
  await withPair(serve, async (pair) => {
    rule(pair, { allowsHeaders: true });
    equal(
      await post(pair, "x", { "l5d-retry-http": "418,gateway-error" }),
      "418 answer 2",
      "once by default",
    );
    equal(await post(pair, "x", { "l5d-retry-http": "5XX" }), "200 answer 4");
    equal(await post(pair, "x", { "l5d-retry-http": "500-503", "l5d-retry-limit": "3" }), "200 answer 8");
    equal(received.length, 8);
  });
});

Deno.test("another endpoint is asked where there is one", async () => {
  const bad = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => new Response("", { status: 500 }),
  );
  await withPair(() => new Response("good"), async (pair) => {
    rule(pair, { retry: { ...QUICK_RETRY, maxRetries: 1 } });
    pair.client.control.endpoints.set("web.shop.svc.cluster.local:80", [
      endpointAt({ ip: "127.0.0.1", port: bad.addr.port }),
      endpointAt({ ip: "127.0.0.1", port: pair.port }),
    ]);
    for (let i = 0; i < 30; i++) equal(await post(pair, "x"), "200 good");
    ok(counted(pair.client, "requests") > 0);
  });
  await bad.shutdown();
});

type Ending = (stream: http2.ServerHttp2Stream) => void;
const GRPC = { ":status": 200, "content-type": "application/grpc" };
const trailersOnly = (code: number): Ending => (stream) =>
  stream.respond({ ...GRPC, "grpc-status": code }, { endStream: true });
const headThenTrailers = (code: number): Ending => (stream) => {
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": String(code), "x-end": "here" }));
  stream.respond({ ...GRPC, "x-begin": "here" }, { waitForTrailers: true });
  stream.end();
};
const messageThenTrailers = (code: number): Ending => (stream) => {
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": String(code) }));
  stream.respond(GRPC, { waitForTrailers: true });
  stream.end(new Uint8Array(5));
};

async function withCalls(
  endings: readonly Ending[],
  use: (session: http2.ClientHttp2Session, pair: Pair, asked: () => number) => Promise<void>,
): Promise<void> {
  let asked = 0;
  await withHttp2(
    (stream) => {
      stream.on("error", () => {}); // reset, when nobody wants its answer
      endings[asked++]!(stream);
    },
    (session, pair) => use(session, pair, () => asked),
    (pair) =>
      rule(pair, { isGrpc: true, retry: { ...QUICK_RETRY, statuses: [], grpcCodes: 1 << UNAVAILABLE } }),
  );
}

Deno.test("a gRPC call is made again by its status, in the head or in trailers without a message", async () => {
  await withCalls(
    [trailersOnly(14), headThenTrailers(14), messageThenTrailers(0)],
    async (session, { client }, asked) => {
      const { headers, trailers, body } = await ask(session, CALL, new Uint8Array(5));
      deepEqual([headers["grpc-status"], trailers?.["grpc-status"], body.length], [undefined, "0", 5]);
      equal(asked(), 3);
      equal(counted(client, "requests", "grpc"), 2);
      equal(counted(client, "successes", "grpc"), 1);
    },
  );
});

Deno.test("a call that ends in another way, or after a message, is final, and nothing of it is lost", async () => {
  await withCalls(
    [headThenTrailers(5), messageThenTrailers(14), trailersOnly(0)],
    async (session, _pair, asked) => {
      const other = await ask(session, CALL, new Uint8Array(5));
      deepEqual([other.headers["x-begin"], other.headers["content-type"]], ["here", "application/grpc"]);
      deepEqual([other.trailers?.["grpc-status"], other.trailers?.["x-end"]], ["5", "here"]);
      const late = await ask(session, CALL, new Uint8Array(5));
      deepEqual([late.trailers?.["grpc-status"], late.body.length], ["14", 5]);
      equal((await ask(session, CALL, new Uint8Array(5))).headers["grpc-status"], "0");
      equal(asked(), 3);
    },
  );
});

Deno.test("after the last retry a held head and its trailers are the client's", async () => {
  await withCalls(Array<Ending>(3).fill(headThenTrailers(14)), async (session, _pair, asked) => {
    const { headers, trailers } = await ask(session, CALL, new Uint8Array(5));
    deepEqual([headers["x-begin"], trailers?.["grpc-status"], trailers?.["x-end"]], ["here", "14", "here"]);
    equal(asked(), 3);
  });
});

Deno.test("a client that goes while its request waits for another attempt leaves nothing behind", async () => {
  let asked = 0;
  await withHttp2(
    (stream) => {
      asked++;
      stream.respond({ ":status": 503 }, { endStream: true });
    },
    async (session, { client }) => {
      const stream = session.request({ ":path": "/" });
      stream.on("error", () => {}); // its own reset
      while (counted(client, "requests") === 0) await new Promise((done) => setTimeout(done, 1));
      stream.close(8);
      while (client.outbound.inFlight.count > 0) await new Promise((done) => setTimeout(done, 1));
      equal(asked, 1);
    },
    (pair) => rule(pair, { retry: { ...QUICK_RETRY, backoff: { minMs: 60_000, maxMs: 60_000, jitter: 0 } } }),
  );
});
