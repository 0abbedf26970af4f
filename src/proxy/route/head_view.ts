/**
 * The request head in a loop's record, as route matches look at it: bytes where they stand; texts only where a regular
 * expression or a query asks for them, and once a request.
 */
import { Head, HeaderEntry, TargetForm } from "../../wasm/http1.ts";
import type { DropMask } from "../http/pipeline.ts";
import type { Arena } from "../worker/arena.ts";

const UPPER_A = 65, UPPER_Z = 90, LOWER = 32, SLASH = 47, DOT = 46;

/** A text in memory that is compared with another again and again. */
export type Bytes = Uint8Array;

/** The bytes of a text with one character a byte. */
export function bytesOf(text: string): Bytes {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function lower(byte: number): number {
  return byte >= UPPER_A && byte <= UPPER_Z ? byte | LOWER : byte;
}

/** Whether `expected` (in lower case) stands at `from`, in any case. */
export function hasLower(bytes: Uint8Array, from: number, expected: Bytes): boolean {
  for (let i = 0; i < expected.length; i++) if (lower(bytes[from + i]!) !== expected[i]) return false;
  return true;
}

export class HeadView {
  #arena!: Arena;
  #bytes!: Uint8Array;
  #words!: Int32Array;
  #record = 0;
  #at = 0;
  /** Fields that a client cannot set: they are not looked at. */
  #drops: DropMask = [0, 0, 0];
  pathAt = 0;
  /** Without the query. 0 where there is none; a target that leaves it out has "/" (`isRoot`). */
  pathLength = 0;
  isRoot = false;
  #hostAt = 0;
  #hostLength = 0;
  #path: string | undefined;
  #query: URLSearchParams | undefined;

  /** Looks at the head in the record, whose offsets are relative to `at`. */
  open(arena: Arena, at: number, drops: DropMask): void {
    const { words, bytes } = arena.memory, record = this.#record = arena.recordAt >> 2;
    this.#arena = arena;
    this.#words = words;
    this.#bytes = bytes;
    this.#at = at;
    this.#drops = drops;
    this.pathAt = at + words[record + Head.PathOffset]!;
    this.pathLength = words[record + Head.PathOnlyLength]!;
    this.isRoot = this.pathLength === 0 && words[record + Head.TargetForm] === TargetForm.Absolute;
    this.#hostAt = at + words[record + Head.AuthorityOffset]!;
    this.#hostLength = words[record + Head.AuthorityNameLength]!;
    this.#path = this.#query = undefined;
  }

  /** The length of the path as it counts for precedence. */
  get matchedLength(): number {
    return this.isRoot ? 1 : this.pathLength;
  }

  /** Whether `expected` stands at `from`. */
  has(from: number, expected: Bytes): boolean {
    const bytes = this.#bytes;
    for (let i = 0; i < expected.length; i++) if (bytes[from + i] !== expected[i]) return false;
    return true;
  }

  /** Whether the whole path is `expected`. */
  hasPath(expected: Bytes): boolean {
    if (this.isRoot) return expected.length === 1 && expected[0] === SLASH;
    return expected.length === this.pathLength && this.has(this.pathAt, expected);
  }

  /** Whether the path begins with the segments of `prefix`, which ends with none of its slashes. */
  hasPathPrefix(prefix: Bytes): boolean {
    const { length } = prefix;
    if (this.pathLength < length || !this.has(this.pathAt, prefix)) return false;
    return this.pathLength === length || this.#bytes[this.pathAt + length] === SLASH;
  }

  /** One past the segment that begins at `from`. */
  segmentEnd(from: number): number {
    const end = this.pathAt + this.pathLength, bytes = this.#bytes;
    let at = from;
    while (at < end && bytes[at] !== SLASH) at++;
    return at;
  }

  /** WebSocket by extended CONNECT is a GET, as it is over HTTP/1 (RFC 8441 §5): both versions take one route. */
  hasMethod(expected: Bytes, isGet: boolean): boolean {
    const words = this.#words, record = this.#record;
    if (words[record + Head.ProtocolLength]! > 0) return isGet;
    return words[record + Head.MethodLength] === expected.length &&
      this.has(this.#at + words[record + Head.MethodOffset]!, expected);
  }

  /** @param name in lower case. A dot at the host's end means nothing unless the name has one too. */
  hasHost(name: Bytes): boolean {
    const length = this.#hostLengthFor(name);
    return length === name.length && hasLower(this.#bytes, this.#hostAt, name);
  }

  /** @param suffix `.example.com`, in lower case; what is before it must not be empty */
  hasHostSuffix(suffix: Bytes): boolean {
    const length = this.#hostLengthFor(suffix);
    return length > suffix.length && hasLower(this.#bytes, this.#hostAt + length - suffix.length, suffix);
  }

  #hostLengthFor(expected: Bytes): number {
    const length = this.#hostLength;
    const isAbsolute = length > 0 && this.#bytes[this.#hostAt + length - 1] === DOT;
    return isAbsolute && expected[expected.length - 1] !== DOT ? length - 1 : length;
  }

  /** Whether a header with this name (lower case) has a value that `accepts` takes. */
  hasHeader(name: Bytes, accepts: ValueMatcher): boolean {
    const words = this.#words, record = this.#record, count = words[record + Head.HeaderCount]!;
    let entry = record + Head.Headers;
    for (let i = 0; i < count; i++, entry += HeaderEntry.Words) {
      if (words[entry + HeaderEntry.NameLength] !== name.length) continue;
      if (!hasLower(this.#bytes, this.#at + words[entry + HeaderEntry.NameOffset]!, name)) continue;
      const id = words[entry + HeaderEntry.Id]!;
      if (id !== 0 && (this.#drops[id >> 5]! >> (id & 31) & 1) !== 0) continue;
      const valueAt = this.#at + words[entry + HeaderEntry.ValueOffset]!;
      if (accepts.acceptsBytes(this, valueAt, words[entry + HeaderEntry.ValueLength]!)) return true;
    }
    return false;
  }

  text(at: number, length: number): string {
    return this.#arena.readAscii(at, length);
  }

  get path(): string {
    return this.#path ??= this.isRoot ? "/" : this.text(this.pathAt, this.pathLength);
  }

  /** The parameters of the query, decoded. */
  get query(): URLSearchParams {
    return this.#query ??= new URLSearchParams(this.queryText);
  }

  /** What follows the "?" (not included). */
  get queryText(): string {
    const after = this.pathAt + this.pathLength + 1;
    const length = this.#words[this.#record + Head.PathLength]! - this.pathLength - 1;
    return length > 0 ? this.text(after, length) : "";
  }
}

/** Judges the value of a field. */
export interface ValueMatcher {
  acceptsBytes(head: HeadView, at: number, length: number): boolean;
  acceptsText(text: string): boolean;
}
