/**
 * Long control work in slices: one step of one task a turn of the loop, tasks in turn, so that neither a request nor a
 * small task waits for a big one. A step is whatever its generator does between two yields; those of this folder are
 * sized to stay below 200 µs.
 */
import type { Loop } from "../worker/loop.ts";

export type Task = Iterator<void, void>;

export class Slices {
  readonly #tasks: Task[] = [];
  #isScheduled = false;

  /** @param onFault told of what a task threw; the task is over, the others go on */
  constructor(
    private readonly loop: Pick<Loop, "defer">,
    private readonly onFault: (error: unknown) => void,
  ) {}

  /** Begins a task in the next turn. @returns a function that ends it */
  run(task: Task): () => void {
    this.#tasks.push(task);
    this.#schedule();
    return () => {
      const index = this.#tasks.indexOf(task);
      if (index >= 0) this.#tasks.splice(index, 1);
      task.return?.();
    };
  }

  #schedule(): void {
    if (this.#isScheduled || this.#tasks.length === 0) return;
    this.#isScheduled = true;
    this.loop.defer(() => this.#step());
  }

  #step(): void {
    this.#isScheduled = false;
    const task = this.#tasks.shift();
    if (task === undefined) return;
    try {
      if (task.next().done !== true) this.#tasks.push(task);
    } catch (error) {
      this.onFault(error);
    }
    this.#schedule();
  }
}
