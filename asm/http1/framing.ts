/**
 * What the header fields say about where the message ends (RFC 9112 §6) and how the connection goes on (§9).
 *
 * `startFields` begins a head, `seeField` is told of every field whose name the parser acts on, then `requestFraming` or
 * `responseFraming` decides. What is kept in between lives for one head only.
 */
import { Body, Head, HeaderEntry, HeaderFlag, HeadFlag, Method, TargetForm } from "./layout";
import { HeaderName } from "./names";
import { Reason } from "./reason";
import { authorityNameLength, authorityPort, parseAuthority } from "./authority";
import { equalsIgnoringCase, find, isBlank, isDigit, outsideToken } from "./scan";

const MAXIMUM_OPTIONS: i32 = 64;
const LARGEST_LENGTH: u64 = 9007199254740991;

/** Content-Length, -1 while none was seen. */
let contentLength: i64 = -1;
/** Number of connection options seen. */
let options: i32 = 0;
/** What was said so far: the bits below. */
let seen: i32 = 0;
const CHUNKED_CODING: i32 = 1;
const CLOSE_OPTION: i32 = 2;
const KEEP_ALIVE_OPTION: i32 = 4;
const UPGRADE_OPTION: i32 = 8;
/** An option that is not one of the three. */
const OTHER_OPTION: i32 = 16;
const CONTINUE_EXPECTED: i32 = 32;
/** Upgrade asks for HTTP/2 (h2c). */
const HTTP2_UPGRADE: i32 = 64;

@inline
function get(record: usize, word: i32): i32 {
  return load<i32>(record + (<usize> word << 2));
}

@inline
function set(record: usize, word: i32, value: i32): void {
  store<i32>(record + (<usize> word << 2), value);
}

export function startFields(): void {
  contentLength = -1;
  options = 0;
  seen = 0;
}

function seeHost(at: usize, record: usize, value: usize, length: i32): i32 {
  if (get(record, Head.HostLength) >= 0) return Reason.MultipleHosts;
  set(record, Head.HostOffset, <i32> (value - at));
  set(record, Head.HostLength, length);
  if (length == 0) return 0;
  if (!parseAuthority(value, value + length)) return Reason.BadHost;
  if (get(record, Head.AuthorityLength) == 0) {
    set(record, Head.AuthorityOffset, <i32> (value - at));
    set(record, Head.AuthorityLength, length);
    set(record, Head.AuthorityPort, authorityPort);
    set(record, Head.AuthorityNameLength, authorityNameLength);
  }
  return 0;
}

function seeContentLength(value: usize, length: i32): i32 {
  if (contentLength >= 0) return Reason.RepeatedContentLength;
  if (length == 0) return Reason.BadContentLength;
  let number: u64 = 0;
  for (let p = value, end = value + length; p < end; p++) {
    const c = load<u8>(p);
    if (!isDigit(c)) return c == 44 ? Reason.RepeatedContentLength : Reason.BadContentLength;
    number = number * 10 + (c - 48);
    if (number > LARGEST_LENGTH) return Reason.ContentLengthTooLarge;
  }
  contentLength = number;
  return 0;
}

/** The element that `nextElement` found, without the white space around it. */
let first: usize = 0;
let last: usize = 0;

/** Takes the element of a comma-separated list that begins at `p`. @returns its comma, or `end` */
function nextElement(p: usize, end: usize): usize {
  let comma = find(44, p, end);
  if (comma > end) comma = end;
  first = p;
  last = comma;
  while (first < last && isBlank(load<u8>(first))) first++;
  while (last > first && isBlank(load<u8>(last - 1))) last--;
  return comma;
}

function isToken(at: usize, end: usize): bool {
  for (let p = at; p < end; p += 16) {
    const mask = outsideToken(v128.load(p));
    if (mask && p + ctz(mask) < end) return false;
  }
  return at < end;
}

/** Whether the element is the word at `text`, ASCII in any case. */
@inline
function isWord(text: usize, length: i32): bool {
  return <i32> (last - first) == length && equalsIgnoringCase(first, text, length);
}

