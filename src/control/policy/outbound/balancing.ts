/** How a Service's endpoints are compared, and when one is left out, as its annotations ask. */
import type { Backend_BalanceP2c, FailureAccrual } from "../../../../proto/gen/outbound.ts";
import { toDuration } from "../../wire/time.ts";
import { type Annotations, backoff, duration, number, read } from "./annotations.ts";

const U32 = 4_294_967_295;
const ACCRUAL = "balancer.linkerd.io/failure-accrual";
const UNIFIED = "balancer.alpha.linkerd.io/failure-accrual";

export function failureAccrualOf(annotations: Annotations): FailureAccrual | undefined {
  const mode = annotations[ACCRUAL]?.trim();
  if (mode === undefined) return undefined;
  const maxFailures = read(annotations, `${ACCRUAL}-consecutive-max-failures`, number(0, U32)) ?? 7;
  const minMs = read(annotations, `${ACCRUAL}-consecutive-min-penalty`, duration) ?? 1_000;
  const maxMs = Math.max(minMs, read(annotations, `${ACCRUAL}-consecutive-max-penalty`, duration) ?? 60_000);
  const jitter = read(annotations, `${ACCRUAL}-consecutive-jitter-ratio`, number(0, 100, false)) ?? 0.5;
  const penalty = {
    ...backoff(minMs, maxMs, jitter),
    respectRetryAfterHint: annotations[`${UNIFIED}-honor-retry-after`] === "true",
  };
  if (mode === "consecutive") {
    return {
      kind: { $case: "consecutiveFailures", value: { maxFailures, backoff: penalty } },
      ejection: undefined,
    };
  }
  if (mode !== "unified") {
    console.error(`annotation ${ACCRUAL} is ignored: ${JSON.stringify(mode)}`);
    return undefined;
  }
  return {
    kind: {
      $case: "unified",
      value: {
        successRateThreshold: read(annotations, `${UNIFIED}-success-rate-threshold`, number(0, 1, false)) ??
          0.8,
        decay: toDuration(
          read(annotations, `${UNIFIED}-success-rate-window`, (text) => {
            const milliseconds = duration(text);
            return milliseconds !== undefined && milliseconds >= 10 ? milliseconds : undefined;
          }) ?? 10_000,
        ),
        minRequests: read(annotations, `${UNIFIED}-success-rate-min-requests`, number(0, 1_000_000)) ?? 5,
        maxConsecutiveFailures: maxFailures,
        backoff: penalty,
      },
    },
    ejection: undefined,
  };
}

const PEAK_EWMA = { defaultRtt: toDuration(30), decay: toDuration(10_000) };

/** How a Service's endpoints are compared: by peak EWMA, with a penalty for failures where asked for. */
export function loadOf(annotations: Annotations): Backend_BalanceP2c["load"] {
  if (annotations["balancer.alpha.linkerd.io/penalize-failures"] !== "true") {
    return { $case: "peakEwma", value: PEAK_EWMA };
  }
  const prefix = "balancer.alpha.linkerd.io/load-biaser";
  return {
    $case: "penaltyPeakEwma",
    value: {
      ...PEAK_EWMA,
      penalty: toDuration(read(annotations, `${prefix}-penalty`, duration) ?? 5_000),
      maxRetryAfter: toDuration(read(annotations, `${prefix}-max-retry-after`, duration) ?? 300_000),
      penaltyDecay: PEAK_EWMA.decay,
    },
  };
}
