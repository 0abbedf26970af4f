/** Spans of a meshed pair of processes as a collector gets them over OTLP/gRPC; and how it goes without one. */
import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import type { Span } from "../../../proto/gen/otlp_trace.ts";
import { type Collector, startCollector } from "./collector.ts";
import { withTracedMesh } from "./traced_mesh.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736", PARENT = "00f067aa0ba902b7";
const SERVER = 2, CLIENT = 3;
const hex = (bytes: Uint8Array) => new Uint8Array(bytes).toHex();

function attribute({ attributes }: Pick<Span, "attributes">, name: string): unknown {
  return attributes.find(({ key }) => key === name)?.value?.value?.value;
}

async function withCollector(use: (collector: Collector) => Promise<void>): Promise<void> {
  const collector = await startCollector();
  try {
    await use(collector);
  } finally {
    collector.close();
  }
}

/** The headers that the application was sent. */
const echo = (request: Request) => Response.json(Object.fromEntries(request.headers));

/** Those of `spans` from the one beneath `parent` down, each beneath the one before. */
function chainOf(spans: readonly Span[], parent: string): Span[] {
  const next = spans.filter(({ parentSpanId }) => hex(parentSpanId) === parent);
  if (next.length === 0) return [];
  equal(next.length, 1);
  return [next[0]!, ...chainOf(spans, hex(next[0]!.spanId))];
}

for (const cores of [1, 2]) {
  Deno.test({
    name: `four spans of each request reach the collector as one chain, from ${cores} loop(s)`,
    ignore: navigator.hardwareConcurrency < cores,
  }, async () => {
    const environment = { LINKERD2_PROXY_CORES: String(cores), HOSTNAME: "web-1" };
    await withCollector((collector) =>
      withTracedMesh(`localhost.:${collector.port}`, echo, async ({ client, server, url, stop }) => {
        if (cores > 1) await Promise.all([client.logged("worker ready"), server.logged("worker ready")]);
        const traces = Array.from({ length: 12 }, (_, i) => TRACE.slice(2) + String(10 + i));
        for (const trace of traces) {
          // A connection each, so that every loop has some.
          const headers = {
            traceparent: `00-${trace}-${PARENT}-01`,
            connection: "close",
            "user-agent": "test/1",
          };
          const seen = await (await fetch(`${url}/cart?id=7`, { headers })).json();
          match(seen.traceparent, new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
          notEqual(seen.traceparent, headers.traceparent);
        }
        const unsampled = { traceparent: `00-${TRACE}-${PARENT}-00` };
        const seen = await (await fetch(url, { headers: unsampled })).json();
        match(seen.traceparent, new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
        notEqual(seen.traceparent, unsampled.traceparent);
        await stop();
        equal(collector.spans().length, 4 * traces.length, "and none of what nobody records");
        for (const trace of traces) {
          const chain = chainOf(collector.spans().filter(({ traceId }) => hex(traceId) === trace), PARENT);
          deepEqual(chain.map((span) => [attribute(span, "direction"), span.kind]), [
            ["outbound", SERVER],
            ["outbound", CLIENT],
            ["inbound", SERVER],
            ["inbound", CLIENT],
          ]);
          for (const span of chain) {
            equal(span.name, "/cart");
            equal(span.status, undefined);
            equal(attribute(span, "http.request.method"), "GET");
            equal(attribute(span, "http.response.status_code"), 200n);
            equal(attribute(span, "url.query"), "id=7");
            equal(attribute(span, "user_agent.original"), "test/1");
            ok(span.startTimeUnixNano <= span.endTimeUnixNano);
          }
          ok(chain[0]!.startTimeUnixNano <= chain[3]!.startTimeUnixNano);
          equal(attribute(chain[2]!, "http.request.header.l5d-orig-proto"), "HTTP/1.1");
        }
        for (const [name, pid] of [["client-proxy", client.pid], ["server-proxy", server.pid]] as const) {
          const resource = collector.resource(name)!;
          equal(attribute(resource, "process.pid"), BigInt(pid));
          equal(attribute(resource, "host.name"), "web-1");
        }
      }, environment)
    );
  });
}

Deno.test("while the collector is away every request is answered, and what finds no room is counted", async () => {
  const vacated = await startCollector(), { port } = vacated;
  vacated.close();
  await withTracedMesh(
    `localhost.:${port}`,
    () => new Response("hello"),
    async ({ server, client, url, stop }) => {
      const headers = { traceparent: `00-${TRACE}-${PARENT}-01` };
      const statuses: number[] = [];
      const ask = async (count: number) => {
        for (let i = 0; i < count; i++) {
          const response = await fetch(url, { headers });
          await response.body?.cancel();
          statuses.push(response.status);
        }
      };
      // Two spans a request: a thousand are offered, then a hundred wait.
      await Promise.all(Array.from({ length: 5 }, () => ask(100)));
      for (const proxy of [server, client]) await proxy.logged("spans cannot be exported");
      await ask(100);
      deepEqual([...new Set(statuses)], [200]);
      equal(statuses.length, 600);
      for (const { admin } of [server, client]) {
        const metrics = await (await fetch(`${admin}/metrics`)).text();
        equal(/^opentelemetry_spans_dropped_total (\d+)$/m.exec(metrics)?.[1], "100");
        equal(/^opentelemetry_span_exports (\d+)$/m.exec(metrics)?.[1], "0");
      }
      await stop();
      for (const { lines } of [server, client]) {
        equal(lines.filter((line) => line.includes("spans cannot be exported")).length, 1, "it is said once");
      }
      equal((await server.status).code, 0);
    },
  );
});

Deno.test("a collector that comes back is told what waited", async () => {
  const vacated = await startCollector(), { port } = vacated;
  vacated.close();
  await withTracedMesh(`localhost.:${port}`, () => new Response("hello"), async ({ server, url, stop }) => {
    const headers = { traceparent: `00-${TRACE}-${PARENT}-01` };
    for (let i = 0; i < 500; i++) await (await fetch(url, { headers })).body?.cancel();
    await server.logged("spans cannot be exported");
    const collector = await startCollector(port);
    await server.logged("spans are exported again");
    await stop();
    equal(collector.spans().length, 2000, "all of them, of both proxies");
    equal(new Set(collector.spans().map(({ spanId }) => hex(spanId))).size, 2000);
    collector.close();
  });
});
