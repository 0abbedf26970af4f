/**
 * One Observe call over all loops: counts requests up to the limit, whichever loop they came through, keeps the events
 * that its client has not read yet, and is over when the limit is reached and all that was taken has ended.
 *
 * A client that does not read costs at most EVENT_BUFFER events: what comes then is dropped, and counted.
 * Source: protocol-api.md §11 (limit, buffer).
 */
import { TapEvent } from "../../../proto/gen/tap.ts";
import type { Value } from "../telemetry/telemetry.ts";
import { EVENT_BUFFER, type TapRecord } from "./observation.ts";

/** Their bytes: events with headers may be large. */
const BUFFER_BYTES = 1 << 20;

export interface TapCounts {
  readonly events: Value;
  readonly dropped: Value;
}

export class ObserveCall {
  readonly #queue: Uint8Array[] = [];
  #bytes = 0;
  /** Requests that were taken and have not ended, by the base of the observation that told of them. */
  readonly #open = new Map<number, Set<number>>();
  #isClosed = false;

  constructor(
    /** Requests it may still take. */
    public left: number,
    private readonly counts: TapCounts,
    /** Called when an event waits, or all is over. */
    private readonly onNews: () => void,
  ) {}

  /** @returns false when a `first` is not taken: the limit is reached, or its event finds no room */
  take(base: number, { stream, step, event }: TapRecord): boolean {
    if (this.#isClosed) return false;
    if (step === "first") {
      if (this.left <= 0 || event === undefined || !this.#keep(event)) return false;
      this.left--;
      this.#openOf(base).add(stream);
      return true;
    }
    const open = this.#open.get(base);
    if (open?.has(stream) !== true) return false;
    if (event !== undefined) this.#keep(event);
    if (step !== "last") return true;
    open.delete(stream);
    if (this.isOver) this.onNews();
    return true;
  }

  #openOf(base: number): Set<number> {
    let open = this.#open.get(base);
    if (open === undefined) this.#open.set(base, open = new Set());
    return open;
  }

  #drop(): false {
    this.counts.dropped.value++;
    return false;
  }

  #keep(event: TapEvent): boolean {
    if (this.#queue.length >= EVENT_BUFFER) return this.#drop();
    const bytes = TapEvent.encode(event).finish();
    if (this.#bytes + bytes.length > BUFFER_BYTES) return this.#drop();
    this.#queue.push(bytes);
    this.#bytes += bytes.length;
    this.counts.events.value++;
    if (this.#queue.length === 1) this.onNews();
    return true;
  }

  /** Takes the oldest event that waits, encoded. */
  next(): Uint8Array | undefined {
    const event = this.#queue.shift();
    if (event !== undefined) this.#bytes -= event.length;
    return event;
  }

  /** The loop behind `base` has gone: what it had open will not be told the end of. */
  lost(base: number): void {
    this.#open.delete(base);
    if (this.isOver) this.onNews();
  }

  /** All that may be taken has been, and has ended. Events may still wait. */
  get isOver(): boolean {
    if (this.left > 0) return false;
    for (const open of this.#open.values()) if (open.size > 0) return false;
    return true;
  }

  close(): void {
    this.#isClosed = true;
    this.#queue.length = this.#bytes = 0;
    this.#open.clear();
  }
}