const CHUNKED: usize = memory.data<u8>([99, 104, 117, 110, 107, 101, 100]);
const CLOSE: usize = memory.data<u8>([99, 108, 111, 115, 101]);
const KEEP_ALIVE: usize = memory.data<u8>([107, 101, 101, 112, 45, 97, 108, 105, 118, 101]);
const UPGRADE: usize = memory.data<u8>([117, 112, 103, 114, 97, 100, 101]);
const TRAILERS: usize = memory.data<u8>([116, 114, 97, 105, 108, 101, 114, 115]);
const H2C: usize = memory.data<u8>([104, 50, 99]);
const CONTINUE: usize = memory.data<u8>([49, 48, 48, 45, 99, 111, 110, 116, 105, 110, 117, 101]);

function seeTransferEncoding(value: usize, length: i32): i32 {
  const end = value + length;
  for (let comma = value - 1; comma < end;) {
    comma = nextElement(comma + 1, end);
    if (isWord(CHUNKED, 7)) {
      if (seen & CHUNKED_CODING) return Reason.ChunkedNotLast;
      seen |= CHUNKED_CODING;
    } else {
      if (!isToken(first, last)) return Reason.BadTransferEncoding;
      return seen & CHUNKED_CODING ? Reason.ChunkedNotLast : Reason.UnsupportedTransferCoding;
    }
  }
  return 0;
}

/** The usual value, quickly: "keep-alive" in any case. */
@inline
function isKeepAlive(value: usize): bool {
  return (load<u64>(value) | 0x2020202020202020) == 0x696c612d7065656b && (load<u16>(value + 8) | 0x2020) == 0x6576;
}

function seeConnection(value: usize, length: i32): i32 {
  if (length == 10 && isKeepAlive(value)) {
    options++;
    seen |= KEEP_ALIVE_OPTION;
    return 0;
  }
  const end = value + length;
  for (let comma = value - 1; comma < end;) {
    comma = nextElement(comma + 1, end);
    if (++options > MAXIMUM_OPTIONS) return Reason.TooManyConnectionOptions;
    if (isWord(KEEP_ALIVE, 10)) seen |= KEEP_ALIVE_OPTION;
    else if (isWord(CLOSE, 5)) seen |= CLOSE_OPTION;
    else if (isWord(UPGRADE, 7)) seen |= UPGRADE_OPTION;
    else if (first < last) seen |= OTHER_OPTION;
  }
  return 0;
}

/** HTTP/2 inside a tunnel would be judged by nobody, and RFC 9113 has no such upgrade any more: not taken up. */
function seeUpgrade(value: usize, length: i32): void {
  const end = value + length;
  for (let comma = value - 1; comma < end;) {
    comma = nextElement(comma + 1, end);
    if (isWord(H2C, 3)) seen |= HTTP2_UPGRADE;
  }
}

/** Sets flags for the words of TE and Expect that matter. */
function seeTe(record: usize, value: usize, length: i32): void {
  const end = value + length;
  for (let comma = value - 1; comma < end;) {
    comma = nextElement(comma + 1, end);
    if (isWord(TRAILERS, 8)) {
      set(record, Head.Flags, get(record, Head.Flags) | HeadFlag.AcceptsTrailers);
    }
  }
}

/**
 * A tab after a value that frames is no part of it (RFC 9112 section 5), but not every reader knows: llhttp takes
 * "chunked" with one for another coding. What goes on has spaces.
 */
@inline
function clearTabs(from: usize): void {
  for (let p = from; isBlank(load<u8>(p)); p++) store<u8>(p, 32);
}

/**
 * Takes note of a field the parser acts on.
 * @param entry its header entry, whose flags may be set
 * @param isRequest Host and Expect mean something in requests only
 * @returns a `Reason`, 0 when all is well
 */
