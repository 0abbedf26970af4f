/**
 * How many steps of TLS handshakes one turn of the loop may take. Each costs as much as dozens of requests (a signature,
 * a certificate to verify), so that a flood of new connections would stand before everyone else's traffic; beyond the
 * budget they take turns, a few each, and traffic goes on between.
 */
import type { Loop } from "./loop.ts";

/** About two milliseconds of work. */
const STEPS_PER_TURN = 4;

export class HandshakeBudget {
  #turn = -1;
  #left = 0;
  #waiting: (() => void)[] = [];

  constructor(private readonly loop: Pick<Loop, "turns" | "defer">) {}

  /** How many steps wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** @returns whether a step may be taken at once; otherwise `step` is called in a later turn */
  take(step: () => void): boolean {
    if (this.#waiting.length === 0 && this.#spend()) return true;
    this.#waiting.push(step);
    if (this.#waiting.length === 1) this.loop.defer(() => this.#drain());
    return false;
  }

  #spend(): boolean {
    if (this.#turn !== this.loop.turns) {
      this.#turn = this.loop.turns;
      this.#left = STEPS_PER_TURN;
    }
    return this.#left-- > 0;
  }

  #drain(): void {
    const due = this.#waiting.splice(0, STEPS_PER_TURN);
    if (this.#waiting.length > 0) this.loop.defer(() => this.#drain());
    for (const step of due) step();
  }
}
