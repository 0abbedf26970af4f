/**
 * HTTP/2 frames as byte arrays: all that control connections write and read, and what a connection of the data path says
 * first. Source: RFC 9113 §3.4, §4.1, §6.
 */
import { FRAME_HEAD_BYTES, FrameFlag, FrameType } from "../../../wasm/http2.ts";

/** The 24 bytes that a client's connection begins with. */
export const PREFACE: Uint8Array = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
export const MAX_FRAME_SIZE = 16384;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** The bytes of a frame. */
export function encodeFrame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = new Uint8Array(0),
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(FRAME_HEAD_BYTES + payload.length), view = new DataView(out.buffer);
  view.setUint32(0, payload.length << 8 | type);
  out[4] = flags;
  view.setUint32(5, stream);
  out.set(payload, FRAME_HEAD_BYTES);
  return out;
}

/** The bytes of a SETTINGS frame. */
export function encodeSettings(settings: readonly (readonly [number, number])[]): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(settings.length * 6), view = new DataView(payload.buffer);
  settings.forEach(([id, value], index) => {
    view.setUint16(index * 6, id);
    view.setUint32(index * 6 + 2, value);
  });
  return encodeFrame(FrameType.Settings, 0, 0, payload);
}

/** A 32-bit payload: WINDOW_UPDATE, RST_STREAM. */
export function encodeWord(type: number, stream: number, value: number): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setUint32(0, value);
  return encodeFrame(type, 0, stream, payload);
}

/** Cuts a sequence of bytes into frames, however they arrive. */
export class FrameReader {
  #pending: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  /** @returns the frames that are complete, or why the peer's bytes are no HTTP/2 */
  push(bytes: Uint8Array): Frame[] | string {
    let buffer = this.#pending;
    const joined = new Uint8Array(buffer.length + bytes.length);
    joined.set(buffer);
    joined.set(bytes, buffer.length);
    buffer = joined;
    const frames: Frame[] = [], view = new DataView(buffer.buffer);
    let at = 0;
    while (buffer.length - at >= FRAME_HEAD_BYTES) {
      const length = view.getUint32(at) >>> 8;
      if (length > MAX_FRAME_SIZE) return `a frame of ${length} bytes`;
      if (buffer.length - at < FRAME_HEAD_BYTES + length) break;
      const start = at + FRAME_HEAD_BYTES;
      frames.push({
        type: buffer[at + 3]!,
        flags: buffer[at + 4]!,
        stream: view.getUint32(at + 5) & 0x7fffffff,
        payload: buffer.slice(start, start + length),
      });
      at = start + length;
    }
    this.#pending = buffer.slice(at);
    return frames;
  }
}

/** A payload without its padding and priority fields; undefined when they do not fit (RFC 9113 §6.1, §6.2). */
export function unpadded(frame: Frame): Uint8Array<ArrayBuffer> | undefined {
  let start = 0, end = frame.payload.length;
  if (frame.flags & FrameFlag.Padded) {
    start = 1;
    end -= frame.payload[0] ?? 0;
  }
  if (frame.type === FrameType.Headers && frame.flags & FrameFlag.Priority) start += 5;
  return start > end ? undefined : frame.payload.subarray(start, end);
}
