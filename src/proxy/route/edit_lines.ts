/**
 * The header lines that the proxy adds to the head at hand, composed in linear memory: a fixed line of the direction's,
 * those of an edit, and the span that a traced request goes on from. There is one place for a direction's requests and
 * one for its responses, since a head is written in the call that composes them.
 */
import { MAX_TRACE_LINES } from "../trace/context/format.ts";
import type { RequestTrace } from "../trace/request_trace.ts";
import type { Arena } from "../worker/arena.ts";
import { type HeaderEdit, hideFields, MAX_EDIT_BYTES } from "./header_edit.ts";

/** The most that stands before an edit's lines: `l5d-client-id`, or a gateway's `forwarded`. */
const FIXED_BYTES = 2048;

export class EditLines {
  readonly at: number;

  /** @throws Error when linear memory has no room left, which is known at the start */
  constructor(private readonly arena: Arena) {
    this.at = arena.allocate(FIXED_BYTES + MAX_EDIT_BYTES + MAX_TRACE_LINES);
    if (this.at === 0) throw new Error("linear memory has no room for edited header lines");
  }

  /**
   * Writes `fixedLength` bytes from `fixedAt`, the lines of `edit`, and those of `trace`; what they stand for is hidden
   * in the head in the record (offsets from `headAt`). What the edit takes away a trace does not bring back.
   * @returns bytes at `at`
   */
  compose(
    headAt: number,
    fixedAt: number,
    fixedLength: number,
    edit: HeaderEdit | undefined,
    trace: RequestTrace | undefined,
  ): number {
    const { wasm, memory } = this.arena;
    wasm.copyBytes(this.at, fixedAt, fixedLength);
    let length = fixedLength;
    if (edit !== undefined) {
      hideFields(edit, this.arena, headAt);
      memory.bytes.set(edit.lines, this.at + length);
      length += edit.lines.length;
    }
    return trace === undefined ? length : length + trace.replace(this.at + length);
  }
}
