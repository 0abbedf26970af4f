/**
 * Writes a whole field block from a head record, whichever version it came in. Contract: src/wasm/module.ts.
 * Sources: RFC 9113 section 8.2 and 8.3, RFC 8441, RFC 7541.
 */
import { BlockKind, FieldFlag } from "../http2/layout";
import { Head, HeaderEntry, HeadFlag, Method, TargetForm } from "../http1/layout";
import { HeaderName } from "../http1/names";
import { find, lowerBlock } from "../http1/scan";
import { wellKnownLower } from "../http1/well_known";
import { hpackBlockStart, hpackEncodeField } from "../http2/hpack_encoder";
import { TEXTS } from "../gen/name_table";
import { STATIC_AT, STATIC_TEXT } from "../gen/hpack_tables";
import { alsoDrop, indexing, isDropped, startPolicy } from "./field_policy";

/** The most that a field may be encoded to beyond its name and value. */
const FIELD_OVERHEAD: i32 = 16;
/** Size updates, pseudo-header fields with their names, and a scheme. */
const HEAD_OVERHEAD: i32 = 192;

/** Places in the static table whose names the pseudo-header fields have. */
const AUTHORITY: i32 = 1;
const METHOD: i32 = 2;
const PATH: i32 = 4;
const SCHEME: i32 = 6;
const STATUS: i32 = 8;

const SLASH: usize = memory.data<u8>([47]);
const ASTERISK: usize = memory.data<u8>([42]);
const HTTP: usize = memory.data<u8>([104, 116, 116, 112]);
const PROTOCOL: usize = memory.data<u8>([58, 112, 114, 111, 116, 111, 99, 111, 108]);
const TE_TRAILERS: usize = memory.data<u8>([116, 101, 116, 114, 97, 105, 108, 101, 114, 115]);
const DIGITS: usize = memory.data<u8>([0, 0, 0, 0]);

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

function put(name: usize, nameLength: i32, value: usize, valueLength: i32, flags: i32): void {
  p += hpackEncodeField(table, p, name, nameLength, value, valueLength, flags);
}

/** A pseudo-header field, with the name of a static entry. */
function putPseudo(index: i32, nameLength: i32, value: usize, valueLength: i32, flags: i32): void {
  put(STATIC_TEXT + <usize> load<u16>(STATIC_AT + (<usize> index << 1)), nameLength, value, valueLength, flags);
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
  const isAsterisk = word(Head.TargetForm) == TargetForm.Asterisk ||
    (length == 0 && word(Head.Method) == Method.Options && word(Head.TargetForm) == TargetForm.Absolute);
  if (isAsterisk) return putPseudo(PATH, 5, ASTERISK, 1, FieldFlag.NotIndexed);
  if (length == 0) return putPseudo(PATH, 5, SLASH, 1, 0);
  const path = base + word(Head.PathOffset);
  const flags = word(Head.PathOnlyLength) < length ? FieldFlag.NotIndexed : 0;
  if (load<u8>(path) == 47) return putPseudo(PATH, 5, path, length, flags);
  const whole = scratchEnd - <usize> length - 1;
  store<u8>(whole, 47);
  memory.copy(whole + 1, path, length);
  putPseudo(PATH, 5, whole, length + 1, flags);
}

function putRequest(): void {
  const method = word(Head.Method);
  const protocolLength = word(Head.ProtocolLength);
  putPseudo(METHOD, 7, base + word(Head.MethodOffset), word(Head.MethodLength), 0);
  const authorityLength = word(Head.AuthorityLength);
  if (method == Method.Connect && protocolLength == 0) {
    putPseudo(AUTHORITY, 10, base + word(Head.AuthorityOffset), authorityLength, 0);
    return alsoDrop(HeaderName.ContentLength);
  }
  const schemeLength = word(Head.SchemeLength);
  if (schemeLength == 0) putPseudo(SCHEME, 7, HTTP, 4, 0);
  else putPseudo(SCHEME, 7, lowered(base + word(Head.SchemeOffset), schemeLength), schemeLength, 0);
  if (authorityLength) putPseudo(AUTHORITY, 10, base + word(Head.AuthorityOffset), authorityLength, 0);
  putPath();
  if (protocolLength) put(PROTOCOL, 9, base + word(Head.ProtocolOffset), protocolLength, 0);
}

function putStatus(): void {
  const status = word(Head.Status);
  store<u8>(DIGITS, <u8> (48 + status / 100));
  store<u8>(DIGITS + 1, <u8> (48 + status / 10 % 10));
  store<u8>(DIGITS + 2, <u8> (48 + status % 10));
  putPseudo(STATUS, 7, DIGITS, 3, 0);
}

function putFields(kind: i32): void {
  const count = word(Head.HeaderCount);
  let acceptsTrailers = kind == BlockKind.Request && (word(Head.Flags) & HeadFlag.AcceptsTrailers) != 0;
  let entry = record + (Head.Headers << 2);
  for (let i = 0; i < count; i++, entry += HeaderEntry.Words << 2) {
    const id = load<i32>(entry, HeaderEntry.Id << 2);
    if (isDropped(entry, id)) continue;
    if (id == HeaderName.Te) {
      if (acceptsTrailers) put(TE_TRAILERS, 2, TE_TRAILERS + 2, 8, 0);
      acceptsTrailers = false;
      continue;
    }
    const nameLength = load<i32>(entry, HeaderEntry.NameLength << 2);
    const valueLength = load<i32>(entry, HeaderEntry.ValueLength << 2);
    const sent = base + load<i32>(entry);
    const name = id ? TEXTS + (<usize> id << 5) : lowered(sent, nameLength);
    const flags = (load<i32>(entry, HeaderEntry.Flags << 2) & FieldFlag.NeverIndexed) | indexing(id, valueLength);
    put(name, nameLength, base + load<i32>(entry, HeaderEntry.ValueOffset << 2), valueLength, flags);
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
    const valueLength = <i32> (lineEnd - colon) - 2;
    const id = wellKnownLower(line, <i32> (colon - line));
    put(line, <i32> (colon - line), colon + 2, valueLength, indexing(id, valueLength));
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
