/**
 * What a field block must be to be a message (RFC 9113 section 8.2 and 8.3): judged field by field as they are decoded, and
 * written into a head record like HTTP/1's. What is kept between calls lives for one block only.
 */
import { BlockKind, BlockReason, TableEntry, TableMark } from "./layout";
import { Body, Head, HeaderEntry, HeadFlag, Method, TargetForm } from "../http1/layout";
import { HeaderName } from "../http1/names";
import { authorityNameLength, authorityPort, parseAuthority } from "../http1/authority";
import { clearRecord, methodOf } from "../http1/request";
import {
  equalsIgnoringCase,
  isDigit,
  outsideToken,
  queryStart,
  skipTarget,
  skipText,
} from "../http1/scan";
import { wellKnownLower } from "../http1/well_known";
import { equalBytes } from "./bytes";

const LARGEST_LENGTH: u64 = 9007199254740991;
const TRAILERS: usize = memory.data<u8>([116, 114, 97, 105, 108, 101, 114, 115]);
/** :authority, :method, :path, :scheme, :status, :protocol without colon, 16 bytes each, by id. */
const PSEUDO: usize = memory.data<u8>([
  97, 117, 116, 104, 111, 114, 105, 116, 121, 0, 0, 0, 0, 0, 0, 0,
  109, 101, 116, 104, 111, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  112, 97, 116, 104, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  115, 99, 104, 101, 109, 101, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  115, 116, 97, 116, 117, 115, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  112, 114, 111, 116, 111, 99, 111, 108, 0, 0, 0, 0, 0, 0, 0, 0,
]);

let record: usize = 0;
let base: usize = 0;
let kind: i32 = 0;
/** The first thing that was wrong. */
let problem: i32 = 0;
let pseudoSeen: i32 = 0;
let contentLength: i64 = -1;

@inline
function set(word: i32, value: i32): void {
  store<i32>(record + (<usize> word << 2), value);
}

@inline
function get(word: i32): i32 {
  return load<i32>(record + (<usize> word << 2));
}

export function fault(reason: i32): void {
  if (problem == 0) problem = reason;
}

export function startBlock(to: usize, from: usize, blockKind: i32): void {
  record = to;
  base = from;
  kind = blockKind;
  clearRecord(record);
  set(Head.Version, 20);
  problem = 0;
  pseudoSeen = 0;
  contentLength = -1;
}

function pseudoId(name: usize, length: i32): i32 {
  if (length < 5 || length > 10) return 0;
  for (let index: i32 = 0; index < 6; index++) {
    const text = PSEUDO + (<usize> index << 4);
    if (equalBytes(name + 1, text, length - 1) && load<u8>(text + length - 1) == 0) {
      return HeaderName.PseudoAuthority + index;
    }
  }
  return 0;
}

/** "l5d-" as a little-endian number. */
const MESH_PREFIX: u32 = 0x2d64356c;

/** The mark of a name that is good: of its id, 0 when it has none. */
@inline
export function markOfId(id: i32): i32 {
  return id | id << 8 | (id > 0 && id < 16 ? <i32> TableMark.Special : 0);
}

/** The mark of a name: see `TableEntry.Mark`. */
export function judgeName(name: usize, length: i32): i32 {
  if (length == 0) return TableMark.BadName | TableMark.Special;
  const known = wellKnownLower(name, length);
  if (known) return markOfId(known);
  if (load<u8>(name) == 58) return pseudoId(name, length) | TableMark.Special;
  for (let i: i32 = 0; i < length; i += 16) {
    const block = v128.load(name + i);
    const upper = i8x16.bitmask(i8x16.lt_u(i8x16.sub(block, i8x16.splat(65)), i8x16.splat(26)));
    let bad = outsideToken(block) | upper;
    if (length - i < 16) bad &= (1 << (length - i)) - 1;
    if (bad) return TableMark.BadName | TableMark.Special;
  }
  return length > 4 && load<u32>(name) == MESH_PREFIX ? HeaderName.UnknownMesh << 8 : 0;
}

function judgeUnusual(value: usize, length: i32): i32 {
  const end = value + length;
  return skipText(value, end) < end ? TableMark.BadValue : judgeEdges(value, length);
}