export function seeField(
  at: usize,
  record: usize,
  entry: usize,
  id: i32,
  value: usize,
  length: i32,
  isRequest: bool,
): i32 {
  if (id == HeaderName.Host) return isRequest ? seeHost(at, record, value, length) : 0;
  if (id == HeaderName.ContentLength || id == HeaderName.TransferEncoding) {
    clearTabs(value + length);
    return id == HeaderName.ContentLength ? seeContentLength(value, length) : seeTransferEncoding(value, length);
  }
  if (id == HeaderName.Te) {
    seeTe(record, value, length);
    return 0;
  }
  if (id == HeaderName.Expect) {
    if (length == 12 && equalsIgnoringCase(value, CONTINUE, 12)) seen |= CONTINUE_EXPECTED;
    return 0;
  }
  // Connection, Keep-Alive, Proxy-Connection, Upgrade: all are for this connection only.
  store<i32>(entry + (HeaderEntry.Flags << 2), HeaderFlag.HopByHop);
  set(record, Head.Flags, get(record, Head.Flags) | HeadFlag.HasHopByHop);
  if (id == HeaderName.Connection) return seeConnection(value, length);
  if (id == HeaderName.Upgrade && length > 0) {
    seeUpgrade(value, length);
    set(record, Head.UpgradeIndex, <i32> (entry - record - (Head.Headers << 2)) / (HeaderEntry.Words << 2));
  }
  return 0;
}

/** Flags every entry that `option` names. */
function markNamed(at: usize, record: usize, option: usize, length: i32): void {
  const count = get(record, Head.HeaderCount);
  let entry = record + (Head.Headers << 2);
  for (let index = 0; index < count; index++, entry += HeaderEntry.Words << 2) {
    if (load<i32>(entry + (HeaderEntry.NameLength << 2)) != length) continue;
    const name = at + load<i32>(entry);
    if (!equalsIgnoringCase(name, option, length)) continue;
    const id = load<i32>(entry + (HeaderEntry.Id << 2));
    if (id == HeaderName.Host || id == HeaderName.ContentLength || id == HeaderName.TransferEncoding) {
      continue;
    }
    const flags = entry + (HeaderEntry.Flags << 2);
    store<i32>(flags, load<i32>(flags) | HeaderFlag.NamedByConnection | HeaderFlag.HopByHop);
    set(record, Head.Flags, get(record, Head.Flags) | HeadFlag.HasHopByHop);
  }
}

/** Second look at the Connection fields, only when one has an option that is not close, keep-alive or upgrade. */
function markOptions(at: usize, record: usize): void {
  const count = get(record, Head.HeaderCount);
  let entry = record + (Head.Headers << 2);
  for (let index = 0; index < count; index++, entry += HeaderEntry.Words << 2) {
    if (load<i32>(entry + (HeaderEntry.Id << 2)) != HeaderName.Connection) continue;
    const value = at + load<i32>(entry + (HeaderEntry.ValueOffset << 2));
    const end = value + load<i32>(entry + (HeaderEntry.ValueLength << 2));
    for (let comma = value - 1; comma < end;) {
      comma = nextElement(comma + 1, end);
      if (first < last) markNamed(at, record, first, <i32> (last - first));
    }
  }
}

/** Flags both framing fields as not to be forwarded: a response that has no content by its status has no use for them. */
function markFraming(record: usize): void {
  const count = get(record, Head.HeaderCount);
  let entry = record + (Head.Headers << 2);
  for (let index = 0; index < count; index++, entry += HeaderEntry.Words << 2) {
    const id = load<i32>(entry + (HeaderEntry.Id << 2));
    if (id != HeaderName.ContentLength && id != HeaderName.TransferEncoding) continue;
    const flags = entry + (HeaderEntry.Flags << 2);
    store<i32>(flags, load<i32>(flags) | HeaderFlag.HopByHop);
    set(record, Head.Flags, get(record, Head.Flags) | HeadFlag.HasHopByHop);
  }
}

