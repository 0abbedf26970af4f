/**
 * Load of an endpoint, as a peak-sensitive moving average of its latency times the requests it has in hand.
 *
 * A slow answer raises the estimate at once, fast ones lower it over `decay`, so that a replica that stalls is
 * avoided before its average would show it. Why not an existing balancer library: they keep one timer or promise per
 * request, and this runs on the path of every request.
 *
 * Source: Finagle's PeakEwma as linkerd2-proxy uses it (proxy.md §8): default RTT 30 ms, decay 10 s, floor 1 ms.
 */
import type { LoadEstimate } from "./balancing.ts";

export const DEFAULT_RTT_MICROS = 30_000, DECAY_MICROS = 10_000_000, FLOOR_MICROS = 1000;

/** The load of an endpoint that has not been asked yet. @param ageMicros since it was told of */
export function assumedLoad({ defaultRttMs, decayMs }: LoadEstimate, ageMicros: number): number {
  const estimate = Math.max(FLOOR_MICROS, defaultRttMs * 1000);
  return Math.max(1, estimate * Math.exp(-Math.max(0, ageMicros) / (decayMs * 1000)));
}

export class PeakEwma {
  // Begun as numbers: a field that was undefined once holds a new object for each number after.
  #estimate = 0;
  #updatedAt = 0;
  /** Requests sent and not yet answered. */
  pending = 0;

  constructor(
    now: number,
    defaultRttMicros: number = DEFAULT_RTT_MICROS,
    private readonly decayMicros: number = DECAY_MICROS,
  ) {
    this.#estimate = Math.max(FLOOR_MICROS, defaultRttMicros);
    this.#updatedAt = now;
  }

  /** A new latency: taken as it is when it is worse than the (decayed) estimate, blended in otherwise. */
  record(rttMicros: number, now: number): void {
    const kept = Math.exp(-Math.max(0, now - this.#updatedAt) / this.decayMicros);
    const decayed = this.#estimate * kept;
    this.#estimate = rttMicros > decayed ? rttMicros : decayed + rttMicros * (1 - kept);
    this.#updatedAt = now;
  }

  /** Microseconds a further request is expected to wait, times those already waiting. */
  load(now: number): number {
    const decayed = this.#estimate * Math.exp(-Math.max(0, now - this.#updatedAt) / this.decayMicros);
    return Math.max(decayed, 1) * (this.pending + 1);
  }
}
