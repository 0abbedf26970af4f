/** Those that wait for their turn at something of which there is not enough: first come, first served, or too late. */
import { type ProxyError, proxyError } from "../error.ts";
import type { Loop } from "../worker/loop.ts";
import { disarm, type Timer, timerOf } from "../worker/timers.ts";

/** How often it is looked whether there is room that nobody told of. */
const LOOK_MS = 5;

export interface ConnectWaiter {
  /** It may ask again: there is a connection, or one may be made. */
  onTurn(): void;
  /** There was none in time. */
  onTooLate(): void;
}

export class TurnQueue {
  readonly #waiting = new Map<ConnectWaiter, Timer>();
  readonly #lookTimer: Timer;
  #isServing = false;
  #isServeQueued = false;

  /** @param hasRoom whether one more would get what it waits for */
  constructor(
    private readonly loop: Loop,
    private readonly capacity: number,
    private readonly failfastMs: number,
    private readonly hasRoom: () => boolean,
  ) {
    this.#lookTimer = timerOf(() => this.#serve());
  }

  /** Whoever asks now is not before its turn. */
  get isTurn(): boolean {
    return this.#waiting.size === 0 || this.#isServing;
  }

  /** There may be room. */
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
      this.#serve(); // what has held this loop up must not fail whom there is room for now
      if (this.#waiting.delete(waiter)) waiter.onTooLate();
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
      if (!this.hasRoom()) break;
      const [first] = this.#waiting.keys();
      this.leave(first!);
      first!.onTurn();
    }
    this.#isServing = false;
    if (this.#waiting.size > 0) loop.lane(LOOK_MS).arm(this.#lookTimer, loop.now);
  }
}