/** What requests and responses share: persistence, upgrade, and the ambiguities that are refused. */
function commonFraming(at: usize, record: usize, version: i32): i32 {
  if (seen & OTHER_OPTION) markOptions(at, record);
  let flags = get(record, Head.Flags);
  if (seen & CLOSE_OPTION) flags |= HeadFlag.Close;
  else if (version == 11 || (seen & KEEP_ALIVE_OPTION)) flags |= HeadFlag.KeepAlive;
  const isUpgrade = (seen & (UPGRADE_OPTION | HTTP2_UPGRADE)) == UPGRADE_OPTION;
  if (isUpgrade && version == 11 && get(record, Head.UpgradeIndex) >= 0) flags |= HeadFlag.Upgrade;
  set(record, Head.Flags, flags);
  if (seen & CHUNKED_CODING) {
    if (version != 11) return Reason.TransferEncodingInHttp10;
    if (contentLength >= 0) return Reason.TransferEncodingAndContentLength;
  }
  store<f64>(record + (Head.ContentLength << 2), contentLength > 0 ? <f64> contentLength : 0);
  return 0;
}

@inline
function bodyByFields(): i32 {
  return seen & CHUNKED_CODING ? Body.Chunked : contentLength > 0 ? Body.Length : Body.None;
}

function checkAuthority(at: usize, record: usize): void {
  const length = get(record, Head.HostLength);
  const isSame = length == get(record, Head.AuthorityLength) &&
    equalsIgnoringCase(at + get(record, Head.HostOffset), at + get(record, Head.AuthorityOffset), length);
  if (!isSame) set(record, Head.Flags, get(record, Head.Flags) | HeadFlag.HostDiffers);
}

/** Decides how a request goes on. @returns a `Reason`, 0 when all is well */
export function requestFraming(at: usize, record: usize): i32 {
  const version = get(record, Head.Version);
  if (version == 11 && get(record, Head.HostLength) < 0) return Reason.MissingHost;
  const reason = commonFraming(at, record, version);
  if (reason) return reason;
  const form = get(record, Head.TargetForm);
  if (form == TargetForm.Absolute || form == TargetForm.Authority) checkAuthority(at, record);
  if ((seen & CONTINUE_EXPECTED) && version == 11) {
    set(record, Head.Flags, get(record, Head.Flags) | HeadFlag.ExpectContinue);
  }
  const body = bodyByFields();
  if (get(record, Head.Method) == Method.Connect) {
    if (body != Body.None) return Reason.BodyForbidden;
    set(record, Head.Body, Body.Tunnel);
  } else set(record, Head.Body, body);
  return 0;
}

/** Decides how a response to `method` goes on. @returns a `Reason`, 0 when all is well */
export function responseFraming(at: usize, record: usize, method: i32): i32 {
  const status = get(record, Head.Status);
  const version = get(record, Head.Version);
  const isSuccess = status >= 200 && status < 300;
  if (method == Method.Connect && isSuccess) {
    // RFC 9110 §9.3.6: both framing fields are ignored here.
    markFraming(record);
    seen &= ~CHUNKED_CODING;
    contentLength = -1;
  }
  const reason = commonFraming(at, record, version);
  if (reason) return reason;
  const hasNoBody = status < 200 || status == 204;
  if (hasNoBody && (seen & CHUNKED_CODING)) return Reason.TransferEncodingForbidden;
  // RFC 9110 §8.6: none may be there, and a reader might wait for what it says.
  if (hasNoBody && contentLength >= 0) {
    markFraming(record);
    store<f64>(record + (Head.ContentLength << 2), 0);
  }
  let body: i32;
  if (status == 101 || (method == Method.Connect && isSuccess)) body = Body.Tunnel;
  else if (hasNoBody || status == 304 || method == Method.Head) body = Body.None;
  else if ((seen & CHUNKED_CODING) || contentLength >= 0) body = bodyByFields();
  else body = Body.UntilClose;
  let flags = get(record, Head.Flags);
  if (status < 200 && status != 101) flags |= HeadFlag.Interim;
  if (body == Body.UntilClose) flags &= ~HeadFlag.KeepAlive;
  set(record, Head.Flags, flags);
  set(record, Head.Body, body);
  return 0;
}
