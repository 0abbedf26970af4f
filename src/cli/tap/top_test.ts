import assert from "node:assert/strict";
import type { TapEventRecord } from "../../mesh/tap.ts";
import { TopRows } from "./top_rows.ts";

const LOAD = { ip: "10.0.0.1", port: 40_000, metadata: { pod: "load-1", namespace: "shop" } };
const WEB = { ip: "10.0.0.2", port: 8080, metadata: { pod: "web-1", namespace: "shop" } };
type Direction = TapEventRecord["proxyDirection"];

/** The events of a request that took `latencyMs`; status 0: no response began. */
function request(
  stream: number,
  path: string,
  status: number,
  latencyMs: number,
  change: { direction?: Direction; grpc?: number; reset?: number } = {},
): TapEventRecord[] {
  const common = {
    source: LOAD,
    destination: WEB,
    routeMeta: {},
    proxyDirection: change.direction ?? "INBOUND" as const,
  };
  const id = { base: 1, stream }, since = { seconds: 0, nanos: latencyMs * 1e6 };
  const ended = {
    id,
    sinceRequestInit: since,
    sinceResponseInit: since,
    responseBytes: 0,
    trailers: [],
    ...(change.grpc === undefined ? {} : { grpcStatusCode: change.grpc }),
    ...(change.reset === undefined ? {} : { resetErrorCode: change.reset }),
  };
  return [
    {
      ...common,
      requestInitEvent: { id, method: "GET", scheme: "HTTP", authority: "web", path, headers: [] },
    },
    ...(status === 0
      ? []
      : [{ ...common, responseInitEvent: { id, sinceRequestInit: since, httpStatus: status, headers: [] } }]),
    { ...common, responseEndEvent: ended },
  ];
}

function added(rows: TopRows, ...requests: TapEventRecord[][]) {
  for (const event of requests.flat()) rows.take(event);
  return rows.sorted();
}

Deno.test("requests add up by who asked whom for what: counts, latencies and successes", () => {
  const rows = added(
    new TopRows(true, false),
    request(1, "/a", 200, 5),
    request(2, "/a", 503, 9),
    request(3, "/a", 404, 2),
    request(4, "/b", 200, 1, { grpc: 14 }),
    request(5, "/b", 200, 1, { reset: 8 }),
    request(6, "/b", 0, 0, { reset: 8 }),
  );
  assert.deepEqual(rows[0], {
    source: "load-1",
    destination: "web-1",
    method: "GET",
    path: "/a",
    count: 3,
    best: 2000,
    worst: 9000,
    last: 2000,
    success: 2,
  });
  assert.deepEqual([rows[1]!.path, rows[1]!.count, rows[1]!.success, rows[1]!.best], ["/b", 3, 0, 1000]);
});

Deno.test("a request that both its proxies tell of counts once", () => {
  const both = () => [request(1, "/a", 200, 5), request(1, "/a", 200, 6, { direction: "OUTBOUND" })];
  const rows = new TopRows(true, false);
  rows.observed = new Set(["shop/web-1", "shop/load-1"]);
  assert.equal(added(rows, ...both())[0]!.count, 1);
  const alone = new TopRows(true, false);
  alone.observed = new Set(["shop/load-1"]);
  assert.equal(added(alone, request(1, "/a", 200, 6, { direction: "OUTBOUND" }))[0]!.count, 1);
  const clients = new TopRows(true, true);
  clients.observed = new Set(["shop/web-1", "shop/load-1"]);
  assert.equal(added(clients, request(1, "/a", 200, 6, { direction: "OUTBOUND" }))[0]!.count, 1);
});

Deno.test("sources can be left out, and what has not ended does not count", () => {
  const rows = new TopRows(false, false);
  assert.deepEqual(added(rows, request(1, "/a", 200, 5).slice(0, 2)), []);
  assert.equal(added(rows, request(2, "/a", 200, 5))[0]!.source, "");
});

Deno.test("rows are bounded, however many paths there are", () => {
  const rows = new TopRows(true, false);
  for (let i = 0; i < 6000; i++) added(rows, request(i, `/${i}`, 200, 1));
  assert.equal(rows.sorted().length, 5000);
});
