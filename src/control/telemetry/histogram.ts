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
export function bucketOf(le: string, bounds: readonly number[] = LATENCY_BOUNDS): number | undefined {
  if (le === "+Inf") return bounds.length;
  const at = bounds.indexOf(Number(le));
  return at < 0 ? undefined : at;
}

/**
 * A quantile by linear interpolation within its bucket, as Prometheus' histogram_quantile has it; beyond the last bound
 * that bound is given.
 *
 * @param counts observations per bucket, not cumulative
 * @returns in the unit of `bounds`, milliseconds; undefined when nothing was counted
 */
export function quantile(
  counts: readonly number[],
  q: number,
  bounds: readonly number[] = LATENCY_BOUNDS,
): number | undefined {
  let total = 0;
  for (const count of counts) total += count;
  if (total === 0) return undefined;
  const rank = q * total;
  let before = 0;
  for (let at = 0; at < counts.length; at++) {
    const count = counts[at]!;
    if (before + count >= rank && count > 0) {
      if (at >= bounds.length) return bounds.at(-1);
      const low = at === 0 ? 0 : bounds[at - 1]!;
      return low + (bounds[at]! - low) * ((rank - before) / count);
    }
    before += count;
  }
  return bounds.at(-1);
}
