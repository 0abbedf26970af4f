/**
 * Chunked bodies (RFC 9112 §7.1), followed byte by byte through whatever pieces they come in. Contract: src/wasm/module.ts.
 *
 * Made for forwarding: the bytes pass on as they are, so everything that two readers could understand differently is
 * refused: white space after a size, bare CR or LF, sizes that overflow, trailers that would change framing or routing.
 */
import { Chunked } from "./chunked_layout";
import { Outcome } from "./layout";
import { Reason } from "./reason";
import { isBlank, isDigit, lower, outsideToken, skipText } from "./scan";

const CR: u32 = 13;
const LF: u32 = 10;
const COLON: u32 = 58;
const SEMICOLON: u32 = 59;
const MAXIMUM_DIGITS: i32 = 16;
const LARGEST_SIZE: u64 = 9007199254740991;

const enum Phase {
  SizeStart = 0,
  Size = 1,
  SizeLineFeed = 2,
  Extension = 3,
  Data = 4,
  DataCarriageReturn = 5,
  DataLineFeed = 6,
  TrailerStart = 7,
  TrailerName = 8,
  TrailerValue = 9,
  TrailerLineFeed = 10,
  FinalLineFeed = 11,
  Done = 12,
  Bad = 13,
  ExtensionName = 14,
  ExtensionValue = 15,
  ExtensionToken = 16,
  ExtensionQuoted = 17,
  ExtensionEscape = 18,
  ExtensionEnd = 19,
}

