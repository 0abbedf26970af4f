/**
 * How many cores the proxy uses, one loop each: Linkerd's rule over LINKERD2_PROXY_CORES_MAX, _CORES_MAX_RATIO and
 * _CORES_MIN (or its older name, _CORES).
 * Source: linkerd2-proxy's `Workers::cores` (linkerd/app/src/env).
 */
export interface CoreLimits {
  /** At least so many; 1 unless told. */
  readonly minimum: number;
  /** So many where the machine has them; undefined: the ratio decides. */
  readonly maximum: number | undefined;
  /** The share of the machine's processors, 0 < r ≤ 1; looked at only without a maximum. */
  readonly maximumRatio: number | undefined;
}

/** @param available processors this process may run on (affinity and cgroup quota taken off) */
export function coresOf({ minimum, maximum, maximumRatio }: CoreLimits, available: number): number {
  const wanted = maximum ?? (maximumRatio === undefined ? 1 : Math.round(available * maximumRatio));
  return Math.max(1, Math.min(Math.max(wanted, minimum), available));
}
