/**
 * Writes a whole field block from a head record, whichever version it came in. Contract: src/wasm/module.ts.
 * Sources: RFC 9113 section 8.2 and 8.3, RFC 8441, RFC 7541.
 */
import { BlockKind, FieldFlag } from "../http2/layout";
import { Head, HeaderEntry, HeadFlag, Method, TargetForm } from "../http1/layout";
import { HeaderName } from "../http1/names";
import { find, lowerBlock } from "../http1/scan";
import { wellKnownLower } from "../http1/well_known";
import {
  findField,
  findLatest,
  findLatestOther,
  findStaticName,
  hpackBlockStart,
  putLiteral,
} from "../http2/hpack_encoder";
import { equalBytes } from "../http2/bytes";
import { writeInteger } from "../http2/strings";
import { TEXTS } from "../gen/name_table";
import { STATIC_AT, STATIC_BY_ID, STATIC_TEXT } from "../gen/hpack_tables";
import { alsoDrop, dropHigh, dropLow, indexing, isDropped, startPolicy } from "./field_policy";

/** The most that a field may be encoded to beyond its name and value. */
const FIELD_OVERHEAD: i32 = 16;
/** Size updates, pseudo-header fields with their names, and a scheme. */
const HEAD_OVERHEAD: i32 = 192;

/** Indices of whole fields in the static table, as they are written. */
const METHOD_GET: u8 = 128 | 2;
const METHOD_POST: u8 = 128 | 3;
const PATH_ROOT: u8 = 128 | 4;
const SCHEME_HTTP: u8 = 128 | 6;
const SCHEME_HTTPS: u8 = 128 | 7;
const STATUS_200: u8 = 128 | 8;
const GZIP_DEFLATE: u8 = 128 | 16;

/** "http" as a little-endian number. */
const HTTP: u32 = 0x70747468;
const ASTERISK: usize = memory.data<u8>([42]);
const PROTOCOL: usize = memory.data<u8>([58, 112, 114, 111, 116, 111, 99, 111, 108]);
const TRAILERS: usize = memory.data<u8>([116, 114, 97, 105, 108, 101, 114, 115]);
/** "gzip, deflate" */
const GZIP: usize = memory.data<u8>([103, 122, 105, 112, 44, 32, 100, 101, 102, 108, 97, 116, 101]);
const DIGITS: usize = memory.data<u8>([0, 0, 0, 0]);
/** The statuses of static indices 8 to 14. */
const STATUSES: usize = memory.data<u16>([200, 204, 206, 304, 400, 404, 500, 0]);

/** Of the head that is written; for one call only. */
let table: usize = 0;
let record: usize = 0;
let base: usize = 0;
let p: usize = 0;
/** One past the room for a name in lower case. */
let scratchEnd: usize = 0;

@inline
function word(index: i32): i32 {
  return load<i32>(record + (<usize> index << 2));
}

@inline
function putByte(byte: u8): void {
  store<u8>(p++, byte);
}

/** A field with a well-known name. */
function putKnown(id: i32, nameLength: i32, value: usize, valueLength: i32, flags: i32): void {
  const name = TEXTS + (<usize> id << 5);
  const found = findField(table, id, name, nameLength, value, valueLength);
  if (found && !(flags & FieldFlag.NeverIndexed)) p = writeInteger(p, 128, 7, found);
  else {
    const index = <i32> load<u8>(STATIC_BY_ID + <usize> id);
    p = putLiteral(table, p, id, name, nameLength, index, value, valueLength, flags);
  }
}

/** A pseudo-header field, whose name is in the static table only. */
function putPseudo(id: i32, nameLength: i32, value: usize, valueLength: i32): void {
  let found = findLatest(table, id, value, valueLength);
  if (found == 0) found = findField(table, id, 0, 0, value, valueLength);
  if (found) p = writeInteger(p, 128, 7, found);
  else {
    const index = <i32> load<u8>(STATIC_BY_ID + <usize> id);
    const name = STATIC_TEXT + <usize> load<u16>(STATIC_AT + (<usize> index << 1));
    p = putLiteral(table, p, id, name, nameLength, index, value, valueLength, 0);
  }
}

