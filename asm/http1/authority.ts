/** RFC 3986 host [":" port], without user information: what Host and a target's authority may be. */
import { isDigit, skipHost } from "./scan";

/** After `parseAuthority`: bytes before ":" and port, and the port or -1. Overwritten by the next call. */
export let authorityNameLength: i32 = 0;
export let authorityPort: i32 = -1;

@inline
function isHex(byte: u32): bool {
  return isDigit(byte) || (byte | 32) - 97 < 6;
}

/** One past a registered name that has percent signs, or 0 when one is not followed by two hexadecimal digits. */
function escapedNameEnd(at: usize, end: usize): usize {
  let p = at;
  while (p < end) {
    p = skipHost(p, end);
    if (p >= end || load<u8>(p) != 37) return p;
    if (p + 2 >= end || !isHex(load<u8>(p + 1)) || !isHex(load<u8>(p + 2))) return 0;
    p += 3;
  }
  return p;
}

/** One past the "]" of an address literal, or 0. Its text is checked by character only: hex, ":", ".", "v". */
function literalEnd(at: usize, end: usize): usize {
  for (let p = at + 1; p < end; p++) {
    const c = load<u8>(p);
    if (c == 93) return p > at + 2 ? p + 1 : 0;
    if (!isHex(c) && c != 58 && c != 46) return 0;
  }
  return 0;
}

/** The end of the name that begins at `at`, when it is not all of plain characters; 0 when it is none. */
function unusualNameEnd(at: usize, p: usize, end: usize): usize {
  const c = load<u8>(p);
  if (c == 37) {
    const nameEnd = escapedNameEnd(p, end);
    return nameEnd > end ? end : nameEnd;
  }
  if (p > at) return p;
  return c == 91 ? literalEnd(at, end) : 0;
}

/** Takes a port of digits, which may be empty. */
function parsePort(at: usize, end: usize): bool {
  if (at == end) return true;
  let port: i32 = 0;
  for (let p = at; p < end; p++) {
    const c = load<u8>(p);
    if (!isDigit(c)) return false;
    port = port * 10 + (c - 48);
    if (port > 65535) return false;
  }
  authorityPort = port;
  return true;
}

/** Whether the bytes are an authority; an empty one is not. */
export function parseAuthority(at: usize, end: usize): bool {
  authorityPort = -1;
  let p = skipHost(at, end);
  if (p >= end) {
    authorityNameLength = <i32> (end - at);
    return at < end;
  }
  if (load<u8>(p) != 58 || p == at) {
    p = unusualNameEnd(at, p, end);
    if (p == 0) return false;
  }
  authorityNameLength = <i32> (p - at);
  if (p == end) return true;
  return load<u8>(p) == 58 && parsePort(p + 1, end);
}
