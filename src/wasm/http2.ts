/** The HTTP/2 side of asm/: constants of frames and field blocks, and the size of HPACK's tables. */
import { Hpack, TableEntry } from "../../asm/http2/layout.ts";

export {
  BlockKind,
  BlockReason,
  FieldFlag,
  Frame,
  FrameFlag,
  FrameType,
  Hpack,
  Http2Error,
  Setting,
} from "../../asm/http2/layout.ts";

/** Bytes of one frame's head. */
export const FRAME_HEAD_BYTES = 9;

/** Parts of the encoder's index: see asm/http2/encoder_index.ts. */
const LATEST_BYTES = 512, NAME_SETS = 16, SET_BYTES = 32;

/** Bytes of an HPACK table that may hold up to `maxSize` (as RFC 7541 counts). It begins 8-byte aligned. */
export function hpackTableBytes(maxSize: number): number {
  const slots = Math.floor(maxSize / 32) + 1;
  const fieldSets = 2 ** Math.max(Math.floor(Math.log2(slots)) - 1, 0);
  const indexBytes = LATEST_BYTES + (fieldSets + NAME_SETS) * SET_BYTES;
  return (Hpack.Words + slots * TableEntry.Words) * 4 + indexBytes + 2 * maxSize + 64;
}
