/**
 * Counts what a peer does that costs us more than it (rapid reset, CVE-2023-44487; floods of empty frames, settings
 * and pings, CVE-2019-9512 and its kin): a bucket that fills again with time.
 */
import { NUISANCE_BURST, NUISANCE_PER_SECOND } from "./limits.ts";

export class NuisanceBudget {
  #left = NUISANCE_BURST;
  #updatedAt: number;

  /** @param now microseconds on the loop's clock */
  constructor(now: number) {
    this.#updatedAt = now;
  }

  /** @returns false when it was one too many */
  spend(now: number): boolean {
    const earned = ((now - this.#updatedAt) / 1_000_000) * NUISANCE_PER_SECOND;
    this.#updatedAt = now;
    this.#left = Math.min(NUISANCE_BURST, this.#left + earned) - 1;
    return this.#left >= 0;
  }
}