/** Names that may not be trailers, 32 bytes each: content-length, transfer-encoding, host, connection. */
const FORBIDDEN: usize = memory.data<u8>([
  99, 111, 110, 116, 101, 110, 116, 45, 108, 101, 110, 103, 116, 104, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  116, 114, 97, 110, 115, 102, 101, 114, 45, 101, 110, 99, 111, 100, 105, 110, 103, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  104, 111, 115, 116, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  99, 111, 110, 110, 101, 99, 116, 105, 111, 110, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);
const FORBIDDEN_COUNT: i32 = 4;

@inline
function get(state: usize, word: i32): i32 {
  return load<i32>(state + (<usize> word << 2));
}

@inline
function set(state: usize, word: i32, value: i32): void {
  store<i32>(state + (<usize> word << 2), value);
}

function refuse(state: usize, reason: i32): i32 {
  set(state, Chunked.Phase, Phase.Bad);
  set(state, Chunked.Reason, reason);
  return Outcome.Bad;
}

export function chunkedStart(state: usize, maxExtensionBytes: i32, maxTrailerBytes: i32): void {
  memory.fill(state, 0, Chunked.Words << 2);
  set(state, Chunked.MaximumExtensionBytes, maxExtensionBytes);
  set(state, Chunked.MaximumTrailerBytes, maxTrailerBytes);
}

/** The value of a hexadecimal digit, or -1. */
function hexValue(c: u32): i32 {
  if (isDigit(c)) return c - 48;
  const letter = (c | 32) - 97;
  return letter < 6 ? letter + 10 : -1;
}

/** Adds to a count of bytes. @returns whether it is still within its limit */
@inline
function count(state: usize, bytes: i32, limit: i32, amount: usize): bool {
  const total = get(state, bytes) + <i32> amount;
  set(state, bytes, total);
  return total <= get(state, limit);
}

/** What is wrong with `c` where only text, or CR LF, may stand. */
function textProblem(c: u32, reason: i32): i32 {
  return c == LF ? Reason.BareLineFeed : reason;
}

/** One character of a trailer's name: narrows which forbidden names it may still be. */
@inline
function matchName(state: usize, c: u32): void {
  let candidates = get(state, Chunked.NameCandidates);
  const index = get(state, Chunked.NameIndex);
  set(state, Chunked.NameIndex, index + 1);
  if (candidates == 0) return;
  for (let name: i32 = 0; name < FORBIDDEN_COUNT; name++) {
    if (index >= 31 || load<u8>(FORBIDDEN + (name << 5) + index) != lower(c)) candidates &= ~(1 << name);
  }
  set(state, Chunked.NameCandidates, candidates);
}

/** Whether the name that ended is one of the forbidden. */
function isForbidden(state: usize): bool {
  const candidates = get(state, Chunked.NameCandidates);
  const length = get(state, Chunked.NameIndex);
  for (let name: i32 = 0; name < FORBIDDEN_COUNT; name++) {
    if ((candidates >> name) & 1 && load<u8>(FORBIDDEN + (name << 5) + length) == 0) return true;
  }
  return false;
}

/** A byte of a chunk size line before its CR or extension. @returns the next phase, or minus a `Reason` */
function stepSize(state: usize, c: u32, phase: i32): i32 {
  const digit = hexValue(c);
  if (digit >= 0) {
    const size = (<u64> load<f64>(state + (Chunked.Remaining << 2)) << 4) + digit;
    const digits = get(state, Chunked.Digits) + 1;
    if (digits > MAXIMUM_DIGITS || size > LARGEST_SIZE) return -Reason.ChunkSizeTooLarge;
    set(state, Chunked.Digits, digits);
    store<f64>(state + (Chunked.Remaining << 2), <f64> size);
    return Phase.Size;
  }
  if (c == LF) return -Reason.BareLineFeed;
  if (phase == Phase.SizeStart) return -Reason.BadChunkSize;
  if (c == CR) return Phase.SizeLineFeed;
  return c == SEMICOLON ? Phase.Extension : -Reason.BadChunkSize;
}

/**
 * A byte of chunk extensions: `;name`, `;name=token` or `;name="quoted"`, without white space around them.
 * @returns the next phase, or minus a `Reason`
 */
function stepExtension(c: u32, phase: i32): i32 {
  const isToken = outsideToken(i8x16.splat(<i8> c)) == 0;
  if (phase == Phase.ExtensionQuoted || phase == Phase.ExtensionEscape) {
    if (c == 127 || (c < 32 && c != 9)) return -textProblem(c, Reason.BadChunkExtension);
    if (phase == Phase.ExtensionEscape) return Phase.ExtensionQuoted;
    return c == 34 ? Phase.ExtensionEnd : c == 92 ? Phase.ExtensionEscape : Phase.ExtensionQuoted;
  }
  if (phase == Phase.Extension) {
    return isToken ? Phase.ExtensionName : -textProblem(c, Reason.BadChunkExtension);
  }
  if (phase == Phase.ExtensionValue) {
    if (c == 34) return Phase.ExtensionQuoted;
    return isToken ? Phase.ExtensionToken : -textProblem(c, Reason.BadChunkExtension);
  }
  if (c == CR) return Phase.SizeLineFeed;
  if (c == SEMICOLON) return Phase.Extension;
  if (phase != Phase.ExtensionEnd && isToken) return phase;
  return phase == Phase.ExtensionName && c == 61 ? Phase.ExtensionValue : -textProblem(c, Reason.BadChunkExtension);
}

/** A byte of a trailer's name. @returns the next phase, or minus a `Reason` */
function stepName(state: usize, c: u32, phase: i32): i32 {
  if (phase == Phase.TrailerStart) {
    if (c == CR) return Phase.FinalLineFeed;
    if (isBlank(c)) return -Reason.ObsoleteFold;
    if (c == COLON) return -Reason.EmptyName;
    set(state, Chunked.NameIndex, 0);
    set(state, Chunked.NameCandidates, (1 << FORBIDDEN_COUNT) - 1);
    set(state, Chunked.HasTrailers, 1);
  }
  if (c == COLON) return isForbidden(state) ? -Reason.ForbiddenTrailer : Phase.TrailerValue;
  if (outsideToken(i8x16.splat(<i8> c))) {
    if (c == LF) return -Reason.BareLineFeed;
    if (c == CR) return -Reason.NoColon;
    return isBlank(c) ? -Reason.SpaceBeforeColon : -Reason.BadName;
  }
  matchName(state, c);
  return Phase.TrailerName;
}

/** A byte that must be `wanted`. @returns the next phase, or minus a `Reason` */
@inline
function expect(c: u32, wanted: u32, next: i32, reason: i32): i32 {
  return c == wanted ? next : -reason;
}

/** What is done with chunk data: passed over, stopped at, or copied. */
const enum DataUse {
  Pass = 0,
  Stop = 1,
  Copy = 2,
}

/** Whether the next byte belongs to the trailer section. */
function isInTrailers(phase: i32): bool {
  return phase >= Phase.TrailerStart && phase <= Phase.FinalLineFeed;
}

/** Follows the body from `at`; with `DataUse.Copy` the data goes to `out`. */
function follow(state: usize, at: usize, end: usize, use: i32, out: usize): i32 {
  let phase = get(state, Chunked.Phase);
  let p = at;
  if (phase == Phase.Bad) return Outcome.Bad;
  set(state, Chunked.DataLength, 0);
  set(state, Chunked.TrailerOffset, isInTrailers(phase) && p < end ? 0 : -1);
  let target = out;
  while (p < end && phase != Phase.Done) {
    const c = <u32> load<u8>(p);
    switch (phase) {
      case Phase.SizeStart:
      case Phase.Size:
        phase = stepSize(state, c, phase);
        p++;
        break;
      case Phase.SizeLineFeed:
        phase = expect(c, LF, Phase.Data, Reason.BareCarriageReturn);
        set(state, Chunked.Digits, 0);
        p++;
        if (phase > 0 && load<f64>(state + (Chunked.Remaining << 2)) == 0) {
          phase = Phase.TrailerStart;
          if (p < end) set(state, Chunked.TrailerOffset, <i32> (p - at));
        }
        break;
      case Phase.Data: {
        const remaining = <u64> load<f64>(state + (Chunked.Remaining << 2));
        const given = <u64> (end - p);
        const length = remaining < given ? remaining : given;
        store<f64>(state + (Chunked.Remaining << 2), <f64> (remaining - length));
        if (remaining == length) phase = Phase.DataCarriageReturn;
        if (use == DataUse.Stop) {
          set(state, Chunked.DataOffset, <i32> (p - at));
          set(state, Chunked.DataLength, <i32> length);
          set(state, Chunked.Phase, phase);
          return <i32> (p + <usize> length - at);
        }
        if (use == DataUse.Copy) {
          memory.copy(target, p, <usize> length);
          target += <usize> length;
        }
        p += <usize> length;
        break;
      }
      case Phase.DataCarriageReturn:
        phase = expect(c, CR, Phase.DataLineFeed, Reason.BadChunkEnd);
        p++;
        break;
      case Phase.DataLineFeed:
        phase = expect(c, LF, Phase.SizeStart, Reason.BadChunkEnd);
        p++;
        break;
      case Phase.TrailerValue: {
        let textEnd = skipText(p, end);
        if (textEnd > end) textEnd = end;
        if (!count(state, Chunked.TrailerBytes, Chunked.MaximumTrailerBytes, textEnd - p)) {
          return refuse(state, Reason.TrailersTooLong);
        }
        p = textEnd;
        if (p == end) break;
        const last = load<u8>(p);
        if (last != CR) return refuse(state, textProblem(last, Reason.ControlCharacter));
        phase = Phase.TrailerLineFeed;
        p++;
        break;
      }
      case Phase.Extension:
      case Phase.ExtensionName:
      case Phase.ExtensionValue:
      case Phase.ExtensionToken:
      case Phase.ExtensionQuoted:
      case Phase.ExtensionEscape:
      case Phase.ExtensionEnd:
        phase = stepExtension(c, phase);
        if (phase > 0 && !count(state, Chunked.ExtensionBytes, Chunked.MaximumExtensionBytes, c == CR ? 0 : 1)) {
          return refuse(state, Reason.ChunkExtensionsTooLong);
        }
        p++;
        break;
      case Phase.TrailerStart:
      case Phase.TrailerName:
        if (!count(state, Chunked.TrailerBytes, Chunked.MaximumTrailerBytes, c == CR ? 0 : 1)) {
          return refuse(state, Reason.TrailersTooLong);
        }
        phase = stepName(state, c, phase);
        p++;
        break;
      case Phase.TrailerLineFeed:
        phase = expect(c, LF, Phase.TrailerStart, Reason.BareCarriageReturn);
        p++;
        break;
      default:
        phase = expect(c, LF, Phase.Done, Reason.BareCarriageReturn);
        p++;
    }
    if (phase < 0) return refuse(state, -phase);
  }
  set(state, Chunked.Phase, phase);
  if (use == DataUse.Copy) set(state, Chunked.DataLength, <i32> (target - out));
  if (phase == Phase.Done) set(state, Chunked.Done, 1);
  return <i32> (p - at);
}

export function chunkedForward(state: usize, at: usize, end: usize): i32 {
  return follow(state, at, end, DataUse.Pass, 0);
}

export function chunkedStep(state: usize, at: usize, end: usize): i32 {
  return follow(state, at, end, DataUse.Stop, 0);
}

export function chunkedDecode(state: usize, at: usize, end: usize, out: usize): i32 {
  return follow(state, at, end, DataUse.Copy, out);
}
