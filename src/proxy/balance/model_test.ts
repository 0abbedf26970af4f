import { equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { balancerCases, FakeEndpoint, seededRandom } from "./cases.ts";
import { Model } from "./model.ts";
import { PowerOfTwoChoices } from "./power_of_two.ts";

balancerCases("model", (random) => new Model<FakeEndpoint>(random), { minimumShare: 0.3 });

const PICKS = 2000;
const endpoint = fc.record({ isReady: fc.boolean(), load: fc.nat(4) });
const balancer = fc.record({
  endpoints: fc.array(endpoint, { maxLength: 12 }),
  avoided: fc.option(fc.nat(11)),
  seed: fc.integer({ min: 1, max: 2147483646 }),
});

Deno.test("power of two choices picks as often as its model, whoever is ready and however loaded", () => {
  fc.assert(
    fc.property(balancer, ({ endpoints: states, avoided, seed }) => {
      const endpoints = states.map(({ isReady, load }, index) => {
        const endpoint = new FakeEndpoint(String(index));
        endpoint.readyFrom = isReady ? 0 : 1;
        endpoint.currentLoad = load;
        return endpoint;
      });
      const avoid = avoided === null ? undefined : endpoints[avoided], random = seededRandom(seed);
      const model = new Model<FakeEndpoint>(random), tested = new PowerOfTwoChoices<FakeEndpoint>(random);
      model.update(endpoints);
      tested.update(endpoints);
      const shares = model.shares(0, avoid), counts = new Map<FakeEndpoint | undefined, number>();
      for (let i = 0; i < PICKS; i++) {
        const picked = tested.pick(0, avoid);
        counts.set(picked, (counts.get(picked) ?? 0) + 1);
      }
      equal(counts.has(undefined), shares.size === 0);
      for (const picked of counts.keys()) {
        ok(picked === undefined || shares.has(picked), `${picked?.name} is never picked`);
      }
      for (const [one, share] of shares) {
        const expected = share * PICKS, deviation = Math.sqrt(expected * (1 - share));
        const count = counts.get(one) ?? 0;
        ok(
          Math.abs(count - expected) <= 5 * deviation + 1e-6,
          `${one.name}: ${count} of ${PICKS}, expected ${expected}`,
        );
      }
    }),
    { numRuns: 200, seed: 1 },
  );
});
