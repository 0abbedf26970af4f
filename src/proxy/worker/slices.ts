/**
 * Long control work in slices. While connections are being served, a slice a millisecond, and rather not while somebody
 * has just spoken, whose request is most likely still in hand. The loop sleeps in between, so that a request waits for
 * one slice at most, and the system's scheduler goes on to take this process for one that needs a processor shortly and
 * soon. While no connection is served, a slice a turn of the loop. Work that has not come to an end after seconds gets a
 * slice each turn in any case.
 *
 * A slice takes one step of one task after the other, so that a small task does not wait for a big one, until its time
 * is over. A step is whatever a generator does between two yields; those of this proxy take tens of microseconds.
 */
import { monotonicMicros } from "../../linux/clock.ts";
import type { Loop } from "./loop.ts";

export type Task = Iterator<void, void>;

/** With its last step it stays below 200 µs. */
const SLICE_MICROS = 150;
const REST_MS = 1;
/** A connection that spoke so lately is left alone, but not for longer. */
const JUST_NOW_MICROS = 300, LONGEST_REST_MICROS = 3000;
/** Somebody whose connection spoke so lately may speak again at any moment. */
const SERVED_MICROS = 20_000;
/** The longest that work is held back for; it is over when there was none for as long as the pause. */
const PATIENCE_MICROS = 3_000_000, PAUSE_MICROS = 50_000;

/** Somebody who works in the time that is left of a slice. */
class HandOver implements Task {
  constructor(private readonly begin: () => void) {}

  next(): IteratorResult<void, void> {
    this.begin();
    return { done: true, value: undefined };
  }
}

export class Slices {
  readonly #tasks: Task[] = [];
  #isScheduled = false;
  /** Since when there has been work. */
  #busySince = 0;
  /** The end of the latest slice. */
  #endsAt = 0;

  /** @param onFault told of what a task threw; the task is over, the others go on */
  constructor(
    private readonly loop: Pick<Loop, "defer" | "after" | "servedAt">,
    private readonly onFault: (error: unknown) => void,
    private readonly clock: () => number = monotonicMicros,
  ) {}

  /** Begins a task in a turn to come. @returns a function that ends it */
  run(task: Task): () => void {
    const now = this.clock();
    if (now - this.#endsAt > PAUSE_MICROS) this.#busySince = now;
    this.#tasks.push(task);
    this.#schedule();
    return () => {
      const index = this.#tasks.indexOf(task);
      if (index >= 0) this.#tasks.splice(index, 1);
      task.return?.();
    };
  }

  /** Resolves when it is time for a slice of work that is no generator: until `isOver`. */
  begun(): Promise<void> {
    return new Promise((done) => this.run(new HandOver(done)));
  }

  /** The slice at hand has taken as long as it may. */
  get isOver(): boolean {
    return this.clock() >= this.#endsAt;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#tasks.length === 0) return;
    this.#isScheduled = true;
    const now = this.clock(), isServing = now - this.loop.servedAt < SERVED_MICROS;
    const isPatient = now - this.#busySince < PATIENCE_MICROS;
    if (!isServing || !isPatient || now - this.#endsAt >= LONGEST_REST_MICROS) {
      this.loop.defer(() => this.#slice());
    } else this.loop.after(REST_MS, () => this.#sliceIfQuiet());
  }

  #sliceIfQuiet(): void {
    const now = this.clock(), isQuiet = now - this.loop.servedAt >= JUST_NOW_MICROS;
    if (isQuiet || now - this.#endsAt >= LONGEST_REST_MICROS) return this.#slice();
    this.loop.after(REST_MS, () => this.#sliceIfQuiet());
  }

  #slice(): void {
    this.#isScheduled = false;
    this.#endsAt = this.clock() + SLICE_MICROS;
    do {
      const task = this.#tasks.shift();
      if (task === undefined) break;
      try {
        if (task.next().done !== true) this.#tasks.push(task);
        else if (task instanceof HandOver) break; // the rest of the slice is another's
      } catch (error) {
        this.onFault(error);
      }
    } while (!this.isOver);
    this.#schedule();
  }
}
