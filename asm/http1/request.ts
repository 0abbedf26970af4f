/** Request heads: RFC 9112 §3 (request line and target), then fields and framing. Contract: src/wasm/module.ts. */
import { Head, Method, Outcome, TargetForm } from "./layout";
import { Reason } from "./reason";
import { authorityNameLength, authorityPort, parseAuthority } from "./authority";
import { FieldsOf, isStillPartial, lineProblem, parseFields, refuse } from "./fields";
import { requestFraming, startFields } from "./framing";
import { find, isDigit, queryStart, skipTarget, skipText, skipToken } from "./scan";

const CR: u32 = 13;
const LF: u32 = 10;
const CRLF: u32 = 0x0a0d;
const SPACE: u32 = 32;
/** "GET " and "POST" as little-endian numbers. */
const GET_SPACE: u32 = 0x20544547;
const POST: u32 = 0x54534f50;
/** "HTTP/1.0" and "HTTP/1.1" as little-endian numbers. */
const HTTP_10: u64 = 0x302e312f50545448;
const HTTP_11: u64 = 0x312e312f50545448;
/** "HTTP/" with three bytes masked out. */
const HTTP_SLASH: u64 = 0x0000002f50545448;

@inline
function set(record: usize, word: i32, value: i32): void {
  store<i32>(record + (<usize> word << 2), value);
}

/** The `Method` of `length` bytes at `p`. */
export function methodOf(p: usize, length: i32): i32 {
  const word = load<u32>(p);
  if (length == 3) {
    if ((word & 0xffffff) == 0x544547) return Method.Get;
    return (word & 0xffffff) == 0x545550 ? Method.Put : Method.Other;
  }
  if (length == 4) {
    if (word == 0x54534f50) return Method.Post;
    return word == 0x44414548 ? Method.Head : Method.Other;
  }
  const long = load<u64>(p);
  if (length == 5) {
    const five = long & 0xffffffffff;
    if (five == 0x4843544150) return Method.Patch;
    return five == 0x4543415254 ? Method.Trace : Method.Other;
  }
  if (length == 6) return (long & 0xffffffffffff) == 0x4554454c4544 ? Method.Delete : Method.Other;
  if (length == 7) {
    const seven = long & 0xffffffffffffff;
    if (seven == 0x5443454e4e4f43) return Method.Connect;
    return seven == 0x534e4f4954504f ? Method.Options : Method.Other;
  }
  return Method.Other;
}

/** The rest of a line, from `p` on, is not "HTTP/1.x" and CRLF: why? */
function versionProblem(p: usize, end: usize): i32 {
  const lineEnd = skipText(p, end);
  if (lineEnd >= end) return Reason.BadRequestLine;
  const isVersion = (load<u64>(p) & 0xffffffffff) == HTTP_SLASH && lineEnd == p + 8 &&
    isDigit(load<u8>(p + 5)) && load<u8>(p + 6) == 46 && isDigit(load<u8>(p + 7));
  if (isVersion) return Reason.UnsupportedVersion;
  return find(32, p, lineEnd) < lineEnd ? Reason.BadRequestLine : Reason.BadVersion;
}

/** Why a request line is refused whose method ends at `methodEnd`, whose target (if it came to that) at `targetEnd`. */
function requestLineProblem(line: usize, methodEnd: usize, targetEnd: usize, end: usize): i32 {
  if (methodEnd == line || load<u8>(methodEnd) != SPACE) return Reason.BadMethod;
  if (targetEnd == methodEnd + 1) return Reason.BadTarget;
  const c = load<u8>(targetEnd);
  if (c == SPACE) return versionProblem(targetEnd + 1, end);
  return c == CR ? Reason.BadVersion : Reason.BadTarget;
}