/** The mark of a value that is text: `TableMark.BadValue` for white space around it, else 0. */
@inline
export function judgeEdges(value: usize, length: i32): i32 {
  // Text has no byte below a space but HTAB.
  const isBad = length != 0 && (load<u8>(value) <= 32 || load<u8>(value + <usize> length - 1) <= 32);
  return isBad ? TableMark.BadValue : 0;
}

/** One bit per byte of the 16 at `p` that is a control character or not ASCII. */
@inline
function unusualIn(p: usize): v128 {
  // One more, as signed: controls become 1 to 32, DEL and all beyond negative or 0, plain text 33 to 127.
  return i8x16.lt_s(i8x16.add(v128.load(p), i8x16.splat(1)), i8x16.splat(33));
}

/** The mark of a value: `TableMark.BadValue` for control characters or white space around it, else 0. */
export function judgeValue(value: usize, length: i32): i32 {
  let unusual: bool;
  if (length < 16) unusual = (i8x16.bitmask(unusualIn(value)) & ((1 << length) - 1)) != 0;
  else {
    const last = <usize> length - 16;
    let blocks = unusualIn(value + last);
    for (let i: usize = 0; i < last; i += 16) blocks = v128.or(blocks, unusualIn(value + i));
    unusual = v128.any_true(blocks);
  }
  return unusual ? judgeUnusual(value, length) : judgeEdges(value, length);
}

@inline
function bitOf(id: i32): i32 {
  return 1 << (id - HeaderName.PseudoAuthority);
}

/** Remembers in the entry of a table, if any, that its value is good, and what it means. */
@inline
function remember(entry: usize, meaning: i32, second: i32): void {
  if (entry == 0) return;
  store<i32>(entry, meaning, TableEntry.Meaning << 2);
  store<i32>(entry, second, TableEntry.SecondMeaning << 2);
  store<i32>(entry, load<i32>(entry, TableEntry.Mark << 2) | TableMark.Judged, TableEntry.Mark << 2);
}

/** Whether the entry's value was found good before. */
@inline
function isJudged(entry: usize): bool {
  return entry != 0 && (load<i32>(entry, TableEntry.Mark << 2) & TableMark.Judged) != 0;
}

@inline
function meaningOf(entry: usize): i32 {
  return load<i32>(entry, TableEntry.Meaning << 2);
}

@inline
function secondMeaningOf(entry: usize): i32 {
  return load<i32>(entry, TableEntry.SecondMeaning << 2);
}

/** Meaning of a path: its length without query, -1 for an asterisk. */
function seePath(value: usize, length: i32, entry: usize): void {
  let pathOnly: i32;
  if (isJudged(entry)) pathOnly = meaningOf(entry);
  else {
    const end = value + length;
    const isAsterisk = length == 1 && load<u8>(value) == 42;
    if (length == 0 || (load<u8>(value) != 47 && !isAsterisk) || skipTarget(value, end) < end) {
      return fault(BlockReason.BadPath);
    }
    pathOnly = isAsterisk ? -1 : queryStart < end ? <i32> (queryStart - value) : length;
    remember(entry, pathOnly, 0);
  }
  const isOrigin = pathOnly >= 0;
  set(Head.TargetForm, isOrigin ? TargetForm.Origin : TargetForm.Asterisk);
  set(Head.TargetOffset, <i32> (value - base));
  set(Head.TargetLength, length);
  set(Head.PathOffset, <i32> (value - base));
  set(Head.PathLength, isOrigin ? length : 0);
  set(Head.PathOnlyLength, isOrigin ? pathOnly : 0);
}

/** Meanings of an authority: the length of its name, and its port. */
function seeAuthority(value: usize, length: i32, entry: usize): void {
  if (length == 0) return;
  set(Head.AuthorityOffset, <i32> (value - base));
  set(Head.AuthorityLength, length);
  if (isJudged(entry)) {
    set(Head.AuthorityNameLength, meaningOf(entry));
    set(Head.AuthorityPort, secondMeaningOf(entry));
    return;
  }
  if (!parseAuthority(value, value + length)) return fault(BlockReason.BadAuthority);
  set(Head.AuthorityPort, authorityPort);
  set(Head.AuthorityNameLength, authorityNameLength);
  remember(entry, authorityNameLength, authorityPort);
}

