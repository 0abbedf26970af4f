/**
 * Which fields go on to the next hop, and how HPACK is to treat them; the same for both versions.
 * Sources: RFC 9110 sections 6.5.1 and 7.6.1, RFC 9113 section 8.2.2, RFC 7541 section 7.1.3.
 */
import { BlockKind, FieldFlag } from "../http2/layout";
import { HeaderFlag } from "../http1/layout";
import { HeaderName } from "../http1/names";

/** Below this a cookie could be guessed by watching how well it compresses. */
const SHORT_COOKIE: i32 = 20;

@inline
function bit(id: i32): u64 {
  return <u64> 1 << id;
}

/** Of one connection only, or written anew from the record's words. */
const NEVER_FORWARDED: u64 = bit(HeaderName.Host) | bit(HeaderName.Connection) | bit(HeaderName.TransferEncoding) |
  bit(HeaderName.Upgrade) | bit(HeaderName.KeepAlive) | bit(HeaderName.ProxyConnection) | bit(HeaderName.Http2Settings);

/** May not be trailers: they frame, route, authenticate or say how the content is to be read. */
const NO_TRAILER: u64 = NEVER_FORWARDED | bit(HeaderName.Te) | bit(HeaderName.ContentLength) | bit(HeaderName.Trailer) |
  bit(HeaderName.Expect) | bit(HeaderName.Authorization) | bit(HeaderName.ProxyAuthorization) |
  bit(HeaderName.Cookie) | bit(HeaderName.SetCookie) | bit(HeaderName.ContentType) |
  bit(HeaderName.ContentEncoding) | bit(HeaderName.Range);

/** Whether a field with this name may not stand in a trailer section. */
@inline
export function isForbiddenTrailer(id: i32): bool {
  return id < 64 && (NO_TRAILER >> id & 1) != 0;
}

/** What the caller dropped, and which kind of head it is: for one call only. */
export let dropLow: u64 = 0;
export let dropHigh: u32 = 0;

/**
 * Begins a head of a kind.
 * @param drop0 ids to drop, bit `id & 31` of word `id >> 5` (three words)
 */
export function startPolicy(kind: i32, drop0: u32, drop1: u32, drop2: u32): void {
  dropLow = (<u64> drop0 | <u64> drop1 << 32) & ~bit(HeaderName.Unknown);
  dropLow |= kind == BlockKind.Trailers ? NO_TRAILER : NEVER_FORWARDED;
  dropHigh = drop2;
}

/** Also drops a field. */
export function alsoDrop(id: i32): void {
  dropLow |= bit(id);
}

/**
 * Whether a field ends here. TE, which only this hop's Connection may name, lives on where it was not dropped by name: as
 * `te: trailers` or not at all.
 * @param low and `high`: `dropLow` and `dropHigh`
 */
@inline
export function isDropped(id: i32, flags: i32, low: u64, high: u32): bool {
  if (id < 64 ? (low >> id & 1) != 0 : (high >> (id & 31) & 1) != 0) return true;
  return (flags & HeaderFlag.HopByHop) != 0 && id != HeaderName.Te;
}

/** Fields whose values are secrets: no hop may learn them by compression. */
const SECRET: u64 = bit(HeaderName.Authorization) | bit(HeaderName.ProxyAuthorization) | bit(HeaderName.SetCookie);
/** Fields whose values differ from message to message. */
const CHANGING: u64 = bit(HeaderName.ContentLength) | bit(HeaderName.Etag);

/** `FieldFlag` bits for a field of this name and length of value. */
@inline
export function indexing(id: i32, valueLength: i32): i32 {
  if (id >= 64) return 0;
  if (SECRET >> id & 1) return FieldFlag.NeverIndexed;
  if (id == HeaderName.Cookie && valueLength < SHORT_COOKIE) return FieldFlag.NeverIndexed;
  return CHANGING >> id & 1 ? FieldFlag.NotIndexed : 0;
}