/** Splits "path?query" into the record. */
@inline
function setPath(at: usize, record: usize, path: usize, end: usize): void {
  set(record, Head.PathOffset, <i32> (path - at));
  set(record, Head.PathLength, <i32> (end - path));
  set(record, Head.PathOnlyLength, <i32> ((queryStart < end ? queryStart : end) - path));
}

/** Splits a target with an authority, which begins at `authority`. */
function setAuthority(at: usize, record: usize, authority: usize, end: usize): bool {
  if (!parseAuthority(authority, end)) return false;
  set(record, Head.AuthorityOffset, <i32> (authority - at));
  set(record, Head.AuthorityLength, <i32> (end - authority));
  set(record, Head.AuthorityPort, authorityPort);
  set(record, Head.AuthorityNameLength, authorityNameLength);
  return true;
}

/** "http:" and "https:" as little-endian numbers, in lower case. */
const HTTP_COLON: u64 = 0x3a70747468;
const HTTPS_COLON: u64 = 0x3a7370747468;

/** "http" or "https", "://" authority path: @returns a `Reason` */
function parseAbsolute(at: usize, record: usize, target: usize, end: usize): i32 {
  const word = load<u64>(target) | 0x2020202020;
  let p: usize;
  if ((word & 0xffffffffff) == HTTP_COLON) p = target + 4;
  else if (((word | 0x200000000000) & 0xffffffffffff) == HTTPS_COLON) p = target + 5;
  else return Reason.BadTarget;
  if (p + 3 > end || load<u16>(p + 1) != 0x2f2f) return Reason.BadTarget;
  set(record, Head.TargetForm, TargetForm.Absolute);
  set(record, Head.SchemeOffset, <i32> (target - at));
  set(record, Head.SchemeLength, <i32> (p - target));
  const authority = p + 3;
  let path = authority;
  while (path < end) {
    const c = load<u8>(path);
    if (c == 47 || c == 63) break;
    path++;
  }
  if (!setAuthority(at, record, authority, path)) return Reason.BadAuthority;
  setPath(at, record, path, end);
  return 0;
}

/** Every form but origin. @returns a `Reason` */
function parseUnusualTarget(at: usize, record: usize, target: usize, end: usize, method: i32): i32 {
  if (method == Method.Connect) {
    set(record, Head.TargetForm, TargetForm.Authority);
    set(record, Head.PathOffset, <i32> (end - at));
    if (!setAuthority(at, record, target, end)) return Reason.BadTarget;
    return authorityPort > 0 ? 0 : Reason.BadTarget;
  }
  if (end == target + 1 && load<u8>(target) == 42) {
    set(record, Head.TargetForm, TargetForm.Asterisk);
    set(record, Head.PathOffset, <i32> (target - at));
    return method == Method.Options ? 0 : Reason.BadTarget;
  }
  return parseAbsolute(at, record, target, end);
}

