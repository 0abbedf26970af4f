/**
 * New connections to one endpoint, so many at once: a burst of requests must not overrun the queue in which the system
 * keeps what a server has yet to accept, where what is too much is dropped and looks like a server that is down. Who
 * comes too late for one waits, and takes the first that becomes free: often that is sooner, and one connection less.
 */
import { type ProxyError, proxyError } from "../error.ts";
import { RateBudget } from "../worker/rate_budget.ts";
import type { Loop } from "../worker/loop.ts";
import { disarm, type Timer, timerOf } from "../worker/timers.ts";

/** What common servers hold (listen backlogs of 100 to 511), with room for other clients; and how fast they accept. */
const AT_ONCE = 100, PER_SECOND = 5000;
const LOOK_MS = 5;

export interface ConnectWaiter {
  /** It may ask again: there is a connection, or one may be made. */
  onTurn(): void;
  /** There was none in time. */
  onTooLate(): void;
}

export class ConnectQueue {
  readonly #budget: RateBudget;
  readonly #waiting = new Map<ConnectWaiter, Timer>();
  readonly #lookTimer: Timer;
  #isServing = false;
  #isServeQueued = false;

  constructor(
    private readonly loop: Loop,
    private readonly capacity: number,
    private readonly failfastMs: number,
    private readonly hasIdle: () => boolean,
  ) {
    this.#budget = new RateBudget(AT_ONCE, PER_SECOND, loop.now);
    this.#lookTimer = timerOf(() => this.#serve());
  }

  /** Whoever asks now is not before its turn. */
  get isTurn(): boolean {
    return this.#waiting.size === 0 || this.#isServing;
  }

  /** @returns false when no connection may be made now */
  spend(): boolean {
    return this.#budget.spend(this.loop.now);
  }

  /** A new connection has answered: the server keeps up. */
  answered(): void {
    this.#budget.refund();
    this.freed();
  }

  /** A connection may have become free. */
  freed(): void {
    if (this.#waiting.size === 0 || this.#isServeQueued) return;
    this.#isServeQueued = true;
    this.loop.defer(() => {
      this.#isServeQueued = false;
      this.#serve();
    });
  }

  /** Has `waiter` called when it is its turn. @returns why that cannot be */
  wait(waiter: ConnectWaiter): ProxyError | undefined {
    const { loop } = this;
    if (this.#waiting.size >= this.capacity) {
      return proxyError("load-shed", `${this.capacity} requests wait for a connection`);
    }
    const timer = timerOf(() => {
      this.#waiting.delete(waiter);
      waiter.onTooLate();
    });
    loop.lane(this.failfastMs).arm(timer, loop.now);
    this.#waiting.set(waiter, timer);
    if (this.#lookTimer.deadline === 0) loop.lane(LOOK_MS).arm(this.#lookTimer, loop.now);
    return undefined;
  }

  leave(waiter: ConnectWaiter): void {
    const timer = this.#waiting.get(waiter);
    if (timer === undefined) return;
    disarm(timer);
    this.#waiting.delete(waiter);
  }

  #serve(): void {
    const { loop } = this;
    this.#isServing = true;
    for (let left = this.#waiting.size; left > 0 && this.#waiting.size > 0; left--) {
      if (!this.hasIdle() && !this.#budget.has(loop.now)) break;
      const [first] = this.#waiting.keys();
      this.leave(first!);
      first!.onTurn();
    }
    this.#isServing = false;
    if (this.#waiting.size > 0) loop.lane(LOOK_MS).arm(this.#lookTimer, loop.now);
  }
}