/** A field with a name in lower case that is not well-known. */
function putUnknown(name: usize, nameLength: i32, value: usize, valueLength: i32, flags: i32): void {
  const found = findField(table, 0, name, nameLength, value, valueLength);
  if (found && !(flags & FieldFlag.NeverIndexed)) p = writeInteger(p, 128, 7, found);
  else {
    const index = findStaticName(name, nameLength);
    p = putLiteral(table, p, 0, name, nameLength, index, value, valueLength, flags);
  }
}

/** An upper bound of the block, and room to write a name in lower case or a path anew. */
function worstCase(extraLength: i32): i32 {
  const count = word(Head.HeaderCount);
  let total = HEAD_OVERHEAD + count * FIELD_OVERHEAD + extraLength + (extraLength >> 4);
  let longest = 0;
  let entry = record + (Head.Headers << 2);
  for (let i = 0; i < count; i++, entry += HeaderEntry.Words << 2) {
    const nameLength = load<i32>(entry, HeaderEntry.NameLength << 2);
    if (nameLength > longest) longest = nameLength;
    total += nameLength + load<i32>(entry, HeaderEntry.ValueLength << 2);
  }
  const pathLength = word(Head.PathLength);
  const schemeLength = word(Head.SchemeLength);
  if (pathLength > longest) longest = pathLength;
  if (schemeLength > longest) longest = schemeLength;
  total += word(Head.MethodLength) + schemeLength + word(Head.AuthorityLength) + pathLength + word(Head.ProtocolLength);
  return total + longest;
}

/** The name in lower case, in the room before `scratchEnd`; where it is already so, as it stands. */
function lowered(name: usize, length: i32): usize {
  const to = scratchEnd - (<usize> (length + 15) & ~15);
  let differs: i32 = 0;
  for (let i: usize = 0; i < <usize> length; i += 16) {
    const block = v128.load(name + i);
    const small = lowerBlock(block);
    differs |= i8x16.bitmask(i8x16.ne(block, small));
    v128.store(to + i, small);
  }
  return differs ? to : name;
}

/** A path with what an absolute target left out (RFC 9113 section 8.3.1). */
function putPath(): void {
  const length = word(Head.PathLength);
  const form = word(Head.TargetForm);
  const isAsterisk = form == TargetForm.Asterisk ||
    (length == 0 && form == TargetForm.Absolute && word(Head.Method) == Method.Options);
  if (isAsterisk) return putPseudo(HeaderName.PseudoPath, 5, ASTERISK, 1);
  const path = base + word(Head.PathOffset);
  const isWhole = length > 0 && load<u8>(path) == 47;
  if (length == 0 || (isWhole && length == 1)) return putByte(PATH_ROOT);
  if (isWhole) return putPseudo(HeaderName.PseudoPath, 5, path, length);
  const whole = scratchEnd - <usize> length - 1;
  store<u8>(whole, 47);
  memory.copy(whole + 1, path, length);
  putPseudo(HeaderName.PseudoPath, 5, whole, length + 1);
}

function putMethod(method: i32): void {
  if (method == Method.Get) return putByte(METHOD_GET);
  if (method == Method.Post) return putByte(METHOD_POST);
  putPseudo(HeaderName.PseudoMethod, 7, base + word(Head.MethodOffset), word(Head.MethodLength));
}

function putScheme(): void {
  const length = word(Head.SchemeLength);
  if (length == 0) return putByte(SCHEME_HTTP);
  const scheme = base + word(Head.SchemeOffset);
  if (length < 6 && (load<u32>(scheme) | 0x20202020) == HTTP) {
    if (length == 4) return putByte(SCHEME_HTTP);
    if (length == 5 && (load<u8>(scheme + 4) | 32) == 115) return putByte(SCHEME_HTTPS);
  }
  putPseudo(HeaderName.PseudoScheme, 7, lowered(scheme, length), length);
}

function putRequest(): void {
  const method = word(Head.Method);
  const protocolLength = word(Head.ProtocolLength);
  const authority = base + word(Head.AuthorityOffset);
  const authorityLength = word(Head.AuthorityLength);
  putMethod(method);
  if (method == Method.Connect && protocolLength == 0) {
    putPseudo(HeaderName.PseudoAuthority, 10, authority, authorityLength);
    return alsoDrop(HeaderName.ContentLength);
  }
  putScheme();
  if (authorityLength) putPseudo(HeaderName.PseudoAuthority, 10, authority, authorityLength);
  putPath();
  if (protocolLength) putUnknown(PROTOCOL, 9, base + word(Head.ProtocolOffset), protocolLength, 0);
}

