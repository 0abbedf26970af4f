/**
 * The header lines that the proxy adds to the head at hand, composed in linear memory: a fixed line of the direction's
 * and those of an edit. There is one place for a direction's requests and one for its responses, since a head is
 * written in the call that composes them.
 */
import type { Arena } from "../worker/arena.ts";
import { type HeaderEdit, MAX_EDIT_BYTES } from "./header_edit.ts";

/** The most that stands before an edit's lines: `l5d-client-id`, or a gateway's `forwarded`. */
const FIXED_BYTES = 2048;

export class EditLines {
  readonly at: number;

  /** @throws Error when linear memory has no room left, which is known at the start */
  constructor(private readonly arena: Arena) {
    this.at = arena.allocate(FIXED_BYTES + MAX_EDIT_BYTES);
    if (this.at === 0) throw new Error("linear memory has no room for edited header lines");
  }

  /** Writes `fixedLength` bytes from `fixedAt`, and the lines of `edit`. @returns bytes at `at` */
  compose(fixedAt: number, fixedLength: number, { lines }: HeaderEdit): number {
    const { wasm, memory } = this.arena;
    wasm.copyBytes(this.at, fixedAt, fixedLength);
    memory.bytes.set(lines, this.at + fixedLength);
    return fixedLength + lines.length;
  }
}
