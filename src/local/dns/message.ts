/**
 * DNS messages: reads a query, writes its answer. Names are compressed on writing only for the question's own name.
 * Source: RFC 1035 §4, RFC 2782 (SRV), RFC 6891 (EDNS).
 */
export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  ANY: 255,
} as const;
export const CODE = { ok: 0, malformed: 1, failed: 2, noSuchName: 3, notImplemented: 4, refused: 5 } as const;
const CLASS_IN = 1, CLASS_ANY = 255, HEADER = 12;
const FLAG_RESPONSE = 0x8000,
  FLAG_AUTHORITATIVE = 0x0400,
  FLAG_TRUNCATED = 0x0200,
  FLAG_RECURSION_DESIRED = 0x0100;
const FLAG_RECURSION_AVAILABLE = 0x0080, OPCODE_MASK = 0x7800;
/** What a UDP answer may be long without EDNS, and the most we send with it. */
const PLAIN_LIMIT = 512, EDNS_LIMIT = 1232;

export interface Query {
  readonly id: number;
  /** Without the final dot, as asked. */
  readonly name: string;
  readonly type: number;
  readonly isRecursionDesired: boolean;
  /** Bytes the asker takes by UDP. */
  readonly sizeLimit: number;
  readonly hasEdns: boolean;
  /** End of the question in `bytes`, which the answer repeats. */
  readonly questionEnd: number;
  readonly bytes: Uint8Array;
}

/** A record of an answer, by the type of its data. */
export type RecordData =
  | { readonly type: "A"; readonly address: string }
  | { readonly type: "CNAME" | "PTR"; readonly name: string }
  | { readonly type: "SRV"; readonly port: number; readonly target: string };

export interface DnsRecord {
  /** Left out: the name that was asked. */
  readonly owner?: string;
  readonly data: RecordData;
}

export interface Answer {
  readonly code: number;
  readonly answers: readonly DnsRecord[];
  readonly additional?: readonly DnsRecord[];
}

/** Why a datagram is no query: `ignored` deserves no answer, a code is answered. */
export type Refusal = { readonly id: number; readonly code: number } | "ignored";

const decoder = new TextDecoder(), encoder = new TextEncoder();

/** Reads a query. */
export function parseQuery(bytes: Uint8Array): Query | Refusal {
  if (bytes.length < HEADER) return "ignored";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const id = view.getUint16(0), flags = view.getUint16(2);
  if ((flags & FLAG_RESPONSE) !== 0) return "ignored";
  if ((flags & OPCODE_MASK) !== 0) return { id, code: CODE.notImplemented };
  if (view.getUint16(4) !== 1) return { id, code: CODE.malformed };
  const labels: string[] = [];
  let at = HEADER;
  while (true) {
    const length = bytes[at];
    // A question comes first, so there is nothing it could point back to.
    if (length === undefined || length > 63 || at - HEADER > 254) return { id, code: CODE.malformed };
    at++;
    if (length === 0) break;
    if (at + length > bytes.length) return { id, code: CODE.malformed };
    labels.push(decoder.decode(bytes.subarray(at, at + length)));
    at += length;
  }
  if (at + 4 > bytes.length) return { id, code: CODE.malformed };
  const type = view.getUint16(at), klass = view.getUint16(at + 2), questionEnd = at + 4;
  if (klass !== CLASS_IN && klass !== CLASS_ANY) return { id, code: CODE.refused };
  // EDNS: an OPT record (root name, type 41) whose class field is the size the asker takes.
  const isOpt = view.getUint16(10) > 0 && questionEnd + 11 <= bytes.length && bytes[questionEnd] === 0 &&
    view.getUint16(questionEnd + 1) === TYPE.OPT;
  const size = isOpt
    ? Math.min(EDNS_LIMIT, Math.max(PLAIN_LIMIT, view.getUint16(questionEnd + 3)))
    : PLAIN_LIMIT;
  return {
    id,
    name: labels.join("."),
    type,
    isRecursionDesired: (flags & FLAG_RECURSION_DESIRED) !== 0,
    sizeLimit: size,
    hasEdns: isOpt,
    questionEnd,
    bytes,
  };
}

