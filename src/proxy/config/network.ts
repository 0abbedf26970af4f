/** IP networks in CIDR notation, and whether an address lies in one. Source: RFC 4632 §3.1. */
import { parseIPv4, parseIPv6 } from "../../linux/address.ts";

export interface Network {
  /** 4 or 16 bytes, network order. */
  readonly bytes: readonly number[];
  readonly prefixLength: number;
}

/** The bytes of an address; an IPv4 address mapped into IPv6 counts as IPv4. */
export function addressBytes(ip: string): readonly number[] | undefined {
  return parseIPv4(ip) ?? parseIPv6(ip);
}

/** Parses `10.0.0.0/8` (a bare address is itself only); undefined when it is no network. */
export function parseNetwork(text: string): Network | undefined {
  const [ip = "", length, ...rest] = text.trim().split("/");
  const bytes = addressBytes(ip);
  if (bytes === undefined || rest.length > 0) return undefined;
  const prefixLength = length === undefined
    ? bytes.length * 8
    : /^[0-9]{1,3}$/.test(length)
    ? Number(length)
    : -1;
  return prefixLength < 0 || prefixLength > bytes.length * 8 ? undefined : { bytes, prefixLength };
}

/** Parses a comma-separated list; undefined when one of its members is no network. */
export function parseNetworks(text: string): Network[] | undefined {
  const networks = text.split(",").filter((part) => part.trim() !== "").map(parseNetwork);
  return networks.includes(undefined) ? undefined : networks as Network[];
}

/** True when `bytes` (of an address) lie in `network`; families never match each other. */
export function contains(network: Network, bytes: readonly number[]): boolean {
  if (bytes.length !== network.bytes.length) return false;
  const whole = network.prefixLength >> 3, rest = network.prefixLength & 7;
  for (let i = 0; i < whole; i++) if (bytes[i] !== network.bytes[i]) return false;
  if (rest === 0) return true;
  const mask = 0xff << (8 - rest) & 0xff;
  return (bytes[whole]! & mask) === (network.bytes[whole]! & mask);
}
