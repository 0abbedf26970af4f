/**
 * The window of a whole connection. Credit is given for what arrives, not for what was passed on: each stream's own
 * window bounds what is held, and a stalled stream must not stall the others (RFC 9113 §6.9).
 */
import { FrameType } from "../../../wasm/http2.ts";
import type { FrameWriter } from "./frame_writer.ts";
import { CONNECTION_WINDOW } from "./limits.ts";

export class ReceiveWindow {
  /** Bytes that the peer may still send. */
  left = CONNECTION_WINDOW;
  #uncredited = 0;

  constructor(private readonly writer: FrameWriter) {}

  /** A DATA frame of `length` bytes, padding and all. @returns false when the peer had no right to send it */
  take(length: number): boolean {
    this.left -= length;
    this.#uncredited += length;
    if (this.left < 0) return false;
    if (this.#uncredited >= CONNECTION_WINDOW >> 2) {
      this.writer.word(FrameType.WindowUpdate, 0, this.#uncredited);
      this.left += this.#uncredited;
      this.#uncredited = 0;
    }
    return true;
  }
}
