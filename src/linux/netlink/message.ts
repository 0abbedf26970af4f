/**
 * Netlink messages: a header, a family's own header, then attributes (length, type, value, padded to 4 bytes).
 *
 * Source: netlink(7), linux/netlink.h. Headers and lengths are in host order, which is little-endian on every
 * machine Deno runs on; what the network sees (addresses, ports, nf_tables numbers) is big-endian.
 */

export const NLM_F_REQUEST = 1, NLM_F_ACK = 4, NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100, NLM_F_EXCL = 0x200, NLM_F_CREATE = 0x400, NLM_F_APPEND = 0x800;
export const NLMSG_ERROR = 2, NLMSG_DONE = 3;
const HEADER = 16, NESTED = 0x8000, TYPE_MASK = 0x3fff;

const encoder = new TextEncoder(), decoder = new TextDecoder();

/** A number in network order, as nf_tables wants its numbers. */
export function bigEndian32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16 & 255, value >>> 8 & 255, value & 255);
}

/** A port in network order. */
export function bigEndian16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8 & 255, value & 255);
}

/** A number in host order, as rtnetlink and packet marks want theirs. */
export function hostOrder32(value: number): Uint8Array {
  return bigEndian32(value).reverse();
}

/** A name as the kernel wants it: with a zero at its end. */
export function zeroTerminated(text: string): Uint8Array {
  return encoder.encode(`${text}\0`);
}

/** The text of a zero-terminated value. */
export function textOf(value: Uint8Array): string {
  const end = value.indexOf(0);
  return decoder.decode(end < 0 ? value : value.subarray(0, end));
}

/** Appends messages to one growing buffer; several form a batch. */
export class MessageWriter {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  #start = 0;
  #sequence = 0;

  /** What was written so far. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** The sequence number of the message begun last; the first is 1. */
  get sequence(): number {
    return this.#sequence;
  }

  #reserve(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }

  /** Begins a message. @param header the family's own header (ifinfomsg, nfgenmsg ...), a multiple of 4 bytes */
  begin(type: number, flags: number, header: ArrayLike<number>): this {
    this.#start = this.#reserve(HEADER);
    this.#view.setUint16(this.#start + 4, type, true);
    this.#view.setUint16(this.#start + 6, flags | NLM_F_REQUEST, true);
    this.#view.setUint32(this.#start + 8, ++this.#sequence, true);
    this.#bytes.set(header, this.#reserve(header.length));
    return this.#close();
  }

  /** Makes the message begun last ask for an acknowledgement. */
  askAcknowledgement(): this {
    const at = this.#start + 6;
    this.#view.setUint16(at, this.#view.getUint16(at, true) | NLM_F_ACK, true);
    return this;
  }

  #close(): this {
    this.#view.setUint32(this.#start, this.#length - this.#start, true);
    return this;
  }

  attribute(type: number, value: ArrayLike<number>): this {
    const at = this.#reserve(4 + (value.length + 3 & ~3));
    this.#view.setUint16(at, value.length + 4, true);
    this.#view.setUint16(at + 2, type, true);
    this.#bytes.set(value, at + 4);
    return this.#close();
  }

  /** An attribute that holds attributes: those that `fill` writes. */
  nested(type: number, fill: () => void): this {
    const at = this.#reserve(4);
    this.#view.setUint16(at + 2, type | NESTED, true);
    fill();
    this.#view.setUint16(at, this.#length - at, true);
    return this.#close();
  }

  /** Bytes in the middle of a nested attribute that is no attribute itself (the peer's header of a veth pair). */
  raw(value: ArrayLike<number>): this {
    this.#bytes.set(value, this.#reserve(value.length + 3 & ~3));
    return this.#close();
  }
}

/** One message as received; `payload` begins with the family's own header. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** The messages in one datagram. A length that does not fit ends the list. */
export function parseMessages(bytes: Uint8Array): Message[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: Message[] = [];
  for (let at = 0; at + HEADER <= bytes.length;) {
    const length = view.getUint32(at, true);
    if (length < HEADER || at + length > bytes.length) break;
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      payload: bytes.subarray(at + HEADER, at + length),
    });
    at += length + 3 & ~3;
  }
  return messages;
}

/** The attributes in `bytes`, in order, since a list repeats its type. A length that does not fit ends the list. */
export function attributeList(bytes: Uint8Array): [type: number, value: Uint8Array][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const attributes: [number, Uint8Array][] = [];
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > bytes.length) break;
    attributes.push([view.getUint16(at + 2, true) & TYPE_MASK, bytes.subarray(at + 4, at + length)]);
    at += length + 3 & ~3;
  }
  return attributes;
}

/** The attributes in `bytes` by type. */
export function parseAttributes(bytes: Uint8Array): Map<number, Uint8Array> {
  return new Map(attributeList(bytes));
}
