/**
 * DNS questions and answers, as far as control names need them: A, AAAA and SRV. Source: RFC 1035 §4; RFC 2782.
 *
 * Why not Deno.resolveDns: it runs on Deno's event loop, which the proxy never enters.
 */
import { formatIPv6 } from "../../../linux/address.ts";

export const TYPE_A = 1, TYPE_AAAA = 28, TYPE_SRV = 33;
const CLASS_IN = 1, RECURSION_DESIRED = 0x0100, TRUNCATED = 0x0200, RESPONSE = 0x8000;
/** A chain of compression pointers longer than this is a loop. */
const MAX_POINTERS = 32;

export interface Answer {
  readonly type: number;
  readonly ttlSeconds: number;
  /** A and AAAA: the address; SRV: the target's name. */
  readonly value: string;
  /** SRV only. */
  readonly port: number;
}

export interface DnsResponse {
  readonly id: number;
  /** 0 ok, 3 no such name. */
  readonly code: number;
  readonly isTruncated: boolean;
  readonly answers: readonly Answer[];
}

/** The bytes of a question. @throws RangeError when `name` is no domain name */
export function encodeQuery(id: number, name: string, type: number): Uint8Array<ArrayBuffer> {
  const labels = name.replace(/\.$/, "").split(".");
  const body: number[] = [];
  for (const label of labels) {
    if (label.length < 1 || label.length > 63) throw new RangeError(`not a domain name: ${name}`);
    body.push(label.length, ...new TextEncoder().encode(label));
  }
  const out = new Uint8Array(12 + body.length + 5), view = new DataView(out.buffer);
  view.setUint16(0, id);
  view.setUint16(2, RECURSION_DESIRED);
  view.setUint16(4, 1);
  out.set(body, 12);
  view.setUint16(12 + body.length + 1, type);
  view.setUint16(12 + body.length + 3, CLASS_IN);
  return out;
}

/** Reads a name at `at`. @returns the name and where what follows it begins; undefined when it is malformed */
function readName(bytes: Uint8Array, at: number): { name: string; next: number } | undefined {
  const labels: string[] = [];
  let next = -1, pointers = 0;
  for (;;) {
    const length = bytes[at];
    if (length === undefined) return undefined;
    if (length === 0) return { name: labels.join("."), next: next < 0 ? at + 1 : next };
    if ((length & 0xc0) === 0xc0) {
      const low = bytes[at + 1];
      if (low === undefined || ++pointers > MAX_POINTERS) return undefined;
      if (next < 0) next = at + 2;
      at = (length & 0x3f) << 8 | low;
      continue;
    }
    if (length > 63 || at + 1 + length > bytes.length) return undefined;
    labels.push(String.fromCharCode(...bytes.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
}

/** Undefined when the bytes are no response. Records of other types are left out. */
export function decodeResponse(bytes: Uint8Array): DnsResponse | undefined {
  if (bytes.length < 12) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length), flags = view.getUint16(2);
  if ((flags & RESPONSE) === 0) return undefined;
  let at = 12;
  for (let i = 0; i < view.getUint16(4); i++) {
    const question = readName(bytes, at);
    if (question === undefined) return undefined;
    at = question.next + 4;
  }
  const answers: Answer[] = [];
  for (let i = 0; i < view.getUint16(6); i++) {
    const owner = readName(bytes, at);
    if (owner === undefined || owner.next + 10 > bytes.length) return undefined;
    at = owner.next;
    const type = view.getUint16(at), ttlSeconds = view.getUint32(at + 4), length = view.getUint16(at + 8);
    at += 10;
    if (at + length > bytes.length) return undefined;
    if (type === TYPE_A && length === 4) {
      answers.push({ type, ttlSeconds, value: bytes.subarray(at, at + 4).join("."), port: 0 });
    } else if (type === TYPE_AAAA && length === 16) {
      answers.push({ type, ttlSeconds, value: formatIPv6(bytes.subarray(at, at + 16)), port: 0 });
    } else if (type === TYPE_SRV && length > 6) {
      const target = readName(bytes, at + 6);
      if (target === undefined) return undefined;
      answers.push({ type, ttlSeconds, value: target.name, port: view.getUint16(at + 4) });
    }
    at += length;
  }
  return { id: view.getUint16(0), code: flags & 15, isTruncated: (flags & TRUNCATED) !== 0, answers };
}