function seeStatus(value: usize, length: i32, entry: usize): void {
  if (isJudged(entry)) return set(Head.Status, meaningOf(entry));
  const a = <u32> load<u8>(value) - 48;
  const b = <u32> load<u8>(value + 1) - 48;
  const c = <u32> load<u8>(value + 2) - 48;
  const status = a * 100 + b * 10 + c;
  // Section 8.6: HTTP/2 has no 101; passed on to HTTP/1 it would end the message and begin a tunnel.
  if (length != 3 || a - 1 >= 9 || b >= 10 || c >= 10 || status == 101) return fault(BlockReason.BadStatus);
  set(Head.Status, status);
  remember(entry, status, 0);
}

/** Whether it is a token, of any case. */
function isToken(at: usize, length: i32): bool {
  const end = at + length;
  for (let p = at; p < end; p += 16) {
    const mask = outsideToken(v128.load(p));
    if (mask && p + ctz(mask) < end) return false;
  }
  return length > 0;
}

/** Whether it is a token without capital letters. */
function isLowerToken(at: usize, length: i32): bool {
  return length > 0 && load<u8>(at) != 58 && (judgeName(at, length) & TableMark.BadName) == 0;
}

function seeMethod(value: usize, length: i32, entry: usize): void {
  let method: i32;
  if (isJudged(entry)) method = meaningOf(entry);
  else {
    if (!isToken(value, length)) return fault(BlockReason.BadMethod);
    method = methodOf(value, length);
    remember(entry, method, 0);
  }
  set(Head.Method, method);
  set(Head.MethodOffset, <i32> (value - base));
  set(Head.MethodLength, length);
}

function seeScheme(value: usize, length: i32, entry: usize): void {
  if (!isJudged(entry)) {
    if (!isLowerToken(value, length)) return fault(BlockReason.BadScheme);
    remember(entry, 0, 0);
  }
  set(Head.SchemeOffset, <i32> (value - base));
  set(Head.SchemeLength, length);
}

function seeProtocol(value: usize, length: i32): void {
  if (!isToken(value, length)) return fault(BlockReason.BadProtocol);
  set(Head.ProtocolOffset, <i32> (value - base));
  set(Head.ProtocolLength, length);
}

@inline
function seePseudo(id: i32, value: usize, length: i32, entry: usize): void {
  const isStatus = id == HeaderName.PseudoStatus;
  if (id == 0 || kind == BlockKind.Trailers || isStatus != (kind == BlockKind.Response)) {
    return fault(BlockReason.UnknownPseudo);
  }
  const bit = bitOf(id);
  if (pseudoSeen & bit) return fault(BlockReason.RepeatedPseudo);
  pseudoSeen |= bit;
  if (id == HeaderName.PseudoMethod) seeMethod(value, length, entry);
  else if (id == HeaderName.PseudoPath) seePath(value, length, entry);
  else if (id == HeaderName.PseudoScheme) seeScheme(value, length, entry);
  else if (id == HeaderName.PseudoAuthority) seeAuthority(value, length, entry);
  else if (isStatus) seeStatus(value, length, entry);
  else seeProtocol(value, length);
}

function seeContentLength(value: usize, length: i32): void {
  if (contentLength >= 0 || length == 0) return fault(BlockReason.BadContentLength);
  let number: u64 = 0;
  for (let i: i32 = 0; i < length; i++) {
    const c = load<u8>(value + i);
    if (!isDigit(c)) return fault(BlockReason.BadContentLength);
    number = number * 10 + (c - 48);
    if (number > LARGEST_LENGTH) return fault(BlockReason.BadContentLength);
  }
  contentLength = number;
}

/** Fields that HTTP/2 has rules for, pseudo-header fields apart. */
function seeField(id: i32, value: usize, length: i32): void {
  if (id == HeaderName.ContentLength) {
    if (kind == BlockKind.Trailers) return fault(BlockReason.BadContentLength);
    return seeContentLength(value, length);
  }
  if (id == HeaderName.Host) {
    if (kind != BlockKind.Request) return;
    if (get(Head.HostLength) >= 0) return fault(BlockReason.HostDiffers);
    set(Head.HostOffset, <i32> (value - base));
    set(Head.HostLength, length);
    return;
  }
  if (id == HeaderName.Te) {
    if (length != 8 || !equalsIgnoringCase(value, TRAILERS, 8)) return fault(BlockReason.BadTe);
    return set(Head.Flags, get(Head.Flags) | HeadFlag.AcceptsTrailers);
  }
  if (id != HeaderName.Expect) fault(BlockReason.ConnectionField);
}

