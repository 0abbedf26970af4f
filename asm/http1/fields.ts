/**
 * The header lines of a head (RFC 9112 §5), and the finding of what is wrong with a line.
 *
 * Verdicts depend on bytes alone, however they were cut: a control character is reported as soon as it is seen, everything
 * else once its line is complete. So a call that finds no new control character (CR and LF are such) need not parse again.
 */
import { Head, HeaderEntry, HeadFlag, Outcome } from "./layout";
import { Reason } from "./reason";
import { seeField } from "./framing";
import { isBlank, outsideToken, skipText, skipToken } from "./scan";
import { wellKnown } from "./well_known";

const CR: u32 = 13;
const LF: u32 = 10;
const CRLF: u32 = 0x0a0d;
const MESH_PREFIX: u32 = 0x2d64356c;

// @ts-ignore: decorator

function set(record: usize, word: i32, value: i32): void {
  store<i32>(record + (<usize> word << 2), value);
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

/**
 * Parses header lines from `p` to the empty line.
 * @returns the bytes from `at` to after the empty line, or an `Outcome`
 */
export function parseFields(
  at: usize,
  p: usize,
  end: usize,
  record: usize,
  maxHeaders: i32,
  isRequest: bool,
): i32 {
  let count: i32 = 0;
  let entry = record + (Head.Headers << 2);
  let hasMeshHeader: bool = false;
  for (;;) {
    if (p + 2 <= end && load<u16>(p) == CRLF) break;
    if (p >= end) return Outcome.Partial;
    if (count == maxHeaders) return lineProblem(p, end, record, Reason.TooManyHeaders);
    const line = p;
    const mask = outsideToken(v128.load(line));
    const nameEnd = mask ? line + ctz(mask) : skipToken(line + 16, end);
    if (nameEnd >= end) return Outcome.Partial;
    if (load<u8>(nameEnd) != 58 || nameEnd == line) {
      return lineProblem(line, end, record, nameProblem(line, nameEnd, end));
    }
    let value = nameEnd + 1;
    while (isBlank(load<u8>(value)) && value < end) value++;
    const lineEnd = skipText(value, end);
    if (lineEnd + 2 > end || load<u16>(lineEnd) != CRLF) return controlProblem(lineEnd, end, record);
    let valueEnd = lineEnd;
    while (valueEnd > value && isBlank(load<u8>(valueEnd - 1))) valueEnd--;
    p = lineEnd + 2;

    const nameLength = <i32> (nameEnd - line);
    const valueLength = <i32> (valueEnd - value);
    const id = wellKnown(line, nameLength);
    v128.store(entry, i32x4.splat(<i32> (line - at)));
    store<i32>(entry, nameLength, 4);
    store<i32>(entry, <i32> (value - at), 8);
    store<i32>(entry, valueLength, 12);
    store<i32>(entry, id, 16);
    store<i32>(entry, 0, 20);
    const present = record + (Head.Present << 2) + (<usize> (id >> 5) << 2);
    store<i32>(present, load<i32>(present) | (1 << (id & 31)));
    if ((load<u32>(line) | 0x20202020) == MESH_PREFIX) hasMeshHeader = true;
    if (id > 0 && id < 16) {
      set(record, Head.HeaderCount, count);
      const reason = seeField(at, record, entry, id, value, valueLength, isRequest);
      if (reason) return refuse(record, reason);
    }
    count++;
    entry += HeaderEntry.Words << 2;
  }
  set(record, Head.HeaderCount, count);
  if (hasMeshHeader) {
    const flags = record + (Head.Flags << 2);
    store<i32>(flags, load<i32>(flags) | HeadFlag.HasMeshHeader);
  }
  return <i32> (p + 2 - at);
}
