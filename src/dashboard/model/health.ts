/** One judgement of success rates, for everything that is coloured by them. */
import type { RequestStats } from "../../mesh/api.ts";

export type Health = "good" | "warn" | "bad" | "idle";

export const GOOD_RATE = 0.99;
export const WARN_RATE = 0.95;

/** `idle` where nothing was asked. */
export function healthOf(requests: Pick<RequestStats, "successRate"> | undefined): Health {
  const rate = requests?.successRate;
  if (rate === undefined) return "idle";
  return rate >= GOOD_RATE ? "good" : rate >= WARN_RATE ? "warn" : "bad";
}

export const HEALTH_TITLES: Readonly<Record<Health, string>> = {
  good: "healthy",
  warn: "degraded",
  bad: "failing",
  idle: "no requests",
};
