/**
 * Writes an HTTP/1.1 head from a head record, whichever version it came in. Contract: src/wasm/module.ts.
 *
 * Whatever a peer can put into HTTP/2 must come out as one head that our own strict parser reads as the same message:
 * the decoder refuses what could end a line or a target early, this refuses to write what would frame or route anew.
 * Sources: RFC 9112 sections 3 to 6, RFC 9113 sections 8.2.3 and 8.3, RFC 8441.
 */
import { BlockKind } from "../http2/layout";
import { Head, HeaderEntry, HeadFlag, Method, TargetForm } from "../http1/layout";
import { HeaderName } from "../http1/names";
import { phraseOf } from "../http1/phrases";
import { copyLoosely } from "../http2/bytes";
import { alsoDrop, dropHigh, dropLow, isDropped, startPolicy } from "./field_policy";

const CRLF: u16 = 0x0a0d;
const COLON_SPACE: u16 = 0x203a;
/** "; " */
const CRUMB_END: u16 = 0x203b;
const SPACE: u8 = 32;
/** "HTTP/1.1" as a little-endian number. */
const HTTP_11: u64 = 0x312e312f50545448;

/** Everything written that is in no span of the record: both start lines, and each line written of our own. */
const HEAD_OVERHEAD: i32 = 192;
/** ": " and CRLF, or "; ". */
const LINE_OVERHEAD: i32 = 4;

/** Of the head that is written; for one call only. */
let record: usize = 0;
let base: usize = 0;
let p: usize = 0;

@inline
function word(index: i32): i32 {
  return load<i32>(record + (<usize> index << 2));
}

/** Copies and writes up to 15 bytes beyond, for which there is room. */
@inline
function put(at: usize, length: i32): void {
  copyLoosely(p, at, length);
  p += <usize> length;
}

@inline
function put16(value: u16): void {
  store<u16>(p, value);
  p += 2;
}

@inline
function putByte(value: u8): void {
  store<u8>(p++, value);
}

/** ASCII text of our own. */
function putText(text: string): void {
  const length = text.length;
  const from = changetype<usize>(text);
  for (let i: i32 = 0; i < length; i++) store<u8>(p + i, <u8> load<u16>(from + (<usize> i << 1)));
  p += <usize> length;
}

/** An upper bound of the head. */
function worstCase(extraLength: i32): i32 {
  const count = word(Head.HeaderCount);
  let total = HEAD_OVERHEAD + count * LINE_OVERHEAD + extraLength;
  let entry = record + (Head.Headers << 2);
  for (let i = 0; i < count; i++, entry += HeaderEntry.Words << 2) {
    total += load<i32>(entry, HeaderEntry.NameLength << 2) + load<i32>(entry, HeaderEntry.ValueLength << 2);
  }
  if (word(Head.Flags) & HeadFlag.AbsoluteForm) total += word(Head.SchemeLength);
  return total + word(Head.MethodLength) + (word(Head.AuthorityLength) << 1) + word(Head.PathLength) +
    word(Head.ProtocolLength);
}

/** The target: origin form, or the two that CONNECT and OPTIONS have. */
function putTarget(method: i32, isTunnel: bool): void {
  const length = word(Head.PathLength);
  const form = word(Head.TargetForm);
  if (isTunnel) return put(base + word(Head.AuthorityOffset), word(Head.AuthorityLength));
  const isAbsolute = (word(Head.Flags) & HeadFlag.AbsoluteForm) != 0 && word(Head.SchemeLength) > 0;
  if (isAbsolute) {
    put(base + word(Head.SchemeOffset), word(Head.SchemeLength));
    putText("://");
    put(base + word(Head.AuthorityOffset), word(Head.AuthorityLength));
    // `OPTIONS http://example.org`: the whole server, as "*" is.
    if (form == TargetForm.Asterisk) return;
  }
  if (form == TargetForm.Asterisk || (length == 0 && method == Method.Options && form == TargetForm.Absolute)) {
    return putByte(42);
  }
  const path = base + word(Head.PathOffset);
  if (length == 0 || load<u8>(path) != 47) putByte(47);
  put(path, length);
}

