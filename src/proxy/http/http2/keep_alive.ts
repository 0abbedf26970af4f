/** Asks a peer that has been silent whether it still lives, while requests wait for it (RFC 9113 §6.7; proxy.md §8). */
import type { Loop } from "../../worker/loop.ts";
import { disarm, type Timer, timerOf } from "../../worker/timers.ts";
import { PING_INTERVAL_MS, PING_TIMEOUT_MS } from "./limits.ts";

export class KeepAlive {
  readonly #timer: Timer;
  #heardAt: number;
  #isAsked = false;

  constructor(
    private readonly loop: Loop,
    private readonly isNeeded: () => boolean,
    /** Once an interval, while the peer is heard or nobody waits. */
    private readonly onQuiet: () => void,
    private readonly ask: () => void,
    private readonly giveUp: () => void,
  ) {
    this.#heardAt = loop.now;
    this.#timer = timerOf(() => this.#check());
    loop.lane(PING_INTERVAL_MS).arm(this.#timer, loop.now);
  }

  /** Bytes came. */
  heard(): void {
    this.#heardAt = this.loop.now;
  }

  answered(): void {
    this.#isAsked = false;
  }

  #check(): void {
    const { loop } = this, silence = loop.now - this.#heardAt;
    if (this.#isAsked && silence >= PING_TIMEOUT_MS * 1000) return this.giveUp();
    this.#isAsked = false;
    if (!this.isNeeded() || silence < PING_INTERVAL_MS * 1000) {
      loop.lane(PING_INTERVAL_MS).arm(this.#timer, loop.now);
      return this.onQuiet();
    }
    this.#isAsked = true;
    this.ask();
    loop.lane(PING_TIMEOUT_MS).arm(this.#timer, loop.now);
  }

  stop(): void {
    disarm(this.#timer);
  }
}
