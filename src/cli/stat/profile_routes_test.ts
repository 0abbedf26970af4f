import assert from "node:assert/strict";
import { REQUESTS as requests, runWith } from "./testing.ts";

const row = (name: string, route: string) => ({
  resource: { kind: "deployment", namespace: "shop", name },
  route,
  service: "web.shop.svc.cluster.local:80",
  requests,
});

async function run(rows: readonly object[], ...words: string[]) {
  const told = await runWith(() => rows, "viz", "routes", ...words, "-n", "shop");
  return { ...told, asked: told.asked.map(({ search }) => search) };
}

Deno.test("routes are told by service, those of no route as [DEFAULT], each resource by itself", async () => {
  const { lines, asked } = await run([row("web", "GET /items"), row("web", ""), row("api", "")], "deploy");
  const head = "ROUTE  SERVICE  SUCCESS  RPS  LATENCY_P50  LATENCY_P95  LATENCY_P99";
  assert.deepEqual(lines, [
    "==> deploy/web <==",
    head,
    "GET /items  web  90.00%  2.5rps  3ms  8ms  10ms",
    "[DEFAULT]  web  90.00%  2.5rps  3ms  8ms  10ms",
    "",
    "==> deploy/api <==",
    head,
    "[DEFAULT]  web  90.00%  2.5rps  3ms  8ms  10ms",
  ]);
  assert.deepEqual(asked, ["?kind=deployment&namespace=shop&window=1m"]);
});

Deno.test("what clients saw and what endpoints were asked stand side by side", async () => {
  const actual = { success: 5, failure: 5, successRate: 0.5, rps: 5 };
  const rows = [{ ...row("web", "GET /items"), actual }];
  const { lines, asked } = await run(
    rows,
    "deploy/web",
    "--to",
    "svc/web",
    "--to-namespace",
    "front",
    "-o",
    "wide",
  );
  assert.deepEqual(lines, [
    "ROUTE  SERVICE  EFFECTIVE_SUCCESS  EFFECTIVE_RPS  ACTUAL_SUCCESS  ACTUAL_RPS  LATENCY_P50  LATENCY_P95  LATENCY_P99",
    "GET /items  web.shop.svc.cluster.local:80  90.00%  2.5rps  50.00%  5.0rps  3ms  8ms  10ms",
  ]);
  assert.deepEqual(asked, ["?kind=deployment&name=web&namespace=shop&window=1m&to=web&toNamespace=front"]);
  assert.deepEqual(JSON.parse((await run(rows, "deploy/web", "--to", "svc/web", "-o", "json")).text), {
    "deploy/web": [{
      route: "GET /items",
      authority: "web.shop.svc.cluster.local:80",
      effective_success: 0.9,
      effective_rps: 2.5,
      actual_success: 0.5,
      actual_rps: 5,
      latency_ms_p50: 3,
      latency_ms_p95: 8,
      latency_ms_p99: 9.6,
    }],
  });
});

Deno.test("routes belong to a Service, and where there was no traffic that is said", async () => {
  const { code, told } = await run([], "deploy/web", "--to", "deploy/cart");
  assert.equal(code, 2);
  assert.match(told, /--to deploy\/cart is no Service.*svc\/NAME/s);
  assert.equal((await run([], "deploy")).told, "No traffic found.\n");
});
