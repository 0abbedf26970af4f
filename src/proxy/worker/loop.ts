/**
 * The loop of one isolate: blocks in epoll, calls the handler of each ready descriptor, fires timers, and lets
 * ordinary async code run between turns. `await null` drains the microtask queue without entering Deno's event loop
 * (58 ns), so promises that this loop settles go on; Deno's own timers, ops and signals are never used here.
 *
 * Nothing a handler throws leaves the loop: it is counted, reported, and that handler alone is told to give up.
 */
import { monotonicMicros } from "../../linux/clock.ts";
import { Epoll } from "../../linux/epoll.ts";
import { Record } from "../../linux/watchdog.ts";
import { Activity } from "./activity.ts";
import { HandshakeBudget } from "./handshake_budget.ts";
import { Slices } from "./slices.ts";
import { TimerHeap, TimerLane } from "./timers.ts";

/** Steps given to promises after control code was woken: deeper than any chain of async calls here; 4 µs. */
const SETTLING_STEPS = 64;

export interface EventHandler {
  /** What the loop is doing meanwhile (activity.ts), for a watchdog to tell. */
  readonly activity?: number;
  /** @param events EPOLLIN, EPOLLOUT ... as the kernel reports them */
  onEvents(events: number): void;
  /** The handler threw: a bug. It must let go of what it holds. */
  onFault(error: unknown): void;
}

/** Gathers what a turn has to say, and says it at once at its end. */
export interface Flushable {
  /** Set by `flushLater`, cleared when it is flushed. */
  isFlushQueued: boolean;
  flush(): void;
}

export class Loop {
  readonly #epoll = new Epoll();
  readonly #handlers: (EventHandler | undefined)[] = [];
  /** A descriptor's number is used again at once; the tag tells an event of the closed one from the new one's. */
  readonly #tags: number[] = [];
  readonly #lanes = new Map<number, TimerLane>();
  readonly #laneList: TimerLane[] = [];
  readonly #heap = new TimerHeap();
  #deferred: (() => void)[] = [];
  readonly handshakes = new HandshakeBudget(this);
  /** Where control work of any length is done. */
  readonly slices: Slices;
  /** The first `#flushCount` of them: an array that is emptied would be made anew in the next turn. */
  readonly #flushes: (Flushable | undefined)[] = [];
  #flushCount = 0;
  #isStopped = false;
  #settling = 0;
  #faults = 0;
  /** Turns, and what is being done, where a watchdog may look (linux/watchdog.ts). */
  #record = new Int32Array(8);
  /** Microseconds, read at the start of the turn. */
  now = monotonicMicros();
  /** When somebody's connection was handled last. */
  servedAt = 0;
  #event = 0;
  #clockReadIn = -1;
  #clock = 0;

  /** @param reportFault told of every exception that would have reached the loop */
  constructor(private readonly reportFault: (error: unknown) => void) {
    this.slices = new Slices(this, (error) => this.#fault(error));
  }

  /** Turns since the start, as far as they fit 32 bits. */
  get turns(): number {
    return this.#record[Record.Turns]!;
  }

  /** Has a watchdog see by `record` that the loop turns; it must turn at least once a second from now on. */
  beWatched(record: Int32Array<ArrayBuffer>): void {
    this.#record = record;
    record[Record.IsWatched] = 1;
  }

  get faults(): number {
    return this.#faults;
  }

  /** The epoll instance's descriptor: whoever outlives this loop finds by it what the loop held open. */
  get epollDescriptor(): number {
    return this.#epoll.fd;
  }

  /** The time to the microsecond, read once for all that one event brought. */
  micros(): number {
    if (this.#clockReadIn !== this.#event) {
      this.#clockReadIn = this.#event;
      this.#clock = monotonicMicros();
    }
    return this.#clock;
  }

  add(fd: number, events: number, handler: EventHandler): void {
    const tag = ((this.#tags[fd] ?? 0) + 1) | 0;
    this.#tags[fd] = tag;
    this.#handlers[fd] = handler;
    this.#epoll.add(fd, events, tag);
  }

  modify(fd: number, events: number): void {
    this.#epoll.modify(fd, events, this.#tags[fd]!);
  }

  /** Forgets a descriptor that is about to be closed; closing takes it out of the kernel's set. */
  forget(fd: number): void {
    this.#handlers[fd] = undefined;
    this.#tags[fd] = ((this.#tags[fd] ?? 0) + 1) | 0;
  }

  /** The lane for timers of `durationMs`; the same object for the same duration. */
  lane(durationMs: number): TimerLane {
    let lane = this.#lanes.get(durationMs);
    if (lane === undefined) {
      lane = new TimerLane(durationMs);
      this.#lanes.set(durationMs, lane);
      this.#laneList.push(lane);
    }
    return lane;
  }

  /** Calls back once after `delayMs`. @returns a function that cancels */
  after(delayMs: number, callback: () => void): () => void {
    return this.#heap.add(this.now + delayMs * 1000, callback);
  }

  /** Resolves after `delayMs`; for control code. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((done) => this.after(delayMs, done));
  }

  /** Runs `callback` in the next turn, before the loop blocks again. */
  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  /** Has `flushable` flushed before the loop blocks again: many small writes of a turn become one. */
  flushLater(flushable: Flushable): void {
    if (flushable.isFlushQueued) return;
    flushable.isFlushQueued = true;
    this.#flushes[this.#flushCount++] = flushable;
  }

  #runFlushes(): void {
    for (let i = 0; i < this.#flushCount; i++) { // there may be more meanwhile
      const flushable = this.#flushes[i]!;
      this.#flushes[i] = undefined; // it may be closed, and should not be held on to
      flushable.isFlushQueued = false;
      try {
        flushable.flush();
      } catch (error) {
        this.#fault(error);
      }
    }
    this.#flushCount = 0;
  }

  stop(): void {
    this.#isStopped = true;
  }

  #fault(error: unknown, handler?: EventHandler): void {
    this.#faults++;
    this.reportFault(error);
    if (handler === undefined) return;
    try {
      handler.onFault(error);
    } catch (second) {
      this.reportFault(second);
    }
  }

  #guard(callback: () => void): void {
    this.#event++;
    try {
      callback();
    } catch (error) {
      this.#fault(error);
    }
  }

