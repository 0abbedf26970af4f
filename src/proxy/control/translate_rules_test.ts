import { deepEqual, equal } from "node:assert/strict";
import { FailureAccrual, GrpcRoute_Rule, HttpRoute_Rule } from "../../../proto/gen/outbound.ts";
import type { Duration } from "../../../proto/gen/google/protobuf/duration.ts";
import { accrualOf, balancingOf, INVALID, requestRulesOf } from "./translate_rules.ts";

const ROUTE = { group: "policy.linkerd.io", kind: "HTTPRoute", namespace: "shop", name: "web" };
const ms = (count: number): Duration => ({
  seconds: BigInt(Math.floor(count / 1000)),
  nanos: count % 1000 * 1e6,
});
const BACKOFF = { minBackoff: ms(25), maxBackoff: ms(250), jitterRatio: 1, respectRetryAfterHint: false };
const http = (changes: Partial<HttpRoute_Rule>) => ({
  ...HttpRoute_Rule.decode(new Uint8Array()),
  ...changes,
});
const RETRY = {
  maxRetries: 2,
  maxRequestBytes: 65536,
  conditions: { statusRanges: [{ start: 500, end: 504 }] },
  timeout: ms(400),
  backoff: BACKOFF,
};

Deno.test("a rule that asks for nothing is none", () => {
  equal(requestRulesOf(http({}), ROUTE, false), undefined);
});

Deno.test("the older request timeout holds where timeouts do not say", () => {
  const limits = (rule: Partial<HttpRoute_Rule>) => {
    const rules = requestRulesOf(http(rule), ROUTE, false);
    return typeof rules === "object" ? rules.limits : rules;
  };
  deepEqual(limits({ requestTimeout: ms(1500) }), { requestMs: 1500, responseMs: 0, idleMs: 0 });
  deepEqual(
    limits({ requestTimeout: ms(1500), timeouts: { request: ms(700), response: ms(300), idle: ms(100) } }),
    { requestMs: 700, responseMs: 300, idleMs: 100 },
  );
});

Deno.test("retries of statuses and of gRPC codes are kept", () => {
  const ofHttp = requestRulesOf(http({ retry: RETRY }), ROUTE, false);
  deepEqual(typeof ofHttp === "object" && ofHttp.retry, {
    maxRetries: 2,
    maxRequestBytes: 65536,
    timeoutMs: 400,
    backoff: { minMs: 25, maxMs: 250, jitter: 1 },
    statuses: [{ start: 500, end: 504 }],
    grpcCodes: 0,
  });
  const conditions = {
    cancelled: false,
    deadineExceeded: true,
    resourceExhausted: false,
    internal: false,
    unavailable: true,
  };
  const rule = {
    ...GrpcRoute_Rule.decode(new Uint8Array()),
    retry: { ...RETRY, conditions, backoff: undefined },
  };
  const ofGrpc = requestRulesOf(rule, ROUTE, true);
  equal(typeof ofGrpc === "object" && ofGrpc.retry?.grpcCodes, 1 << 4 | 1 << 14);
});

Deno.test("retries that cannot be kept make their policy invalid", () => {
  const retries: Partial<typeof RETRY>[] = [
    { maxRetries: 65536 },
    { conditions: { statusRanges: [{ start: 504, end: 500 }] } },
    { conditions: { statusRanges: [{ start: 0, end: 500 }] } },
    { backoff: { ...BACKOFF, maxBackoff: ms(1) } },
    { backoff: { ...BACKOFF, jitterRatio: -1 } },
  ];
  for (const changes of retries) {
    equal(requestRulesOf(http({ retry: { ...RETRY, ...changes } }), ROUTE, false), INVALID);
  }
  equal(requestRulesOf(http({ retry: { ...RETRY, conditions: undefined } }), ROUTE, false), INVALID);
});

Deno.test("failure accrual is kept by kind, and is none where nothing is counted", () => {
  const consecutive = (maxFailures: number) => ({
    kind: { $case: "consecutiveFailures" as const, value: { maxFailures, backoff: BACKOFF } },
    ejection: undefined,
  });
  const backoff = { minMs: 25, maxMs: 250, jitter: 1 };
  deepEqual(accrualOf(consecutive(7)), { maxConsecutive: 7, successRate: undefined, backoff });
  equal(accrualOf(consecutive(0)), undefined);
  equal(accrualOf(undefined), undefined);
  equal(accrualOf(FailureAccrual.decode(new Uint8Array())), INVALID);
  const unified = (successRateThreshold: number, minRequests = 20) => ({
    kind: {
      $case: "unified" as const,
      value: {
        successRateThreshold,
        decay: undefined,
        minRequests,
        maxConsecutiveFailures: 5,
        backoff: BACKOFF,
      },
    },
    ejection: undefined,
  });
  deepEqual(accrualOf(unified(0.8)), {
    maxConsecutive: 5,
    successRate: { threshold: 0.8, windowMs: 10_000, minRequests: 20 },
    backoff,
  });
  equal(accrualOf(unified(1.5)), INVALID);
  equal(accrualOf(unified(Number.NaN)), INVALID);
  equal(accrualOf(unified(0.8, 1_000_001)), INVALID);
});

Deno.test("a load that says nothing is Linkerd's default", () => {
  const value = {
    defaultRtt: undefined,
    decay: undefined,
    penalty: undefined,
    maxRetryAfter: undefined,
    penaltyDecay: undefined,
  };
  deepEqual(
    balancingOf({ discovery: undefined, load: { $case: "penaltyPeakEwma", value } }, undefined).load,
    {
      defaultRttMs: 30,
      decayMs: 10_000,
      penalty: { ms: 5000, maxRetryAfterMs: 300_000 },
    },
  );
  const load = { $case: "peakEwma" as const, value: { defaultRtt: ms(5), decay: ms(2000) } };
  deepEqual(balancingOf({ discovery: undefined, load }, undefined).load, {
    defaultRttMs: 5,
    decayMs: 2000,
    penalty: undefined,
  });
});
