import { equal, ok } from "node:assert/strict";
import { DEFAULT_LOAD } from "../balance/balancing.ts";
import { PeakEwma } from "../balance/peak_ewma.ts";
import type { Endpoint } from "../connect/endpoint.ts";
import type { EndpointInfo } from "../control/plane.ts";
import { Candidate } from "./candidate.ts";

const INFO: EndpointInfo = {
  address: { ip: "10.42.0.1", port: 80 },
  weight: 1,
  identity: undefined,
  hint: "none",
  transportPort: undefined,
  authorityOverride: undefined,
  labels: {},
};

class Made {
  isRetired = false;
  isReadyNow = true;
  isReady(): boolean {
    return this.isReadyNow;
  }
  load(): number {
    return 7;
  }
  retire(): void {
    this.isRetired = true;
  }
}

function candidate() {
  const made: { info: EndpointInfo; toldAt: number; endpoint: Made }[] = [];
  const create = (info: EndpointInfo, toldAt: number) => {
    const endpoint = new Made();
    made.push({ info, toldAt, endpoint });
    return endpoint as unknown as Endpoint;
  };
  return { one: new Candidate(INFO, 0, 5000, { load: DEFAULT_LOAD, create }), made };
}

Deno.test("an endpoint is made once, when it is first chosen, and speaks for itself from then on", () => {
  const { one, made } = candidate();
  ok(one.isReady(5000));
  one.load(5000);
  one.retire();
  equal(made.length, 0);
  const endpoint = one.endpoint;
  equal(one.endpoint, endpoint);
  equal(made.length, 1);
  equal(made[0]!.toldAt, 5000);
  ok(one.is(endpoint));
  equal(one.load(5000), 7);
  made[0]!.endpoint.isReadyNow = false;
  equal(one.isReady(5000), false);
  one.retire();
  ok(made[0]!.endpoint.isRetired);
});

Deno.test("one that nobody has asked has the load of one that was made when it was told", () => {
  const { one } = candidate(), { defaultRttMs, decayMs } = DEFAULT_LOAD;
  const made = new PeakEwma(5000, defaultRttMs * 1000, decayMs * 1000);
  for (const now of [5000, 6000, 1_000_000, 60_000_000, 10_000_000_000]) equal(one.load(now), made.load(now));
});
