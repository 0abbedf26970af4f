import { equal, ok } from "node:assert/strict";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import type { FailureAccrual } from "./balance/balancing.ts";
import { DEFAULT_LOAD } from "./balance/balancing.ts";
import { formatAddress } from "../linux/address.ts";
import { everyRequestTo } from "./route/default_route.ts";
import { metricsText } from "./testing/metrics_text.ts";
import { ask } from "./testing/http2_application.ts";
import { balanced, endpointAt } from "./testing/fake_control.ts";
import { type Pair, withPair } from "./testing/meshed_pair.ts";

const WEB = "web.shop.svc.cluster.local:80";
const RESOURCE = { group: "core", kind: "Service", namespace: "shop", name: "web", port: 80, section: "" };
const NEVER_AGAIN: FailureAccrual = {
  maxConsecutive: 3,
  successRate: undefined,
  backoff: { minMs: 3_600_000, maxMs: 3_600_000, jitter: 0 },
};
const SOON: FailureAccrual = { ...NEVER_AGAIN, backoff: { minMs: 100, maxMs: 100, jitter: 0 } };
const FAILFAST_MS = 150;

/** The pair's client takes endpoints out by `accrual`, from its next connection on; they are at these ports. */
function breakBy({ client }: Pair, accrual: FailureAccrual, ports: readonly number[]): void {
  const balancing = { load: DEFAULT_LOAD, accrual };
  const backend = { kind: "balancer" as const, path: WEB, resource: RESOURCE, balancing };
  const http = everyRequestTo({ kind: "first-available", backends: [{ backend, weight: 1 }] });
  client.control.decisions.set("10.43.0.7:80", { ...balanced(WEB), http });
  client.control.endpoints.set(WEB, ports.map((port) => endpointAt({ ip: "127.0.0.1", port })));
}

async function get({ url }: Pair): Promise<string> {
  const response = await fetch(url);
  return `${response.status} ${await response.text()}`;
}

/** What the client's proxy tells of its balancers; without those of its parent, which are the same everywhere. */
function metrics({ client: { runtime } }: Pair): string {
  return metricsText(runtime.telemetry, runtime.arena);
}

/** A second application. */
async function withOther(
  serve: () => Response | Promise<Response>,
  use: (port: number) => Promise<void>,
): Promise<void> {
  const other = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, serve);
  await use(other.addr.port);
  await other.shutdown();
}

Deno.test("an endpoint that fails so often in a row is asked no more, though it would answer quickly", async () => {
  let failed = 0;
  await withOther(() => new Response(`${++failed}`, { status: 500 }), async (port) => {
    await withPair(() => new Response("good"), async (pair) => {
      breakBy(pair, NEVER_AGAIN, [port]);
      for (let i = 1; i <= 3; i++) equal(await get(pair), `500 ${i}`);
      const good = endpointAt({ ip: "127.0.0.1", port: pair.port });
      pair.client.control.update(WEB, { kind: "add", endpoints: [good] });
      for (let i = 0; i < 20; i++) equal(await get(pair), "200 good");
      equal(failed, 3);
      const bad = formatAddress({ ip: "127.0.0.1", port }).replaceAll(".", "\\.");
      ok(
        new RegExp(`response_total\\{[^}]*target_addr="${bad}"[^}]*status_code="500"[^}]*\\} 3`).test(
          metrics(pair),
        ),
      );
      ok(/balancer_endpoints\{[^}]*endpoint_state="ready"\} 1\n/.test(metrics(pair)));
      ok(/balancer_endpoints\{[^}]*endpoint_state="pending"\} 1\n/.test(metrics(pair)));
    });
  });
});

Deno.test("an endpoint that recovers is tried, and has its share again", async () => {
  let isBad = true, served = 0;
  await withOther(() => new Response(`${++served}`, { status: isBad ? 503 : 200 }), async (port) => {
    await withPair(() => new Response("good"), async (pair) => {
      breakBy(pair, SOON, [port, pair.port]);
      while (served < 3) await get(pair);
      isBad = false;
      while (served < 20) ok((await get(pair)).startsWith("200"));
    });
  });
});

