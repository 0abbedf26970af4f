/**
 * Has the process end when one of its loops hangs, and tells of those that are about to: the proxy's side of
 * linux/watchdog.ts. Kubernetes starts the container again; a proxy that hangs silently would look alive to its peers.
 */
import { Record, recordAt, startWatchdog } from "../../linux/watchdog.ts";
import { ACTIVITY_TEXTS } from "./activity.ts";
import type { Loop } from "./loop.ts";

/** Exit code of a proxy whose loop hangs (EX_SOFTWARE of sysexits.h). */
export const EXIT_STUCK = 70;
/** The limit in periods: how finely it is kept, against how often an idle process is woken. */
const MISSES = 5;

/** Where a loop's record is, and how often it must turn. */
export interface WatchedPlace {
  readonly page: bigint;
  readonly index: number;
  readonly periodMs: number;
}

/** Puts a loop under watch, and keeps it turning: an idle one would wait in the kernel for longer. */
export function beWatched(loop: Loop, { page, index, periodMs }: WatchedPlace): void {
  const beat = () => void loop.after(periodMs / 2, beat);
  beat();
  loop.beWatched(recordAt(page, index));
}

export class Watchdog {
  readonly #records: readonly Int32Array[];
  readonly #seen: { turns: number; at: number }[];
  readonly page: bigint;
  readonly periodMs: number;

  /** @param workers loops beside the main one, whose records are 1, 2 and so on */
  constructor(private readonly loop: Loop, timeoutMs: number, workers: number) {
    this.periodMs = timeoutMs / MISSES;
    const names = Array.from({ length: workers }, (_, index) => `worker ${index + 1}`);
    this.page = startWatchdog({
      periodMs: this.periodMs,
      misses: MISSES,
      exitCode: EXIT_STUCK,
      loops: ["the main loop", ...names],
      activities: ACTIVITY_TEXTS,
    });
    this.#records = names.map((_, index) => recordAt(this.page, index + 1));
    this.#seen = names.map(() => ({ turns: 0, at: 0 }));
    beWatched(loop, this.placeOf(0));
    if (workers > 0) this.#look();
  }

  placeOf(index: number): WatchedPlace {
    return { page: this.page, index, periodMs: this.periodMs };
  }

  /** A worker has died: nobody turns its loop, and none is to blame. */
  forget(index: number): void {
    this.#records[index - 1]![Record.IsWatched] = 0;
  }

  #look(): void {
    this.#records.forEach((record, index) => {
      const seen = this.#seen[index]!, turns = record[Record.Turns]!;
      if (turns === seen.turns && record[Record.IsWatched] === 1) return;
      seen.turns = turns;
      seen.at = this.loop.now;
    });
    this.loop.after(this.periodMs / 2, () => this.#look());
  }

  /** Why the proxy is not well, or undefined: a worker that has missed two periods. The main loop answers itself. */
  complaint(): string | undefined {
    const before = this.loop.now - 2 * this.periodMs * 1000;
    const index = this.#seen.findIndex(({ at }, i) =>
      at < before && this.#records[i]![Record.IsWatched] === 1
    );
    if (index < 0) return undefined;
    const seconds = ((this.loop.now - this.#seen[index]!.at) / 1e6).toFixed(1);
    return `worker ${index + 1} has not turned for ${seconds} s, while ` +
      `${ACTIVITY_TEXTS[this.#records[index]![Record.Activity]!]}`;
  }
}
