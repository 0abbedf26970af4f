import { equal, throws } from "node:assert/strict";
import { TEST_ENVIRONMENT } from "../testing/environment.ts";
import { coresOf } from "./cores.ts";
import { readConfig } from "./environment.ts";

const limits = (minimum: number, maximum?: number, maximumRatio?: number) => ({
  minimum,
  maximum,
  maximumRatio,
});

Deno.test("a maximum is used up to what the machine has, and a ratio only without a maximum", () => {
  equal(coresOf(limits(1), 8), 1);
  equal(coresOf(limits(3), 8), 3);
  equal(coresOf(limits(3), 2), 2);
  equal(coresOf(limits(1, 4), 8), 4);
  equal(coresOf(limits(1, 4), 2), 2);
  equal(coresOf(limits(4, 2), 8), 4, "a minimum beyond the maximum stands");
  equal(coresOf(limits(1, undefined, 0.5), 8), 4);
  equal(coresOf(limits(1, undefined, 0.2), 8), 2, "rounded to the nearest");
  equal(coresOf(limits(1, undefined, 0.01), 8), 1);
  equal(coresOf(limits(1, 3, 1), 8), 3);
});

Deno.test("the environment's cores: the older name stands for the minimum, zero and nonsense do not", () => {
  const cores = (variables: Record<string, string>) =>
    readConfig({ ...TEST_ENVIRONMENT, ...variables }, 8).cores;
  equal(cores({}), 1);
  equal(cores({ LINKERD2_PROXY_CORES: "2" }), 2);
  equal(cores({ LINKERD2_PROXY_CORES: "2", LINKERD2_PROXY_CORES_MIN: "3" }), 3);
  equal(cores({ LINKERD2_PROXY_CORES: "0" }), 1);
  equal(cores({ LINKERD2_PROXY_CORES_MIN: "1", LINKERD2_PROXY_CORES_MAX: "6" }), 6);
  equal(cores({ LINKERD2_PROXY_CORES_MAX_RATIO: "0.25" }), 2);
  throws(() => cores({ LINKERD2_PROXY_CORES_MAX_RATIO: "1.5" }), /CORES_MAX_RATIO: "1.5" is not/);
  throws(() => cores({ LINKERD2_PROXY_CORES: "many" }), /CORES: "many" is not a number/);
});
