/**
 * A timer of any duration. Lanes are made once for each duration and never forgotten, so durations that come from
 * policies or from peers must not become lanes: a deadline waits on lanes of powers of four milliseconds, the longest
 * that is not too long, then the next for what is left. Most are cleared before their first lane is over.
 */
import type { Loop } from "./loop.ts";
import { disarm, type Timer } from "./timers.ts";

/** 4 ** 14 ms: eight years. */
const MAX_EXPONENT = 14, LONGEST_MS = 4 ** MAX_EXPONENT;

export class Deadline implements Timer {
  deadline = 0;
  previous: Timer | undefined;
  next: Timer | undefined;
  /** Microseconds on the loop's clock; 0 while it is not set. */
  #at = 0;

  constructor(private readonly loop: Loop, private readonly onPassed: () => void) {}

  get isSet(): boolean {
    return this.#at !== 0;
  }

  /** `onPassed` is called once, `durationMs` from now (a millisecond at least), unless it is set again or cleared. */
  set(durationMs: number): void {
    this.#at = this.loop.now + Math.max(1, Math.min(LONGEST_MS, durationMs)) * 1000;
    this.#arm();
  }

  clear(): void {
    this.#at = 0;
    disarm(this);
  }

  #arm(): void {
    const { loop } = this, leftMs = (this.#at - loop.now) / 1000;
    // 31 − clz32 is the whole part of the logarithm of two.
    loop.lane(4 ** (leftMs < 1 ? 0 : (31 - Math.clz32(leftMs)) >> 1)).arm(this, loop.now);
  }

  onTimeout(): void {
    if (this.loop.now < this.#at) return this.#arm();
    this.#at = 0;
    this.onPassed();
  }
}