/** Parses all from `p`, where the request line begins. `end` already respects the limit of the head. */
function parseFrom(at: usize, p: usize, end: usize, record: usize, maxTarget: i32, maxHeaders: i32): i32 {
  const line = p;
  const word = load<u32>(line);
  const methodEnd = word == GET_SPACE ? line + 3 : word == POST ? skipToken(line + 4, end) : skipToken(line, end);
  if (methodEnd >= end) return Outcome.Partial;
  const target = methodEnd + 1;
  const isMethod = load<u8>(methodEnd) == SPACE && methodEnd > line;
  const targetEnd = isMethod ? skipTarget(target, end) : target;
  const lineEnd = targetEnd + 9;
  const version = load<u64>(targetEnd + 1);
  const isRegular = isMethod && lineEnd + 2 <= end && load<u8>(targetEnd) == SPACE && targetEnd > target &&
    (version == HTTP_11 || version == HTTP_10) && load<u16>(lineEnd) == CRLF;
  if (!isRegular) {
    if (targetEnd >= end) {
      return isMethod ? Outcome.Partial : lineProblem(line, end, record, Reason.BadMethod);
    }
    return lineProblem(line, end, record, requestLineProblem(line, methodEnd, targetEnd, end));
  }
  const methodLength = <i32> (methodEnd - line);
  const method = methodOf(line, methodLength);
  set(record, Head.Method, method);
  set(record, Head.MethodOffset, <i32> (line - at));
  set(record, Head.MethodLength, methodLength);
  set(record, Head.TargetOffset, <i32> (target - at));
  set(record, Head.TargetLength, <i32> (targetEnd - target));
  set(record, Head.Version, version == HTTP_11 ? 11 : 10);
  if (<i32> (targetEnd - target) > maxTarget) return refuse(record, Reason.TargetTooLong);
  if (load<u8>(target) == 47 && method != Method.Connect) {
    set(record, Head.TargetForm, TargetForm.Origin);
    setPath(at, record, target, targetEnd);
  } else {
    if (method == Method.Connect && version != HTTP_11) return refuse(record, Reason.ConnectInHttp10);
    const reason = parseUnusualTarget(at, record, target, targetEnd, method);
    if (reason) return refuse(record, reason);
  }
  set(record, Head.FirstHeaderOffset, <i32> (lineEnd + 2 - at));
  const length = parseFields(at, lineEnd + 2, end, record, maxHeaders, FieldsOf.Request);
  if (length < 0) return length;
  set(record, Head.Length, length);
  const reason = requestFraming(at, record);
  return reason ? refuse(record, reason) : length;
}

/** Where the request line begins after at most one empty line; `Bad` or `Partial` as a small number otherwise. */
function skipEmptyLine(at: usize, end: usize, record: usize): i32 {
  if (at + 2 > end) return Outcome.Partial;
  if (load<u8>(at + 1) != LF) return refuse(record, Reason.BareCarriageReturn);
  if (at + 2 < end && load<u8>(at + 2) == CR) {
    if (at + 3 >= end) return Outcome.Partial;
    return refuse(record, load<u8>(at + 3) == LF ? Reason.TwoEmptyLines : Reason.BareCarriageReturn);
  }
  return 2;
}

/** What a head that fills its limit without ending is refused for. */
function tooLong(at: usize, end: usize, record: usize): i32 {
  const line = load<u8>(at) == CR ? at + 2 : at;
  const methodEnd = skipToken(line, end);
  const isInTarget = methodEnd < end && skipText(line, end) >= end;
  return refuse(record, isInTarget ? Reason.TargetTooLong : Reason.HeadTooLong);
}

/** Clears what not every head sets. */
export function clearRecord(record: usize): void {
  const zero = i64x2.splat(0);
  v128.store(record, zero);
  v128.store(record, zero, 16);
  v128.store(record, zero, 32);
  v128.store(record, zero, 48);
  v128.store(record, zero, 64);
  v128.store(record, zero, 80);
  v128.store(record, zero, 96);
  v128.store(record, zero, 112);
  store<u64>(record, 0, 128);
  set(record, Head.AuthorityPort, -1);
  set(record, Head.HostLength, -1);
  set(record, Head.UpgradeIndex, -1);
}

export function parseRequestHead(
  at: usize,
  end: usize,
  record: usize,
  scanned: i32,
  maxBytes: i32,
  maxTarget: i32,
  maxHeaders: i32,
): i32 {
  const limit = end - at > <usize> maxBytes ? at + maxBytes : end;
  let result: i32 = Outcome.Partial;
  if (at < limit && !(scanned > 0 && isStillPartial(at + scanned - 1, limit))) {
    clearRecord(record);
    startFields();
    const skip = load<u8>(at) == CR ? skipEmptyLine(at, limit, record) : 0;
    result = skip < 0 ? skip : parseFrom(at, at + skip, limit, record, maxTarget, maxHeaders);
  }
  if (result == Outcome.Partial && limit - at >= <usize> maxBytes) return tooLong(at, limit, record);
  return result;
}