/**
 * Takes one decoded field whose mark says that there is more to it than its text. Part of the decoder's loop: as a
 * call, with all that it is told, it costs literals a twentieth.
 * @param mark what `judgeName` and `judgeValue` said
 * @param entry the table's entry that it came from or went to; 0 when there is none
 * @param hasField whether a field other than a pseudo-header field came before
 * @returns whether it is a pseudo-header field, which has no entry in the record
 */
@inline
export function takeSpecial(
  name: usize,
  nameLength: i32,
  value: usize,
  valueLength: i32,
  mark: i32,
  entry: usize,
  hasField: bool,
): bool {
  if (mark & TableMark.BadName) fault(BlockReason.BadName);
  if (mark & TableMark.BadValue) fault(BlockReason.BadValue);
  const id = mark & 255;
  if (nameLength > 0 && load<u8>(name) == 58) {
    if (hasField) fault(BlockReason.PseudoAfterField);
    else seePseudo(id, value, valueLength, entry);
    return true;
  }
  if (id > 0 && id < 16) seeField(id, value, valueLength);
  return false;
}

function finishRequest(): void {
  const isExtended = (pseudoSeen & bitOf(HeaderName.PseudoProtocol)) != 0;
  const isConnect = get(Head.Method) == Method.Connect && !isExtended;
  if (isExtended && get(Head.Method) != Method.Connect) return fault(BlockReason.UnknownPseudo);
  if (!(pseudoSeen & bitOf(HeaderName.PseudoMethod))) return fault(BlockReason.MissingPseudo);
  const target = bitOf(HeaderName.PseudoPath) | bitOf(HeaderName.PseudoScheme);
  if (isConnect) {
    if (pseudoSeen & target) return fault(BlockReason.UnknownPseudo);
    if (get(Head.AuthorityLength) == 0 || get(Head.AuthorityPort) <= 0) return fault(BlockReason.BadAuthority);
    set(Head.TargetForm, TargetForm.Authority);
  } else if ((pseudoSeen & target) != target) return fault(BlockReason.MissingPseudo);
  else if (get(Head.TargetForm) == TargetForm.Asterisk && get(Head.Method) != Method.Options) {
    return fault(BlockReason.BadPath);
  }
  const hostLength = get(Head.HostLength);
  if (hostLength < 0) return;
  const host = base + get(Head.HostOffset);
  if (get(Head.AuthorityLength) == 0) return seeAuthority(host, hostLength, 0);
  const authority = base + get(Head.AuthorityOffset);
  if (hostLength != get(Head.AuthorityLength) || !equalsIgnoringCase(host, authority, hostLength)) {
    fault(BlockReason.HostDiffers);
  }
}

/** All fields were taken: their entries end at `entryEnd`. Leaves the verdict in `Head.Reason`. */
export function finishBlock(entryEnd: usize, listSize: i32): void {
  if (kind == BlockKind.Request) finishRequest();
  else if (kind == BlockKind.Response) {
    const status = get(Head.Status);
    if (!(pseudoSeen & bitOf(HeaderName.PseudoStatus))) fault(BlockReason.MissingPseudo);
    if (status >= 100 && status < 200) set(Head.Flags, get(Head.Flags) | HeadFlag.Interim);
  }
  set(Head.HeaderCount, <i32> (entryEnd - record - (Head.Headers << 2)) / (HeaderEntry.Words << 2));
  set(Head.Length, listSize);
  if (get(Head.Method) == Method.Connect) set(Head.Body, Body.Tunnel);
  else set(Head.Body, contentLength < 0 ? Body.UntilClose : contentLength > 0 ? Body.Length : Body.None);
  store<f64>(record + (Head.ContentLength << 2), contentLength > 0 ? <f64> contentLength : 0);
  set(Head.Reason, problem);
}
