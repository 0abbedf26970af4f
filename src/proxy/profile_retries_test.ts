import { deepEqual, equal } from "node:assert/strict";
import { DestinationProfile } from "../../proto/gen/destination.ts";
import { DEFAULT_CLASSES } from "./control/translate_classes.ts";
import { rowsOf } from "./telemetry/rows.ts";
import { type Pair, withPair } from "./testing/meshed_pair.ts";
import { rowValue } from "./testing/routed_shop.ts";
import { rule } from "./testing/ruled.ts";
import { decisionOf } from "./control/translate_outbound.ts";
import type { ProfileRoute } from "./route/request_rules.ts";
import type { BudgetLimits } from "./route/retry_budget.ts";

const KEY = "10.43.0.7:80";
const PROFILE: ProfileRoute = {
  dst: "web.shop.svc.cluster.local:80",
  labels: { route: "GET /items" },
  failures: DEFAULT_CLASSES,
};

/** Retries of the client's only route are bounded by `budget`, from its next connection on. */
function retryWithin(pair: Pair, budget: BudgetLimits, statuses = DEFAULT_CLASSES.statuses): void {
  const backoff = { minMs: 0, maxMs: 0, jitter: 0 };
  const retry = {
    ...DEFAULT_CLASSES,
    statuses,
    maxRetries: 65535,
    maxRequestBytes: 65536,
    timeoutMs: 0,
    backoff,
  };
  rule(pair, { retry: { ...retry, budget }, profile: PROFILE });
}

async function ask({ url }: Pair, body?: BodyInit): Promise<number> {
  const response = await fetch(url, { method: "POST", ...(body === undefined ? {} : { body }) });
  await response.body?.cancel();
  return response.status;
}

/** An application whose answers are these statuses, one after the other, the last for ever. */
function answering(...statuses: number[]): { serve(): Response; asked(): number } {
  let asked = 0;
  const serve = () => new Response("", { status: statuses[Math.min(++asked, statuses.length) - 1]! });
  return { serve, asked: () => asked };
}

const retryable = ({ client }: Pair) => {
  const labels = { direction: "outbound", dst: PROFILE.dst, rt_route: "GET /items" };
  const { telemetry } = client.runtime;
  return [labels, { ...labels, skipped: "no_budget" }].map((one) =>
    telemetry.value("route_retryable_total", one)
  );
};

Deno.test("a profile's route is retried as often as it takes while its budget lasts", async () => {
  const { serve, asked } = answering(503, 500, 599, 502, 503, 200);
  await withPair(serve, async (pair) => {
    retryWithin(pair, { ratio: 0, minPerSecond: 1, ttlMs: 10_000 });
    equal(await ask(pair, new Uint8Array(1000)), 200);
    equal(asked(), 6);
    deepEqual(retryable(pair), [5, 0]);
  });
});

Deno.test("requests that succeed earn retries, and without any left the failure is the client's", async () => {
  const { serve, asked } = answering(503, 200, 200, 503, 200, 503, 200, 503, 200);
  await withPair(serve, async (pair) => {
    retryWithin(pair, { ratio: 0.5, minPerSecond: 0, ttlMs: 60_000 });
    equal(await ask(pair), 503, "nothing was earned yet");
    equal(await ask(pair), 200);
    equal(await ask(pair), 200);
    equal(await ask(pair), 200, "two requests earned one retry");
    equal(await ask(pair), 503, "and the last one half of another");
    equal(await ask(pair), 200);
    equal(await ask(pair), 200, "made again");
    equal(asked(), 9);
    deepEqual(retryable(pair), [4, 2]);
  });
});

Deno.test("the budget is one for all connections to a destination, and stays when the policy changes but not its limits", async () => {
  await withPair(answering(503).serve, async (pair) => {
    const budget = { ratio: 0, minPerSecond: 0.05, ttlMs: 60_000 };
    retryWithin(pair, budget);
    deepEqual([await ask(pair), await ask(pair)], [503, 503]);
    deepEqual(retryable(pair), [5, 2], "three retries, then none");
    const { control } = pair.client;
    control.setDecision(KEY, { ...control.decisions.get(KEY)! });
    await ask(pair);
    deepEqual(retryable(pair), [6, 3]);
    retryWithin(pair, { ...budget, minPerSecond: 0.1 });
    control.setDecision(KEY, control.decisions.get(KEY)!);
    await ask(pair);
    deepEqual(retryable(pair), [13, 4], "another budget, of six");
  });
});

