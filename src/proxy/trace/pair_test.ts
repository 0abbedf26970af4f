/** Traces through a meshed pair: two spans in each proxy, in one chain from the client's span to the application. */
import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { endpointAt } from "../testing/fake_control.ts";
import { type Pair, SERVER, withPair } from "../testing/meshed_pair.ts";
import { changes, inboundRoute, withShop } from "../testing/routed_shop.ts";
import { QUICK_RETRY, rule } from "../testing/ruled.ts";
import type { Span } from "./span.ts";

const COLLECTOR = { LINKERD2_PROXY_TRACE_COLLECTOR_SVC_ADDR: "localhost.:1" };
const WEB = "web.shop.svc.cluster.local:80";
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736", PARENT = "00f067aa0ba902b7";
const SAMPLED = { traceparent: `00-${TRACE}-${PARENT}-01` };

function withTracedPair(
  serve: (request: Request) => Response | Promise<Response>,
  use: (pair: Pair) => Promise<void>,
): Promise<void> {
  return withPair(serve, use, COLLECTOR, COLLECTOR);
}

/** Spans in the order in which they began: every proxy's clock is this machine's. */
function inOrder(spans: readonly Span[]): Span[] {
  return [...spans].sort((one, other) =>
    one.startMicros - other.startMicros || (one.kind === "server" ? -1 : 1)
  );
}

const described = ({ direction, kind, status, error }: Span) =>
  `${direction} ${kind} ${status}${error === undefined ? "" : ` ${error}`}`;

/** Each span is a part of the one before, the first of `parent`. @returns the last one's id */
function chained(spans: readonly Span[], parent: string): string {
  for (const span of spans) {
    equal(span.parentId.toHex(), parent);
    parent = span.spanId.toHex();
  }
  return parent;
}

/** The spans of both proxies, once there are so many. */
async function spansOf({ client, server }: Pair, count: number): Promise<Span[]> {
  while (client.spans.length + server.spans.length < count) await new Promise((done) => setTimeout(done, 0));
  return inOrder([...client.spans, ...server.spans]);
}

