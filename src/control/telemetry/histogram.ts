/** Latencies as Linkerd's proxies count them, and quantiles of what was counted. */

/** Upper bounds in milliseconds; what is slower falls into one more bucket. */
export const LATENCY_BOUNDS = [
  1,
  2,
  3,
  4,
  5,
  10,
  20,
  30,
  40,
  50,
  100,
  200,
  300,
  400,
  500,
  1000,
  2000,
  3000,
  4000,
  5000,
  10_000,
  20_000,
  30_000,
  40_000,
  50_000,
] as const;

export const BUCKETS = LATENCY_BOUNDS.length + 1;

/** The bucket of a bound as the `le` label spells it; undefined for a bound that is not among them. */
export function bucketOf(le: string): number | undefined {
  if (le === "+Inf") return BUCKETS - 1;
  const bound = Number(le);
  const at = LATENCY_BOUNDS.findIndex((one) => one === bound);
  return at < 0 ? undefined : at;
}

/**
 * A quantile by linear interpolation within its bucket, as Prometheus' histogram_quantile has it; beyond the last bound
 * that bound is given.
 *
 * @param counts observations per bucket, not cumulative
 * @returns milliseconds; undefined when nothing was counted
 */
export function quantile(counts: readonly number[], q: number): number | undefined {
  let total = 0;
  for (const count of counts) total += count;
  if (total === 0) return undefined;
  const rank = q * total;
  let before = 0;
  for (let at = 0; at < counts.length; at++) {
    const count = counts[at]!;
    if (before + count >= rank && count > 0) {
      if (at >= LATENCY_BOUNDS.length) return LATENCY_BOUNDS[LATENCY_BOUNDS.length - 1];
      const low = at === 0 ? 0 : LATENCY_BOUNDS[at - 1]!;
      return low + (LATENCY_BOUNDS[at]! - low) * ((rank - before) / count);
    }
    before += count;
  }
  return LATENCY_BOUNDS[LATENCY_BOUNDS.length - 1];
}