function putRequestLine(): void {
  const method = word(Head.Method);
  const isExtended = word(Head.ProtocolLength) > 0;
  // RFC 8441 section 5: what is an extended CONNECT there is a GET with Upgrade here.
  if (isExtended) putText("GET");
  else put(base + word(Head.MethodOffset), word(Head.MethodLength));
  putByte(SPACE);
  putTarget(method, method == Method.Connect && !isExtended);
  putByte(SPACE);
  store<u64>(p, HTTP_11);
  p += 8;
  put16(CRLF);
  putText("host: ");
  put(base + word(Head.AuthorityOffset), word(Head.AuthorityLength));
  put16(CRLF);
  if (!isExtended) return;
  putText("connection: upgrade\r\nupgrade: ");
  put(base + word(Head.ProtocolOffset), word(Head.ProtocolLength));
  put16(CRLF);
}

function putStatusLine(): void {
  const status = word(Head.Status);
  store<u64>(p, HTTP_11);
  store<u8>(p, SPACE, 8);
  store<u8>(p, <u8> (48 + status / 100), 9);
  store<u8>(p, <u8> (48 + status / 10 % 10), 10);
  store<u8>(p, <u8> (48 + status % 10), 11);
  store<u8>(p, SPACE, 12);
  p += 13;
  putText(phraseOf(status));
  put16(CRLF);
}

/** All cookies in one line, which stands where the first one stood (RFC 9113 section 8.2.3). */
function putCookies(first: usize, end: usize): void {
  putText("cookie: ");
  let isFirst = true;
  for (let entry = first; entry < end; entry += HeaderEntry.Words << 2) {
    const id = load<i32>(entry, HeaderEntry.Id << 2);
    const length = load<i32>(entry, HeaderEntry.ValueLength << 2);
    const flags = load<i32>(entry, HeaderEntry.Flags << 2);
    if (id != HeaderName.Cookie || length == 0 || isDropped(id, flags, dropLow, dropHigh)) continue;
    if (!isFirst) put16(CRUMB_END);
    isFirst = false;
    put(base + load<i32>(entry, HeaderEntry.ValueOffset << 2), length);
  }
  put16(CRLF);
}

function putFields(kind: i32): void {
  let acceptsTrailers = kind == BlockKind.Request && (word(Head.Flags) & HeadFlag.AcceptsTrailers) != 0;
  let hasCookies = false;
  const origin = base;
  const low = dropLow;
  const high = dropHigh;
  let entry = record + (Head.Headers << 2);
  const end = entry + <usize> word(Head.HeaderCount) * (HeaderEntry.Words << 2);
  for (; entry < end; entry += HeaderEntry.Words << 2) {
    const id = load<i32>(entry, HeaderEntry.Id << 2);
    if (isDropped(id, load<i32>(entry, HeaderEntry.Flags << 2), low, high)) continue;
    if (id == HeaderName.Te) {
      if (acceptsTrailers) putText("te: trailers\r\n");
      acceptsTrailers = false;
      continue;
    }
    if (id == HeaderName.Cookie) {
      if (!hasCookies) putCookies(entry, end);
      hasCookies = true;
      continue;
    }
    let to = p;
    const nameLength = load<i32>(entry, HeaderEntry.NameLength << 2);
    const valueLength = load<i32>(entry, HeaderEntry.ValueLength << 2);
    copyLoosely(to, origin + load<i32>(entry), nameLength);
    to += <usize> nameLength;
    store<u16>(to, COLON_SPACE);
    copyLoosely(to + 2, origin + load<i32>(entry, HeaderEntry.ValueOffset << 2), valueLength);
    to += <usize> valueLength + 2;
    store<u16>(to, CRLF);
    p = to + 2;
  }
}

/** Whether this message may have a body, as far as method and status say (RFC 9112 section 6.1). */
function mayHaveBody(kind: i32): bool {
  if (kind == BlockKind.Request) return word(Head.Method) != Method.Connect;
  const status = word(Head.Status);
  return kind == BlockKind.Response && status >= 200 && status != 204;
}

export function writeHttp1Head(
  from: usize,
  relativeTo: usize,
  out: usize,
  outEnd: usize,
  kind: i32,
  framing: i32,
  drop0: u32,
  drop1: u32,
  drop2: u32,
  extra: usize,
  extraLength: i32,
): i32 {
  record = from;
  base = relativeTo;
  if (outEnd < out || <i32> (outEnd - out) < worstCase(extraLength)) return -1;
  startPolicy(kind, drop0, drop1, drop2);
  const hasBody = mayHaveBody(kind);
  if (framing || !hasBody) alsoDrop(HeaderName.ContentLength);
  p = out;
  if (kind == BlockKind.Request) putRequestLine();
  else if (kind == BlockKind.Response) putStatusLine();
  putFields(kind);
  if (framing && hasBody) putText("transfer-encoding: chunked\r\n");
  put(extra, extraLength);
  put16(CRLF);
  return <i32> (p - out);
}
