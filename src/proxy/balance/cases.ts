/** What every balancer must do; run over each implementation. */
import { equal, ok } from "node:assert/strict";
import type { Balancer, Loaded, Random } from "./balancer.ts";

/** An endpoint whose state the test sets. */
export class FakeEndpoint implements Loaded {
  readyFrom = 0;
  currentLoad = 1;
  constructor(readonly name: string) {}
  isReady(now: number): boolean {
    return now >= this.readyFrom;
  }
  load(): number {
    return this.currentLoad;
  }
}

/** Park-Miller: the same numbers in every run. */
export function seededRandom(seed = 42): Random {
  return () => (seed = (seed * 16807) % 2147483647) / 2147483647;
}

function picks(
  balancer: Balancer<FakeEndpoint>,
  count: number,
  now = 0,
  avoid?: FakeEndpoint,
): Map<string, number> {
  const seen = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const name = balancer.pick(now, avoid)?.name ?? "none";
    seen.set(name, (seen.get(name) ?? 0) + 1);
  }
  return seen;
}

export function balancerCases(
  name: string,
  create: (random: Random) => Balancer<FakeEndpoint>,
  options: { minimumShare: number },
): void {
  const three = () => ["a", "b", "c"].map((endpoint) => new FakeEndpoint(endpoint));

  Deno.test(`${name}: with no endpoint there is no pick`, () => {
    equal(create(seededRandom()).pick(0), undefined);
  });

  Deno.test(`${name}: a single endpoint gets everything`, () => {
    const balancer = create(seededRandom());
    balancer.update([new FakeEndpoint("only")]);
    equal(picks(balancer, 50).get("only"), 50);
  });

  Deno.test(`${name}: endpoints of equal load share the requests`, () => {
    const balancer = create(seededRandom());
    balancer.update(three());
    const seen = picks(balancer, 3000);
    for (const endpoint of ["a", "b", "c"]) {
      ok((seen.get(endpoint) ?? 0) >= 3000 * options.minimumShare, `${endpoint} got ${seen.get(endpoint)}`);
    }
  });

  Deno.test(`${name}: an endpoint that is not ready is never picked while another is`, () => {
    const balancer = create(seededRandom()), endpoints = three();
    endpoints[1]!.readyFrom = 1000;
    balancer.update(endpoints);
    equal(picks(balancer, 500, 0).has("b"), false);
    ok(picks(balancer, 500, 1000).has("b"));
  });

  Deno.test(`${name}: with none ready there is no pick`, () => {
    const balancer = create(seededRandom()), endpoints = three();
    for (const endpoint of endpoints) endpoint.readyFrom = 1000;
    balancer.update(endpoints);
    equal(balancer.pick(0), undefined);
  });

  Deno.test(`${name}: the one to avoid is picked only when nothing else is ready`, () => {
    const balancer = create(seededRandom()), endpoints = three();
    balancer.update(endpoints);
    equal(picks(balancer, 500, 0, endpoints[0]).has("a"), false);
    endpoints[1]!.readyFrom = endpoints[2]!.readyFrom = 1000;
    equal(picks(balancer, 50, 0, endpoints[0]).get("a"), 50);
  });

  Deno.test(`${name}: an endpoint that was removed is never picked again`, () => {
    const balancer = create(seededRandom()), endpoints = three();
    balancer.update(endpoints);
    picks(balancer, 10);
    balancer.update(endpoints.slice(1));
    equal(picks(balancer, 500).has("a"), false);
    equal(balancer.pick(0, endpoints[0])?.name === "a", false);
    balancer.update([]);
    equal(balancer.pick(0, endpoints[0]), undefined);
  });
}