Deno.test("a body of more than 64 KiB is sent once, and a class that is no failure is final", async () => {
  const { serve, asked } = answering(503, 503);
  await withPair(serve, async (pair) => {
    const budget = { ratio: 0, minPerSecond: 1, ttlMs: 10_000 };
    retryWithin(pair, budget);
    equal(await ask(pair, new Uint8Array(65537)), 503);
    equal(asked(), 1);
  });
  const other = answering(503);
  await withPair(other.serve, async (pair) => {
    retryWithin(pair, { ratio: 0, minPerSecond: 1, ttlMs: 10_000 }, [{ start: 500, end: 502 }]);
    equal(await ask(pair), 503);
    equal(other.asked(), 1);
    equal(pair.client.runtime.telemetry.families.get("route_retryable_total"), undefined);
  });
});

/** A ServiceProfile with one retryable route, whose class takes 404 for a failure, as the control plane tells it. */
const TOLD: DestinationProfile = {
  ...DestinationProfile.decode(new Uint8Array()),
  fullyQualifiedName: "web.shop.svc.cluster.local",
  retryBudget: { retryRatio: 0.2, minRetriesPerSecond: 10, ttl: { seconds: 10n, nanos: 0 } },
  routes: [{
    condition: { match: { $case: "path", value: { regex: "/items/.*" } } },
    responseClasses: [{
      condition: { match: { $case: "status", value: { min: 404, max: 404 } } },
      isFailure: true,
    }],
    metricsLabels: { route: "items" },
    isRetryable: true,
    timeout: undefined,
  }],
};

Deno.test("a profile's routes are told as their clients see them, and as their endpoints were asked", async () => {
  const { serve } = answering(200, 404, 503, 200, 503);
  await withPair(serve, async (pair) => {
    pair.client.control.decisions.set(KEY, decisionOf({ ip: "10.43.0.7", port: 80 }, undefined, TOLD));
    const get = async (path: string) => {
      const response = await fetch(pair.url + path);
      await response.body?.cancel();
      return response.status;
    };
    deepEqual([await get("/items/1"), await get("/items/2"), await get("/other")], [200, 200, 503]);
    const items = ['direction="outbound"', `dst="${PROFILE.dst}"`, 'rt_route="items"'];
    const told = (name: string, ...labels: string[]) =>
      rowValue(pair.client.runtime, `route_${name}`, ...labels);
    deepEqual([told("request_total", ...items), told("actual_request_total", ...items)], [2, 4]);
    deepEqual(
      [told("request_total"), told("actual_request_total")],
      [3, 5],
      "what no route takes has no rt_",
    );
    equal(told("response_total", ...items, 'status_code="200",classification="success"'), 2);
    equal(told("response_total", ...items), 2);
    const failed = 'classification="failure"';
    equal(told("actual_response_total", ...items, 'status_code="404"', failed), 1, "its class says so");
    equal(told("actual_response_total", ...items, 'status_code="503"', failed), 1);
    equal(told("actual_response_total", ...items, 'status_code="200",classification="success"'), 2);
    equal(told("response_total", 'status_code="503"', failed), 1);
    equal(told("response_latency_ms", ...items, 'status_code="200"'), 2);
    equal(told("actual_response_latency_ms"), 0);
    equal(told("retryable_total", ...items), 2);
    equal(
      rowValue(pair.client.runtime, "outbound_http_route_request_duration_seconds"),
      3,
      "both generations",
    );
  });
});

Deno.test("destinations without a profile have no route_* metrics at all", async () => {
  await withPair(answering(200).serve, async (pair) => {
    equal(await ask(pair), 200);
    const { telemetry, arena } = pair.client.runtime;
    for (const row of rowsOf(telemetry, arena)) {
      if (row.kind === "family") equal(row.name.startsWith("route_"), false, row.name);
    }
  });
});