function nameBytes(name: string): number[] {
  const bytes: number[] = [];
  for (const label of name.split(".").filter((part) => part !== "")) {
    const encoded = encoder.encode(label).subarray(0, 63);
    bytes.push(encoded.length, ...encoded);
  }
  return [...bytes, 0];
}

const u16 = (value: number) => [value >> 8 & 255, value & 255];
const u32 = (value: number) => [...u16(value >>> 16), ...u16(value & 0xffff)];
const QUESTION_NAME = u16(0xc000 | HEADER);

function dataBytes(data: RecordData): number[] {
  switch (data.type) {
    case "A":
      return data.address.split(".").map(Number);
    case "SRV":
      return [...u16(0), ...u16(100), ...u16(data.port), ...nameBytes(data.target)];
    default:
      return nameBytes(data.name);
  }
}

function recordBytes({ owner, data }: DnsRecord, ttl: number): number[] {
  const content = dataBytes(data);
  const name = owner === undefined ? QUESTION_NAME : nameBytes(owner);
  return [
    ...name,
    ...u16(TYPE[data.type]),
    ...u16(CLASS_IN),
    ...u32(ttl),
    ...u16(content.length),
    ...content,
  ];
}

export interface AnswerOptions {
  /** The zone whose start of authority goes with "there is none". */
  readonly zone: string;
  readonly ttlSeconds: number;
  /** Bytes it may have; a longer answer is cut and marked, so that the asker comes back by TCP. */
  readonly sizeLimit: number;
}

/** Writes the answer to a query. */
export function formatAnswer(
  query: Query,
  answer: Answer,
  { zone, ttlSeconds, sizeLimit }: AnswerOptions,
): Uint8Array {
  const additional = (answer.additional ?? []).map((record) => recordBytes(record, ttlSeconds));
  const answers = answer.answers.map((record) => recordBytes(record, ttlSeconds));
  const authority = answers.length > 0 || (answer.code !== CODE.ok && answer.code !== CODE.noSuchName)
    ? []
    : [authorityBytes(zone, ttlSeconds)];
  const edns = query.hasEdns ? [[0, ...u16(TYPE.OPT), ...u16(EDNS_LIMIT), ...u32(0), ...u16(0)]] : [];
  const write = (isTruncated: boolean): Uint8Array => {
    const sections = isTruncated ? [[], [], edns] : [answers, authority, [...additional, ...edns]];
    const flags = FLAG_RESPONSE | FLAG_AUTHORITATIVE | FLAG_RECURSION_AVAILABLE | answer.code |
      (query.isRecursionDesired ? FLAG_RECURSION_DESIRED : 0) | (isTruncated ? FLAG_TRUNCATED : 0);
    return Uint8Array.from([
      ...u16(query.id),
      ...u16(flags),
      ...u16(1),
      ...sections.flatMap((section) => u16(section.length)),
      ...query.bytes.subarray(HEADER, query.questionEnd),
      ...sections.flat(2),
    ]);
  };
  const whole = write(false);
  return whole.length > sizeLimit ? write(true) : whole;
}

function authorityBytes(zone: string, ttl: number): number[] {
  const content = [
    ...nameBytes(`ns.dns.${zone}`),
    ...nameBytes(`hostmaster.${zone}`),
    ...[1, 7200, 1800, 86400, ttl].flatMap(u32),
  ];
  return [
    ...nameBytes(zone),
    ...u16(TYPE.SOA),
    ...u16(CLASS_IN),
    ...u32(ttl),
    ...u16(content.length),
    ...content,
  ];
}

/** The answer to what could not be read: a header alone. */
export function formatRefusal({ id, code }: { id: number; code: number }): Uint8Array {
  return Uint8Array.from([...u16(id), ...u16(FLAG_RESPONSE | code), ...new Array<number>(8).fill(0)]);
}
