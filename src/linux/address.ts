/**
 * Socket addresses, as `ip:port` for people and as `sockaddr` for the kernel.
 * Source: ip(7), ipv6(7): family in host order, port and address in network order.
 */
import type { LinearMemory } from "./memory.ts";

export const AF_INET = 2, AF_INET6 = 10;
/** Bytes of a sockaddr_in6, the larger of the two. */
export const SOCKADDR_SIZE = 28;

export interface SocketAddress {
  /** `10.0.0.1` or `fd00::1`; an IPv4 address mapped into IPv6 is given as IPv4. */
  readonly ip: string;
  readonly port: number;
}

/** `10.0.0.1:80`, `[fd00::1]:80`. */
export function formatAddress(address: SocketAddress): string {
  return address.ip.includes(":") ? `[${address.ip}]:${address.port}` : `${address.ip}:${address.port}`;
}

/** The address that `formatAddress` made the text of; other texts are not looked through. */
export function addressOfText(text: string): SocketAddress {
  const colon = text.lastIndexOf(":"), port = Number(text.slice(colon + 1));
  return { ip: text[0] === "[" ? text.slice(1, colon - 1) : text.slice(0, colon), port };
}

const DOT = 46, ZERO = 48;

/** The 4 bytes of a dotted IPv4 address, or undefined when it is not one. */
export function parseIPv4(text: string): number[] | undefined {
  const bytes: number[] = [];
  let value = -1;
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : DOT;
    if (code === DOT) {
      if (value < 0 || bytes.length === 4) return undefined;
      bytes.push(value);
      value = -1;
    } else {
      if (code < ZERO || code > ZERO + 9 || value === 0) return undefined; // nothing follows a leading zero
      value = (value < 0 ? 0 : value * 10) + code - ZERO;
      if (value > 255) return undefined;
    }
  }
  return bytes.length === 4 ? bytes : undefined;
}

/** The 16 bytes of an IPv6 address (RFC 4291 §2.2, with `::` and a dotted tail), or undefined when it is not one. */
export function parseIPv6(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const groups = (half: string): number[] | undefined => {
    if (half === "") return [];
    const bytes: number[] = [];
    const parts = half.split(":");
    for (const [index, part] of parts.entries()) {
      if (part.includes(".") && index === parts.length - 1) {
        const dotted = parseIPv4(part);
        if (dotted === undefined) return undefined;
        bytes.push(...dotted);
      } else {
        if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
        const value = parseInt(part, 16);
        bytes.push(value >> 8, value & 255);
      }
    }
    return bytes;
  };
  const head = groups(halves[0] ?? ""), tail = halves.length === 2 ? groups(halves[1] ?? "") : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/** The canonical text of 16 address bytes (RFC 5952), IPv4 for mapped ones. */
export function formatIPv6(bytes: ArrayLike<number>): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((bytes[i] ?? 0) << 8 | (bytes[i + 1] ?? 0));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `${bytes[12]}.${bytes[13]}.${bytes[14]}.${bytes[15]}`;
  }
  let bestStart = -1, bestLength = 1;
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > bestLength) [bestStart, bestLength] = [start, length];
  }
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  if (bestStart < 0) return hex(groups);
  return `${hex(groups.slice(0, bestStart))}::${hex(groups.slice(bestStart + bestLength))}`;
}

/** Parses `ip:port` / `[ip6]:port`; undefined when it is neither. */
export function parseAddress(text: string): SocketAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):([0-9]{1,5})$/.exec(text);
  if (match === null) return undefined;
  const ip = match[1] ?? match[2] ?? "", port = Number(match[3]);
  if (port > 65535) return undefined;
  const isValid = match[1] !== undefined ? parseIPv6(ip) !== undefined : parseIPv4(ip) !== undefined;
  return isValid ? { ip, port } : undefined;
}

/**
 * Writes `address` as a sockaddr at `offset` (which must have SOCKADDR_SIZE bytes).
 * @returns its length: 16 or 28
 * @throws TypeError when the ip is none: a bug of the caller, which parsed it
 */
export function writeSockaddr(memory: LinearMemory, offset: number, address: SocketAddress): number {
  const { bytes, view } = memory;
  bytes.fill(0, offset, offset + SOCKADDR_SIZE);
  view.setUint16(offset + 2, address.port, false);
  const v4 = parseIPv4(address.ip);
  if (v4 !== undefined) {
    view.setUint16(offset, AF_INET, true);
    bytes.set(v4, offset + 4);
    return 16;
  }
  const v6 = parseIPv6(address.ip);
  if (v6 === undefined) throw new TypeError(`not an IP address: ${address.ip}`);
  view.setUint16(offset, AF_INET6, true);
  bytes.set(v6, offset + 8);
  return SOCKADDR_SIZE;
}

/** Reads the sockaddr at `offset`; undefined when its family is neither IPv4 nor IPv6. */
export function readSockaddr(memory: LinearMemory, offset: number): SocketAddress | undefined {
  const { bytes, view } = memory;
  const family = view.getUint16(offset, true), port = view.getUint16(offset + 2, false);
  if (family === AF_INET) {
    return {
      ip: `${bytes[offset + 4]}.${bytes[offset + 5]}.${bytes[offset + 6]}.${bytes[offset + 7]}`,
      port,
    };
  }
  if (family === AF_INET6) return { ip: formatIPv6(bytes.subarray(offset + 8, offset + 24)), port };
  return undefined;
}