  #timeoutMs(): number {
    if (this.#deferred.length > 0) return 0;
    let deadline = this.#heap.nextDeadline();
    for (const lane of this.#laneList) deadline = Math.min(deadline, lane.nextDeadline());
    if (deadline === Infinity) return -1;
    return Math.min(60_000, Math.max(0, Math.ceil((deadline - this.now) / 1000)));
  }

  #dispatch(count: number): void {
    const epoll = this.#epoll, record = this.#record;
    for (let i = 0; i < count; i++) {
      const fd = epoll.fdAt(i), handler = this.#handlers[fd];
      if (handler === undefined || this.#tags[fd] !== epoll.tagAt(i)) continue;
      this.#event++;
      record[Record.Descriptor] = fd;
      const activity = handler.activity ?? Activity.Event;
      if (activity === Activity.Connection) this.servedAt = this.now;
      record[Record.Activity] = activity;
      try {
        handler.onEvents(epoll.eventsAt(i));
      } catch (error) {
        this.#fault(error, handler);
      }
    }
  }

  #runDeferred(): void {
    if (this.#deferred.length === 0) return;
    const due = this.#deferred;
    this.#deferred = [];
    this.wakeControl();
    for (const callback of due) this.#guard(callback);
  }

  /** Apart from `turn`, which would make what the callback holds in each of its rounds. */
  #expire(timers: TimerLane | TimerHeap): void {
    this.#guard(() => timers.expire(this.now));
  }

  /** One turn: waits for events (no longer than the next timer, or `maxWaitMs`), then handles them. */
  turn(maxWaitMs: number = 60_000): void {
    if (this.#flushCount > 0) this.#runFlushes(); // of what promises did since the last turn
    const timeoutMs = this.#timeoutMs(), record = this.#record;
    record[Record.Activity] = Activity.Waiting;
    const count = this.#epoll.wait(timeoutMs < 0 || timeoutMs > maxWaitMs ? maxWaitMs : timeoutMs);
    this.#event++;
    this.now = monotonicMicros();
    record[Record.Turns]!++;
    if (count > 0) this.#dispatch(count);
    record[Record.Activity] = Activity.Deferred;
    this.#runDeferred();
    record[Record.Activity] = Activity.Timers;
    for (const lane of this.#laneList) if (lane.nextDeadline() <= this.now) this.#expire(lane);
    if (this.#heap.nextDeadline() <= this.now) {
      this.wakeControl();
      this.#expire(this.#heap);
    }
    record[Record.Activity] = Activity.Flushing;
    if (this.#flushCount > 0) this.#runFlushes();
    record[Record.Activity] = Activity.Control;
  }

  /**
   * Says that something control code waits for has happened, or that it was asked for something: its promises are given
   * time to go on before the loop blocks again. Timers of the heap and deferred callbacks say so by themselves.
   */
  wakeControl(): void {
    this.#settling = SETTLING_STEPS;
  }

  /** Runs until `stop`. */
  async run(): Promise<void> {
    this.wakeControl(); // for what was begun before the first turn
    for (;;) {
      // `await null` lets one step of each waiting chain of promises run; a chain of async calls takes several, and a
      // loop that blocked before its end would leave it standing until the next event.
      await null;
      while (this.#settling > 0) {
        this.#settling--;
        await null;
      }
      if (this.#isStopped) return;
      this.turn();
    }
  }
}
