/**
 * Timers of one loop. Two kinds, since a proxy arms and disarms one per request and almost none ever fires:
 * a lane holds timers of one duration in the order they were armed (a linked list: arm, re-arm and disarm are a few
 * stores, nothing is allocated), and a heap holds the few of arbitrary duration that control code waits for.
 *
 * Why not setTimeout: Deno's timers run on Deno's event loop, which the data plane never enters (design §3).
 */

/** Something that can be armed on a lane; embed it in the object it belongs to. */
export interface Timer {
  /** Microseconds on the loop's clock; 0 while not armed. */
  deadline: number;
  previous: Timer | undefined;
  next: Timer | undefined;
  onTimeout(): void;
}

/** A timer that calls `onTimeout`. */
export function timerOf(onTimeout: () => void): Timer {
  return { deadline: 0, previous: undefined, next: undefined, onTimeout };
}

/** Timers of one duration. The list is circular around a sentinel; the earliest comes first. */
export class TimerLane {
  readonly #head: Timer = timerOf(() => {});
  readonly durationMicros: number;

  constructor(durationMs: number) {
    this.durationMicros = Math.max(1, Math.round(durationMs * 1000));
    this.#head.previous = this.#head.next = this.#head;
  }

  /** Starts (or restarts) `timer`: it fires `durationMicros` after `now`. A timer sits on one lane at a time. */
  arm(timer: Timer, now: number): void {
    if (timer.deadline !== 0) unlink(timer);
    timer.deadline = now + this.durationMicros;
    const last = this.#head.previous!;
    last.next = timer;
    timer.previous = last;
    timer.next = this.#head;
    this.#head.previous = timer;
  }

  /** When the earliest fires; Infinity when there is none. */
  nextDeadline(): number {
    const first = this.#head.next!;
    return first === this.#head ? Infinity : first.deadline;
  }

  /** Fires what is due. A timer armed anew by its own callback waits its full time again. */
  expire(now: number): void {
    for (;;) {
      const first = this.#head.next!;
      if (first === this.#head || first.deadline > now) return;
      unlink(first);
      first.onTimeout();
    }
  }
}

function unlink(timer: Timer): void {
  timer.previous!.next = timer.next;
  timer.next!.previous = timer.previous;
  timer.previous = timer.next = undefined;
  timer.deadline = 0;
}

/** Takes `timer` off whatever lane it is on. Safe to call when it is on none, or was never made. */
export function disarm(timer: Timer | undefined): void {
  if (timer !== undefined && timer.deadline !== 0) unlink(timer);
}

interface Entry {
  deadline: number;
  callback: (() => void) | undefined;
}

/** Timers of arbitrary duration, for control code. A binary heap; a cancelled entry is dropped when it comes up. */
export class TimerHeap {
  readonly #entries: Entry[] = [];

  /** @returns a function that cancels it */
  add(deadline: number, callback: () => void): () => void {
    const entry: Entry = { deadline, callback };
    const entries = this.#entries;
    let at = entries.length;
    entries.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (entries[parent]!.deadline <= deadline) break;
      entries[at] = entries[parent]!;
      at = parent;
    }
    entries[at] = entry;
    return () => {
      entry.callback = undefined;
    };
  }

  nextDeadline(): number {
    while (this.#entries.length > 0 && this.#entries[0]!.callback === undefined) this.#pop();
    return this.#entries[0]?.deadline ?? Infinity;
  }

  expire(now: number): void {
    while (this.nextDeadline() <= now) this.#pop().callback?.();
  }

  #pop(): Entry {
    const entries = this.#entries, top = entries[0]!, last = entries.pop()!;
    if (entries.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= entries.length) break;
      if (child + 1 < entries.length && entries[child + 1]!.deadline < entries[child]!.deadline) child++;
      if (entries[child]!.deadline >= last.deadline) break;
      entries[at] = entries[child]!;
      at = child;
    }
    entries[at] = last;
    return top;
  }
}
