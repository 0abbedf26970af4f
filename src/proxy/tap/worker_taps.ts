/**
 * A worker's taps: opened and closed by the main loop, told of in batches. One batch is under way at a time; what
 * comes meanwhile waits, as much as an observation may hold.
 */
import type { TapToMain, TapToWorker } from "./messages.ts";
import { EVENT_BUFFER, Observation, type TapRecord, type TapSink } from "./observation.ts";
import type { Taps } from "./taps.ts";

class Batches implements TapSink {
  #records: TapRecord[] = [];
  #firsts = 0;
  #dropped = 0;
  #isUnderWay = false;
  #isScheduled = false;

  constructor(
    private readonly base: number,
    private readonly send: (message: TapToMain) => void,
    private readonly defer: (callback: () => void) => void,
  ) {}

  take(record: TapRecord): boolean {
    const hasRoom = this.#records.length < EVENT_BUFFER;
    if (!hasRoom) {
      this.#dropped++;
      // The end of a request is told in any case: as many may wait as requests are open.
      if (record.step !== "last") return false;
    }
    this.#records.push(hasRoom ? record : { ...record, event: undefined });
    if (record.step === "first") this.#firsts++;
    this.#schedule();
    return true;
  }

  /** Once a turn: the records of one turn are one message. */
  #schedule(): void {
    if (this.#isScheduled || this.#isUnderWay) return;
    this.#isScheduled = true;
    this.defer(() => this.#flush());
  }

  #flush(): void {
    this.#isScheduled = false;
    if (this.#isUnderWay || this.#records.length === 0) return;
    this.#isUnderWay = true;
    this.send({ kind: "tap-batch", base: this.base, records: this.#records, dropped: this.#dropped });
    this.#records = [];
    this.#firsts = this.#dropped = 0;
  }

  /** The batch has been taken. @returns requests that wait to be told of, and count already */
  continue(): number {
    this.#isUnderWay = false;
    if (this.#records.length > 0) this.#schedule();
    return this.#firsts;
  }
}

export class WorkerTaps {
  readonly #open = new Map<number, { readonly observation: Observation; readonly batches: Batches }>();

  constructor(
    private readonly taps: Taps,
    private readonly send: (message: TapToMain) => void,
    private readonly defer: (callback: () => void) => void,
  ) {}

  receive(message: TapToWorker): void {
    const known = this.#open.get(message.base);
    switch (message.kind) {
      case "tap-open": {
        const batches = new Batches(message.base, this.send, this.defer);
        const observation = new Observation(message.base, message.request, batches, message.left);
        this.#open.set(message.base, { observation, batches });
        return this.taps.open(observation);
      }
      case "tap-continue": {
        if (known === undefined) return;
        const counted = known.batches.continue();
        known.observation.left = Math.max(0, message.left - counted);
        return this.taps.refresh();
      }
      case "tap-close":
        this.#open.delete(message.base);
        if (known !== undefined) this.taps.close(known.observation);
    }
  }
}
