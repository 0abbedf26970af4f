/**
 * New connections to one endpoint, so many at once: a burst of requests must not overrun the queue in which the system
 * keeps what a server has yet to accept, where what is too much is dropped and looks like a server that is down. Who
 * comes too late for one waits, and takes the first that becomes free: often that is sooner, and one connection less.
 */
import { RateBudget } from "../worker/rate_budget.ts";
import type { Loop } from "../worker/loop.ts";
import { TurnQueue } from "./turn_queue.ts";

/** What common servers hold (listen backlogs of 100 to 511), with room for other clients; and how fast they accept. */
const AT_ONCE = 100, PER_SECOND = 5000;

export class ConnectQueue extends TurnQueue {
  readonly #budget: RateBudget;

  constructor(private readonly clock: Loop, capacity: number, failfastMs: number, hasIdle: () => boolean) {
    const budget = new RateBudget(AT_ONCE, PER_SECOND, clock.now);
    super(clock, capacity, failfastMs, () => hasIdle() || budget.has(clock.now));
    this.#budget = budget;
  }

  /** @returns false when no connection may be made now */
  spend(): boolean {
    return this.#budget.spend(this.clock.now);
  }

  /** A new connection has answered: the server keeps up. */
  answered(): void {
    this.#budget.refund();
    this.freed();
  }
}
