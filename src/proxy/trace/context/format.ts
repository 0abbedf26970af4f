/** A way in which requests carry their trace. */
import type { Arena } from "../../worker/arena.ts";
import type { TraceContext } from "./trace_context.ts";

/** The most that `replace` writes, whatever the format. */
export const MAX_TRACE_LINES = 128;

export interface TraceFormat {
  /**
   * Reads the context of the request whose head stands in the record (offsets from `at`).
   * @returns false when there is none in this format, or it is malformed; `context` is of no meaning then
   */
  read(arena: Arena, at: number, context: TraceContext): boolean;
  /**
   * Puts the span that the request goes on from in the place of the one that it came from: hides the field that told
   * that, and writes `name: value` lines with their ends to `to`. Where the field is not there any more, since a route
   * has taken it away, nothing is written.
   * @param spanId the span that the request goes on from
   * @param parentId the span that that one is a part of
   * @returns bytes written, MAX_TRACE_LINES at most
   */
  replace(arena: Arena, context: TraceContext, spanId: Uint8Array, parentId: Uint8Array, to: number): number;
}
