import { deepEqual, equal } from "node:assert/strict";
import { DEFAULT_CLASSES } from "./control/translate_classes.ts";
import { type Pair, withPair } from "./testing/meshed_pair.ts";
import { rule } from "./testing/ruled.ts";
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
