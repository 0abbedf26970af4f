import { equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { allocateCells } from "../../linux/shared_cells.ts";
import type { RateLimit } from "./rate_limit.ts";
import type { LimiterTask } from "../testing/limiter_worker.ts";
import { LIMITER_CELLS, type LimitScope, RateLimiter } from "./rate_limiter.ts";

const RESOURCE = { group: "policy.linkerd.io", kind: "httplocalratelimitpolicy", name: "web" };
const limit = (some: Partial<RateLimit>): RateLimit => ({
  resource: RESOURCE,
  total: 0,
  identity: 0,
  overrides: [],
  ...some,
});
const SECOND = 1_000_000;

/** How many of `count` requests at one moment pass, and what refuses the first of the others. */
function burst(
  limiter: RateLimiter,
  count: number,
  at: number,
  identity?: string,
): readonly [number, LimitScope | undefined] {
  let passed = 0, refused: LimitScope | undefined;
  for (let i = 0; i < count; i++) {
    const scope = limiter.admit(identity, at);
    if (scope === undefined) passed++;
    else refused ??= scope;
  }
  return [passed, refused];
}

Deno.test("a second's worth passes at once, then as many as the rate allows", () => {
  const limiter = new RateLimiter(limit({ total: 10 }));
  let now = 5 * SECOND;
  equal(burst(limiter, 20, now).join(), "10,total");
  equal(burst(limiter, 20, now += SECOND / 10).join(), "1,total");
  equal(burst(limiter, 20, now += SECOND / 20).join(), "0,total");
  equal(burst(limiter, 20, now += SECOND / 20).join(), "1,total");
  equal(burst(limiter, 20, now += 60 * SECOND).join(), "10,total");
});

Deno.test("each identity has its own limit, and clients without one share one", () => {
  const limiter = new RateLimiter(limit({ identity: 3 })), now = SECOND;
  equal(burst(limiter, 5, now, "a").join(), "3,identity");
  equal(burst(limiter, 5, now, "b").join(), "3,identity");
  equal(burst(limiter, 2, now).join(), "2,");
  equal(burst(limiter, 5, now).join(), "1,identity");
});

Deno.test("an override stands instead of the identity's limit, for its clients together", () => {
  const overrides = [{ requestsPerSecond: 5, identities: ["a", "b"] }, {
    requestsPerSecond: 0,
    identities: ["c"],
  }];
  const limiter = new RateLimiter(limit({ identity: 2, overrides })), now = SECOND;
  equal(burst(limiter, 4, now, "a").join(), "4,");
  equal(burst(limiter, 4, now, "b").join(), "1,identity");
  equal(burst(limiter, 50, now, "c").join(), "50,");
  equal(burst(limiter, 4, now, "d").join(), "2,identity");
});

Deno.test("what an identity's limit refuses takes nothing of the total", () => {
  const limiter = new RateLimiter(limit({ total: 10, identity: 4 })), now = SECOND;
  equal(burst(limiter, 1000, now, "greedy").join(), "4,identity");
  equal(burst(limiter, 4, now, "modest").join(), "4,");
  equal(burst(limiter, 4, now, "late").join(), "2,total");
});

Deno.test("loops that count in the same cells keep one limit together", () => {
  const cells = allocateCells(LIMITER_CELLS), now = SECOND;
  const [one, other] = [0, 1].map(() => new RateLimiter(limit({ total: 10, identity: 6, cells })));
  equal(burst(one!, 4, now, "a").join(), "4,");
  equal(burst(other!, 4, now, "a").join(), "2,identity");
  equal(burst(other!, 9, now, "b").join(), "4,total");
});

Deno.test("more identities than there are buckets are still limited, and an idle one's bucket is given away", () => {
  const limiter = new RateLimiter(limit({ identity: 1 })), now = SECOND;
  for (let i = 0; i < 5000; i++) limiter.admit(`client ${i}`, now);
  let passed = 0;
  for (let i = 0; i < 5000; i++) if (limiter.admit(`client ${i}`, now) === undefined) passed++;
  equal(passed, 0);
  ok(limiter.admit("newcomer", now + 2 * SECOND) === undefined);
});

Deno.test("over any time no more pass than the rate allows, and the burst", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2000 }),
      fc.array(fc.integer({ min: 0, max: 200_000 }), { minLength: 1, maxLength: 200 }),
      (total, gaps) => {
        const limiter = new RateLimiter(limit({ total }));
        let now = SECOND, passed = 0;
        for (const gap of gaps) {
          now += gap;
          for (let i = 0; i < 20; i++) if (limiter.admit(undefined, now) === undefined) passed++;
        }
        ok(passed <= total + Math.ceil((now - SECOND) * total / SECOND) + 1, `${passed} of ${total}/s`);
      },
    ),
  );
});

/** What a thread of its own lets pass. */
function passedBy(task: LimiterTask): Promise<number> {
  const worker = new Worker(new URL("../testing/limiter_worker.ts", import.meta.url), { type: "module" });
  return new Promise((done, failed) => {
    worker.onmessage = ({ data }: MessageEvent<number>) => {
      worker.terminate();
      done(data);
    };
    worker.onerror = ({ message }) => failed(new Error(message));
    worker.postMessage(task);
  });
}

Deno.test("threads that count at the same time let no more pass together than one would", async () => {
  const task = {
    cells: String(allocateCells(LIMITER_CELLS)),
    total: 50_000,
    requests: 100_000,
    nowMicros: SECOND,
  };
  const [one, other] = await Promise.all([passedBy(task), passedBy(task)]);
  equal(one! + other!, 50_000);
});
