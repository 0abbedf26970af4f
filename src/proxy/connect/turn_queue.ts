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

/** A place in the queue, and those beside it. */
interface Place {
  readonly waiter: ConnectWaiter;
  readonly timer: Timer;
  before: Place | undefined;
  after: Place | undefined;
}

export class TurnQueue {
  /** Their places. Who is first is told by the list: a map from which the first is taken each time looks ever longer. */
  readonly #waiting = new Map<ConnectWaiter, Place>();
  #first: Place | undefined;
  #last: Place | undefined;
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
      if (!this.#waiting.has(waiter)) return;
      this.leave(waiter);
      waiter.onTooLate();
    });
    loop.lane(this.failfastMs).arm(timer, loop.now);
    const place: Place = { waiter, timer, before: this.#last, after: undefined };
    if (this.#last === undefined) this.#first = place;
    else this.#last.after = place;
    this.#last = place;
    this.#waiting.set(waiter, place);
    if (this.#lookTimer.deadline === 0) loop.lane(LOOK_MS).arm(this.#lookTimer, loop.now);
    return undefined;
  }

  leave(waiter: ConnectWaiter): void {
    const place = this.#waiting.get(waiter);
    if (place === undefined) return;
    const { timer, before, after } = place;
    disarm(timer);
    this.#waiting.delete(waiter);
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
  }

  #serve(): void {
    const { loop } = this;
    this.#isServing = true;
    for (let left = this.#waiting.size; left > 0 && this.#waiting.size > 0; left--) {
      if (!this.hasRoom()) break;
      const { waiter } = this.#first!;
      this.leave(waiter);
      waiter.onTurn();
    }
    this.#isServing = false;
    if (this.#waiting.size > 0) loop.lane(LOOK_MS).arm(this.#lookTimer, loop.now);
  }
}
