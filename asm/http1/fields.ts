/**
 * The header lines of a head (RFC 9112 §5), and the finding of what is wrong with a line.
 *
 * Verdicts depend on bytes alone, however they were cut: a control character is reported as soon as it is seen, everything
 * else once its line is complete. So a call that finds no new control character (CR and LF are such) need not parse again.
 */
import { Head, HeaderEntry, HeadFlag, Outcome } from "./layout";
import { HeaderName } from "./names";
import { Reason } from "./reason";
import { seeField } from "./framing";
import { COLONS, find, isBlank, skipText, skipToken, unusualBits } from "./scan";
import { wellKnown } from "./well_known";

const CR: u32 = 13;
const LF: u32 = 10;
const CRLF: u32 = 0x0a0d;
const MESH_PREFIX: u32 = 0x2d64356c;

@inline
function set(record: usize, word: i32, value: i32): void {
  store<i32>(record + (<usize> word << 2), value);
}

/** Whose fields are parsed: decides what those mean that the parser acts on. */
export const enum FieldsOf {
  Response = 0,
  Request = 1,
  /** Nothing is acted on. */
  Trailers = 2,
}

/** Notes the reason and answers `Bad`. */
export function refuse(record: usize, reason: i32): i32 {
  set(record, Head.Reason, reason);
  return Outcome.Bad;
}

/** What to say of a control character at `p`, or of the end of the bytes: never that all is well. */
function controlProblem(p: usize, end: usize, record: usize): i32 {
  if (p >= end) return Outcome.Partial;
  const c = load<u8>(p);
  if (c == LF) return refuse(record, Reason.BareLineFeed);
  if (c != CR) return refuse(record, Reason.ControlCharacter);
  if (p + 1 >= end) return Outcome.Partial;
  return load<u8>(p + 1) == LF ? 0 : refuse(record, Reason.BareCarriageReturn);
}

/** The line from `p` on is wrong for `reason`: says so once it is complete, or names a control character in it. */
export function lineProblem(p: usize, end: usize, record: usize, reason: i32): i32 {
  const problem = controlProblem(skipText(p, end), end, record);
  return problem != 0 ? problem : refuse(record, reason);
}

/** Whether bytes that were partial up to `from` are surely still partial: no control character came since. */
export function isStillPartial(from: usize, end: usize): bool {
  return skipText(from, end) >= end;
}

function nameProblem(line: usize, nameEnd: usize, end: usize): i32 {
  const c = load<u8>(nameEnd);
  if (nameEnd == line) {
    if (isBlank(c)) return Reason.ObsoleteFold;
    return c == 58 ? Reason.EmptyName : Reason.BadName;
  }
  if (isBlank(c)) {
    let p = nameEnd;
    while (p < end && isBlank(load<u8>(p))) p++;
    return load<u8>(p) == 58 ? Reason.SpaceBeforeColon : Reason.BadName;
  }
  return c == CR ? Reason.NoColon : Reason.BadName;
}

@inline
export function markPresent(record: usize, id: i32): void {
  const word = record + (Head.Present << 2) + (<usize> (id >> 5) << 2);
  store<u32>(word, load<u32>(word) | (1 << (id & 31)));
}

/** The control character at `p` spoils its line: says which it is. */
function controlIn(p: usize, end: usize, record: usize): i32 {
  const problem = controlProblem(p, end, record);
  // CRLF ended a line before this one was looked at: cannot be.
  return problem != 0 ? problem : refuse(record, Reason.ControlCharacter);
}

/**
 * Parses header lines from `start` to the empty line.
 *
 * The ends of lines come from bits, one per byte of a window of 64, so that the work on one line need not wait for the
 * end of the line before: it is half as fast without.
 *
 * @returns the bytes from `at` to after the empty line, or an `Outcome`
 */
export function parseFields(
  at: usize,
  start: usize,
  end: usize,
  record: usize,
  maxHeaders: i32,
  whose: i32,
): i32 {
  let p = start;
  let entry = record + (Head.Headers << 2);
  const entryLimit = entry + <usize> maxHeaders * (HeaderEntry.Words << 2);
  let window = start;
  let unusual = unusualBits(window);
  for (;;) {
    let lineEnd: usize;
    for (;;) {
      while (unusual == 0) {
        window += 64;
        if (window >= end) return Outcome.Partial;
        unusual = unusualBits(window);
      }
      lineEnd = window + <usize> ctz(unusual);
      unusual &= unusual - 1;
      if (load<u16>(lineEnd) == CRLF) {
        // The next bit is its LF, unless that begins the next window.
        unusual &= unusual - 1;
        break;
      }
      if (lineEnd < p) continue;
      // HTAB and bytes from 0x80 on are text.
      const c = load<u8>(lineEnd);
      if (lineEnd >= end || (c < 128 && c != 9)) return controlIn(lineEnd, end, record);
    }
    if (lineEnd + 2 > end) return Outcome.Partial;
    if (lineEnd == p) break;
    if (entry == entryLimit) return refuse(record, Reason.TooManyHeaders);
    const line = p;
    p = lineEnd + 2;

    const block = v128.load(line);
    const colons = i8x16.bitmask(i8x16.eq(block, v128.load(COLONS)));
    let nameEnd = colons ? line + ctz(colons) : find(58, line + 16, lineEnd);
    const id = nameEnd < lineEnd ? wellKnown(line, block, <i32> (nameEnd - line)) : 0;
    if (id == 0) {
      nameEnd = skipToken(line, lineEnd);
      if (load<u8>(nameEnd) != 58 || nameEnd == line) return refuse(record, nameProblem(line, nameEnd, lineEnd));
      if ((load<u32>(line) | 0x20202020) == MESH_PREFIX) markPresent(record, HeaderName.UnknownMesh);
    }
    let value = nameEnd + 1;
    if (load<u8>(value) == 32) value++;
    // No byte of the line is below 32 but HTAB.
    while (load<u8>(value) <= 32 && value < lineEnd) value++;
    let valueEnd = lineEnd;
    while (load<u8>(valueEnd - 1) <= 32 && valueEnd > value) valueEnd--;

    const valueLength = <i32> (valueEnd - value);
    store<i32>(entry, <i32> (line - at));
    store<i32>(entry, <i32> (nameEnd - line), 4);
    store<i32>(entry, <i32> (value - at), 8);
    store<i32>(entry, valueLength, 12);
    store<i32>(entry, id, 16);
    store<i32>(entry, 0, 20);
    if (id) {
      markPresent(record, id);
      if (id < 16 && whose != FieldsOf.Trailers) {
        const reason = seeField(at, record, entry, id, value, valueLength, whose == FieldsOf.Request);
        if (reason) return refuse(record, reason);
      }
    }
    entry += HeaderEntry.Words << 2;
  }
  set(record, Head.HeaderCount, <i32> (entry - record - (Head.Headers << 2)) / (HeaderEntry.Words << 2));
  if (load<u32>(record + ((Head.Present + 2) << 2))) {
    const flags = record + (Head.Flags << 2);
    store<i32>(flags, load<i32>(flags) | HeadFlag.HasMeshHeader);
  }
  return <i32> (p + 2 - at);
}
