/** One observation as one loop keeps it: what it takes, and how many requests more. */
import type { ObserveRequest, TapEvent } from "../../../proto/gen/tap.ts";
import { compileMatch, type TapMatcher } from "./match.ts";

/** Events that wait for their reader, or to be handed to the main loop. */
export const EVENT_BUFFER = 400;

/** A step of one request, told in the order of its events. */
export interface TapRecord {
  /** Numbers the requests of one observation in one loop. */
  readonly stream: number;
  readonly step: "first" | "next" | "last";
  /** Undefined when there was no room for it, and only the end is told. */
  readonly event: TapEvent | undefined;
}

export interface TapSink {
  /** @returns false when a `first` is not taken: nothing more of that request is told */
  take(record: TapRecord): boolean;
}

export class Observation {
  readonly matches: TapMatcher;
  readonly wantsHeaders: boolean;
  #streams = 0;

  /**
   * @param base tells this observation in this loop from every other, as `StreamId.base`
   * @param left requests it may still take
   * @throws InvalidMatch
   */
  constructor(
    readonly base: number,
    request: ObserveRequest,
    readonly sink: TapSink,
    public left: number = request.limit,
  ) {
    this.matches = compileMatch(request.match);
    const extract = request.extract?.extract;
    this.wantsHeaders = extract?.$case === "http" && extract.value.extract?.$case === "headers";
  }

  /** The number of its next request. */
  nextStream(): number {
    return this.#streams++;
  }
}
