/**
 * Gives memory back once a burst is over. The engine collects when it has to allocate, so what start-up and the last
 * burst left behind would stay for as long as the process is idle, which is most of most processes' time.
 */

/** What gives memory back; a test gives its own. */
export interface Reclaimer {
  /** A full collection; some milliseconds. Undefined where the engine does not offer it (--expose-gc). */
  readonly collect: (() => void) | undefined;
  /** The C library's free pages; a fraction of a millisecond. */
  readonly trim: () => void;
}

/** Fewer turns than this in a second: nobody is waiting for a collection to end. */
const IDLE_TURNS = 20;
/** Turns since the last collection that are worth another. */
const WORTHWHILE_TURNS = 200;
/** Seconds between two collections, and between two trims under load. */
const COLLECT_SECONDS = 10, TRIM_SECONDS = 5;

export class MemoryKeeper {
  #turns = 0;
  #collectedAtTurn = -WORTHWHILE_TURNS;
  #sinceCollect = COLLECT_SECONDS;
  #sinceTrim = 0;

  constructor(private readonly reclaimer: Reclaimer) {}

  /** To be called every second. @param turns of the loop since its start; milliseconds of processor time where there is none */
  tick(turns: number): void {
    const isIdle = turns - this.#turns < IDLE_TURNS;
    this.#turns = turns;
    this.#sinceCollect++;
    this.#sinceTrim++;
    if (
      isIdle && this.#sinceCollect >= COLLECT_SECONDS && turns - this.#collectedAtTurn >= WORTHWHILE_TURNS
    ) {
      this.#sinceCollect = this.#sinceTrim = 0;
      this.#collectedAtTurn = turns;
      this.reclaimer.collect?.();
      this.reclaimer.trim();
    } else if (!isIdle && this.#sinceTrim >= TRIM_SECONDS) {
      this.#sinceTrim = 0;
      this.reclaimer.trim();
    }
  }
}
