import assert from "node:assert/strict";
import { formatLabelSelector, matchLabelMap, matchLabelSelector, parseLabelSelector } from "./selector.ts";

const labels = { app: "web", "app.kubernetes.io/part-of": "shop", replicas: "3" };

for (
  const [text, expected] of [
    ["", true],
    ["app=web", true],
    ["app==web,app.kubernetes.io/part-of", true],
    ["app!=web", false],
    ["missing!=x", true],
    ["app in (api, web)", true],
    ["app notin (api,web)", false],
    ["!missing", true],
    ["!app", false],
    ["replicas>2", true],
    ["replicas<3", false],
    ["constructor", false],
    ["!toString", true],
  ] as const
) {
  Deno.test(`the selector "${text}" ${expected ? "matches" : "does not match"}`, () => {
    assert.equal(parseLabelSelector(text)(labels), expected);
  });
}

Deno.test("a selector that does not parse names the part", () => {
  assert.throws(() => parseLabelSelector("app=web,a b"), /unable to parse requirement: "a b"/);
});

Deno.test("a missing spec selector matches nothing, an empty one everything, an empty map nothing", () => {
  assert.equal(matchLabelSelector(undefined)(labels), false);
  assert.equal(matchLabelSelector({})(labels), true);
  assert.equal(matchLabelMap({})(labels), false);
});

Deno.test("a spec selector survives the way through its text", () => {
  const selector = {
    matchLabels: { app: "web" },
    matchExpressions: [{ key: "replicas", operator: "NotIn", values: ["1", "2"] }],
  };
  assert.equal(formatLabelSelector(selector), "app=web,replicas notin (1,2)");
  assert.equal(parseLabelSelector(formatLabelSelector(selector))(labels), true);
});