function putStatus(): void {
  const status = word(Head.Status);
  // RFC 9110 section 8.6: no length where there can be no content.
  if (status < 200 || status == 204) alsoDrop(HeaderName.ContentLength);
  for (let i: u8 = 0; i < 7; i++) {
    if (<i32> load<u16>(STATUSES + (<usize> i << 1)) == status) return putByte(STATUS_200 + i);
  }
  store<u8>(DIGITS, <u8> (48 + status / 100));
  store<u8>(DIGITS + 1, <u8> (48 + status / 10 % 10));
  store<u8>(DIGITS + 2, <u8> (48 + status % 10));
  putPseudo(HeaderName.PseudoStatus, 7, DIGITS, 3);
}

function putFields(kind: i32): void {
  const count = word(Head.HeaderCount);
  const isLower = word(Head.Version) == 20;
  const low = dropLow;
  const high = dropHigh;
  const encoder = table;
  const origin = base;
  let acceptsTrailers = kind == BlockKind.Request && (word(Head.Flags) & HeadFlag.AcceptsTrailers) != 0;
  let entry = record + (Head.Headers << 2);
  for (let i = 0; i < count; i++, entry += HeaderEntry.Words << 2) {
    const id = load<i32>(entry, HeaderEntry.Id << 2);
    const sent = load<i32>(entry, HeaderEntry.Flags << 2);
    if (isDropped(id, sent, low, high)) continue;
    const nameLength = load<i32>(entry, HeaderEntry.NameLength << 2);
    const value = origin + load<i32>(entry, HeaderEntry.ValueOffset << 2);
    const valueLength = load<i32>(entry, HeaderEntry.ValueLength << 2);
    const flags = (sent & FieldFlag.NeverIndexed) | indexing(id, valueLength);
    if (id == 0) {
      const given = origin + load<i32>(entry);
      const name = isLower ? given : lowered(given, nameLength);
      const found = flags ? 0 : findLatestOther(encoder, name, nameLength, value, valueLength);
      if (found) p = writeInteger(p, 128, 7, found);
      else putUnknown(name, nameLength, value, valueLength, flags);
      continue;
    }
    if (id == HeaderName.Te) {
      const known = acceptsTrailers ? findLatest(encoder, id, TRAILERS, 8) : 0;
      if (known) p = writeInteger(p, 128, 7, known);
      else if (acceptsTrailers) putKnown(id, 2, TRAILERS, 8, 0);
      acceptsTrailers = false;
      continue;
    }
    const found = flags ? 0 : findLatest(encoder, id, value, valueLength);
    if (found) p = writeInteger(p, 128, 7, found);
    else if (id == HeaderName.AcceptEncoding && valueLength == 13 && flags == 0 && equalBytes(value, GZIP, 13)) {
      putByte(GZIP_DEFLATE);
    } else putKnown(id, nameLength, value, valueLength, flags);
  }
}

/** Lines "name: value" with CRLF, trusted. */
function putExtra(extra: usize, length: i32): void {
  const end = extra + length;
  let line = extra;
  while (line < end) {
    const colon = find(58, line, end);
    const lineEnd = find(13, colon, end);
    if (lineEnd >= end) return;
    const nameLength = <i32> (colon - line);
    const valueLength = <i32> (lineEnd - colon) - 2;
    const id = wellKnownLower(line, nameLength);
    const flags = indexing(id, valueLength);
    if (id) putKnown(id, nameLength, colon + 2, valueLength, flags);
    else putUnknown(line, nameLength, colon + 2, valueLength, flags);
    line = lineEnd + 2;
  }
}

export function encodeHead(
  toTable: usize,
  from: usize,
  relativeTo: usize,
  out: usize,
  outEnd: usize,
  kind: i32,
  drop0: u32,
  drop1: u32,
  drop2: u32,
  extra: usize,
  extraLength: i32,
): i32 {
  table = toTable;
  record = from;
  base = relativeTo;
  if (outEnd < out || <i32> (outEnd - out) < worstCase(extraLength)) return -1;
  scratchEnd = outEnd;
  startPolicy(kind, drop0, drop1, drop2);
  p = out + hpackBlockStart(table, out);
  if (kind == BlockKind.Request) putRequest();
  else if (kind == BlockKind.Response) putStatus();
  putFields(kind);
  putExtra(extra, extraLength);
  return <i32> (p - out);
}
