import { equal, ok } from "node:assert/strict";
import { balancerCases, FakeEndpoint, seededRandom } from "./cases.ts";
import { PeakEwma } from "./peak_ewma.ts";
import { PowerOfTwoChoices } from "./power_of_two.ts";

balancerCases("power of two choices", (random) => new PowerOfTwoChoices<FakeEndpoint>(random), {
  minimumShare: 0.3,
});

Deno.test("of two the less loaded wins, whatever the order", () => {
  const balancer = new PowerOfTwoChoices<FakeEndpoint>(seededRandom());
  const busy = new FakeEndpoint("busy"), idle = new FakeEndpoint("idle");
  busy.currentLoad = 2;
  balancer.update([busy, idle]);
  for (let i = 0; i < 100; i++) equal(balancer.pick(0)?.name, "idle");
});

Deno.test("a replica that stalls for 300 ms loses the next pick to one that answers in 5 ms", () => {
  const slow = new PeakEwma(0), quick = new PeakEwma(0);
  for (let at = 10_000; at < 200_000; at += 10_000) {
    slow.record(5_000, at);
    quick.record(5_000, at);
  }
  slow.record(300_000, 210_000);
  quick.record(5_000, 210_000);
  ok(slow.load(210_000) > 10 * quick.load(210_000));
});

Deno.test("a peak is forgotten over the decay, and requests in hand weigh", () => {
  const endpoint = new PeakEwma(0);
  endpoint.record(300_000, 0);
  ok(endpoint.load(10_000_000) < 120_000);
  ok(endpoint.load(60_000_000) < 1000);
  const before = endpoint.load(0);
  endpoint.pending = 3;
  equal(endpoint.load(0), before * 4);
});
