/** What the main loop and a worker say to each other of taps. */
import type { ObserveRequest } from "../../../proto/gen/tap.ts";
import type { TapRecord } from "./observation.ts";

export type TapToWorker =
  /** Observe: `request` has been checked; `base` names the observation; `left` is its limit. */
  | {
    readonly kind: "tap-open";
    readonly base: number;
    readonly request: ObserveRequest;
    readonly left: number;
  }
  /** The last batch has been taken; so many requests more may be. */
  | { readonly kind: "tap-continue"; readonly base: number; readonly left: number }
  | { readonly kind: "tap-close"; readonly base: number };

export interface TapBatch {
  readonly kind: "tap-batch";
  readonly base: number;
  readonly records: readonly TapRecord[];
  /** Events that found no room since the last batch. */
  readonly dropped: number;
}

export type TapToMain = TapBatch;