for (const version of ["HTTP/1", "HTTP/2", "gRPC"] as const) {
  Deno.test(`${version}: the spans of both proxies form one chain, which the application goes on from`, async () => {
    await withShop(version, async ({ pair, ask }) => {
      const { asked } = await ask("/cart?id=7", { ...SAMPLED, tracestate: "a=b" });
      const spans = await spansOf(pair, 4);
      deepEqual(spans.map(described), [
        "outbound server 200",
        "outbound client 200",
        "inbound server 200",
        "inbound client 200",
      ]);
      const last = chained(spans, PARENT);
      equal(asked!.headers.traceparent, `00-${TRACE}-${last}-01`);
      equal(asked!.headers.tracestate, "a=b");
      for (const { name, traceId, startMicros, endMicros } of spans) {
        deepEqual([name, traceId.toHex()], ["/cart", TRACE]);
        ok(endMicros >= startMicros);
      }
    }, COLLECTOR);
  });

  Deno.test(`${version}: what nobody records goes on from new spans, and what has no context as it came`, async () => {
    await withShop(version, async ({ pair, ask }) => {
      const unsampled = (await ask("/", { traceparent: `00-${TRACE}-${PARENT}-00` })).asked!;
      match(String(unsampled.headers.traceparent), new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
      notEqual(unsampled.headers.traceparent, `00-${TRACE}-${PARENT}-00`);
      const malformed = (await ask("/", { traceparent: `00-${TRACE}-${PARENT}` })).asked!;
      equal(malformed.headers.traceparent, `00-${TRACE}-${PARENT}`);
      equal((await ask("/")).asked!.headers.traceparent, undefined);
      deepEqual([...pair.client.spans, ...pair.server.spans], []);
    }, COLLECTOR);
  });
}

Deno.test("B3 and gRPC's context go on in their own form", async () => {
  await withShop("HTTP/1", async ({ pair, ask }) => {
    const b3 = {
      "x-b3-traceid": TRACE,
      "x-b3-spanid": PARENT,
      "x-b3-sampled": "1",
      "x-b3-parentspanid": "1",
    };
    const { headers } = (await ask("/", b3)).asked!, spans = await spansOf(pair, 4);
    deepEqual([headers["x-b3-traceid"], headers["x-b3-sampled"]], [TRACE, "1"]);
    equal(headers["x-b3-spanid"], chained(spans, PARENT));
    equal(
      headers["x-b3-parentspanid"],
      spans[2]!.spanId.toHex(),
      "the span above the one that it goes on from",
    );
    const binary = Uint8Array.fromHex(`0000${TRACE}01${PARENT}0201`).toBase64();
    const sent = (await ask("/", { "grpc-trace-bin": binary })).asked!.headers["grpc-trace-bin"];
    const last = chained((await spansOf(pair, 8)).slice(4), PARENT);
    equal(Uint8Array.fromBase64(String(sent)).toHex(), `0000${TRACE}01${last}0201`);
  }, COLLECTOR);
});

Deno.test("without a collector a context goes on as it came", async () => {
  await withShop("HTTP/1", async ({ ask }) => {
    equal((await ask("/", SAMPLED)).asked!.headers.traceparent, SAMPLED.traceparent);
  });
});

Deno.test("each attempt at a request is a span of its own, from which it goes on", async () => {
  const seen: string[] = [];
  await withTracedPair((request) => {
    seen.push(request.headers.get("traceparent")!.split("-")[2]!);
    return new Response(null, { status: seen.length < 3 ? 503 : 200 });
  }, async (pair) => {
    rule(pair, { retry: QUICK_RETRY });
    equal((await fetch(pair.url, { headers: SAMPLED })).status, 200);
    const spans = await spansOf(pair, 1 + 3 * 3),
      outbound = spans.filter((one) => one.direction === "outbound");
    deepEqual(outbound.map(described), [
      "outbound server 200",
      "outbound client 503 503",
      "outbound client 503 503",
      "outbound client 200",
    ]);
    const [server, ...attempts] = outbound, id = server!.spanId.toHex();
    for (const attempt of attempts) equal(attempt.parentId.toHex(), id);
    const idsOf = (kind: string) =>
      inOrder(pair.server.spans).filter((one) => one.kind === kind).map(({ spanId }) => spanId.toHex());
    const parents = inOrder(pair.server.spans).filter(({ kind }) => kind === "server");
    deepEqual(parents.map(({ parentId }) => parentId.toHex()), attempts.map(({ spanId }) => spanId.toHex()));
    deepEqual(seen, idsOf("client"));
  });
});

Deno.test("a request that reached nobody is told of as such, and so is what the proxy answers itself", async () => {
  await withTracedPair(() => new Response(), async (pair) => {
    const gone = Deno.listen({ port: 0, hostname: "127.0.0.1" }), { port } = gone.addr as Deno.NetAddr;
    gone.close();
    pair.client.control.endpoints.set(WEB, [endpointAt({ ip: "127.0.0.1", port })]);
    const response = await fetch(pair.url, { headers: SAMPLED });
    await response.body?.cancel();
    const spans = await spansOf(pair, 1), server = spans.find(({ kind }) => kind === "server")!;
    equal(server.status, response.status);
    equal(server.error, String(response.status));
    for (const span of spans) {
      if (span.kind === "client") deepEqual([span.status, span.error !== undefined], [0, true]);
    }
  });
});

Deno.test("what a route does with the header is done after the proxy's own change", async () => {
  await withShop("HTTP/1", async ({ ask, serve }) => {
    const filter = (some: Parameters<typeof changes>[0]) =>
      ({ kind: "request-headers", changes: changes(some) }) as const;
    serve({ routes: [inboundRoute("gone", [], { filters: [filter({ remove: ["traceparent"] })] })] });
    equal((await ask("/", SAMPLED)).asked!.headers.traceparent, undefined);
    serve({ routes: [inboundRoute("set", [], { filters: [filter({ set: [["traceparent", "theirs"]] })] })] });
    equal((await ask("/", SAMPLED)).asked!.headers.traceparent, "theirs");
    serve({ routes: [inboundRoute("more", [], { filters: [filter({ add: [["x-more", "1"]] })] })] });
    const { headers } = (await ask("/", SAMPLED)).asked!;
    match(String(headers.traceparent), new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
    deepEqual([headers["x-more"], headers["l5d-client-id"]?.includes("client")], ["1", true]);
  }, COLLECTOR);
});

Deno.test("spans of an upgrade end where the other protocol begins", async () => {
  const application = http.createServer();
  const seen: string[] = [];
  application.on("upgrade", (request, socket) => {
    seen.push(String(request.headers.traceparent));
    socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\n");
    socket.on("data", (part) => socket.write(part));
    socket.on("end", () => socket.end());
  });
  await new Promise<void>((done) => application.listen(0, "127.0.0.1", done));
  const { port } = application.address() as AddressInfo;
  await withTracedPair(() => new Response(), async (pair) => {
    pair.client.control.endpoints.set(WEB, [
      endpointAt({ ip: "127.0.0.1", port }, SERVER, pair.server.inboundAddress.port),
    ]);
    const { host, port: outbound } = new URL(pair.url);
    const client = await Deno.connect({ port: Number(outbound) });
    await client.write(new TextEncoder().encode(
      `GET /chat HTTP/1.1\r\nhost: ${host}\r\nconnection: upgrade\r\nupgrade: chat\r\n` +
        `traceparent: ${SAMPLED.traceparent}\r\n\r\n`,
    ));
    const spans = await spansOf(pair, 4);
    deepEqual(spans.map(({ status, error }) => [status, error]), Array(4).fill([101, undefined]));
    equal(seen[0], `00-${TRACE}-${chained(spans, PARENT)}-01`);
    client.close();
    while (pair.client.outbound.connections.size > 0) await new Promise((done) => setTimeout(done, 0));
    equal(pair.client.spans.length + pair.server.spans.length, 4, "the tunnel is no request");
  });
  application.closeAllConnections();
  await new Promise((done) => application.close(done));
});