Deno.test("of all that wait for an endpoint that is out exactly one tries it, and the others follow its success", async () => {
  let isBad = true, served = 0;
  const tried = Promise.withResolvers<void>(), answer = Promise.withResolvers<void>();
  await withPair(
    async () => {
      served++;
      if (isBad) return new Response("", { status: 500 });
      tried.resolve();
      await answer.promise;
      return new Response("back");
    },
    async (pair) => {
      breakBy(pair, SOON, [pair.port]);
      for (let i = 0; i < 3; i++) equal(await get(pair), "500 ");
      isBad = false;
      const waiting = Array.from({ length: 5 }, () => get(pair));
      await tried.promise;
      await new Promise((done) => setTimeout(done, 150)); // for others to follow, if they were let
      equal(served, 4);
      answer.resolve();
      for (const response of waiting) equal(await response, "200 back");
    },
    {},
    { LINKERD2_PROXY_OUTBOUND_HTTP_FAILFAST_TIMEOUT: "30s" },
  );
});

Deno.test("when all endpoints are out, requests are refused in time, then at once, with 504", async () => {
  let served = 0;
  await withPair(
    () => new Response(`${++served}`, { status: 500 }),
    async (pair) => {
      breakBy(pair, NEVER_AGAIN, [pair.port]);
      for (let i = 1; i <= 3; i++) equal(await get(pair), `500 ${i}`);
      const late = await fetch(pair.url);
      equal(late.status, 504);
      ok(late.headers.get("l5d-proxy-error")?.includes("none of its 1 endpoints can be reached"));
      await late.body?.cancel();
      ok(metrics(pair).includes("outbound_http_balancer_queue_gate_shut_total"));
      for (let i = 0; i < 3; i++) equal(await get(pair), "504 ");
      const told = metrics(pair), label = '\\{[^}]*parent_name="web"[^}]*backend_name="web"[^}]*\\}';
      ok(new RegExp(`queue_requests_total${label} 6\n`).test(told), told);
      ok(new RegExp(`queue_gate_shut_total${label} 1\n`).test(told));
      ok(new RegExp(`queue_length${label} 0\n`).test(told));
      equal(served, 3);
      equal(pair.client.outbound.queued, 0);
    },
    {},
    { LINKERD2_PROXY_OUTBOUND_HTTP_FAILFAST_TIMEOUT: `${FAILFAST_MS}ms` },
  );
});

Deno.test("calls that fail by their trailers take an endpoint out, and others do not", async () => {
  let code = 5, served = 0;
  const application = http2.createServer();
  application.on("stream", (stream: http2.ServerHttp2Stream) => {
    served++;
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": String(code) }));
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.end(new Uint8Array(5));
  });
  await new Promise<void>((done) => application.listen(0, "127.0.0.1", done));
  const { port } = application.address() as AddressInfo;
  await withPair(
    () => new Response(),
    async (pair) => {
      breakBy(pair, NEVER_AGAIN, [port]);
      const session = http2.connect(pair.url);
      const call = () =>
        ask(
          session,
          { ":path": "/a/b", ":method": "POST", "content-type": "application/grpc" },
          new Uint8Array(5),
        );
      for (let i = 0; i < 6; i++) equal((await call()).trailers?.["grpc-status"], "5");
      code = 14;
      for (let i = 0; i < 3; i++) equal((await call()).trailers?.["grpc-status"], "14");
      equal((await call()).headers["grpc-status"], "4", "DEADLINE_EXCEEDED");
      equal(served, 9);
      session.destroy();
    },
    {},
    { LINKERD2_PROXY_OUTBOUND_HTTP_FAILFAST_TIMEOUT: `${FAILFAST_MS}ms` },
  );
  application.close();
});
