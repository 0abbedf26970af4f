/** IP addresses, socket addresses and networks: text ↔ the messages of net.proto. */
import type { IPAddress, IPNetwork, TcpAddress } from "../../../proto/gen/net.ts";

const V4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

function parseV4(text: string): number | undefined {
  const match = V4.exec(text);
  if (match === null) return undefined;
  let value = 0;
  for (const part of match.slice(1)) {
    const octet = Number(part);
    if (octet > 255 || (part.length > 1 && part.startsWith("0"))) return undefined;
    value = value * 256 + octet;
  }
  return value;
}

function parseV6(text: string): [bigint, bigint] | undefined {
  let rest = text;
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(rest);
  if (dotted !== null) {
    const v4 = parseV4(dotted[2]!);
    if (v4 === undefined) return undefined;
    rest = `${dotted[1]}${(v4 >>> 16).toString(16)}:${(v4 % 65_536).toString(16)}`;
  }
  const halves = rest.split("::");
  if (halves.length > 2) return undefined;
  const groupsOf = (part: string) => part === "" ? [] : part.split(":");
  const head = groupsOf(halves[0]!);
  const tail = halves.length === 2 ? groupsOf(halves[1]!) : [];
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<string>(Math.max(0, missing)).fill("0"), ...tail];
  let value = 0n;
  for (const group of groups) {
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined;
    value = (value << 16n) | BigInt(parseInt(group, 16));
  }
  return [value >> 64n, value & 0xffff_ffff_ffff_ffffn];
}

/** Undefined for what is not an IPv4 or IPv6 address. */
export function parseIp(text: string): IPAddress | undefined {
  const v4 = parseV4(text);
  if (v4 !== undefined) return { ip: { $case: "ipv4", value: v4 } };
  if (!text.includes(":")) return undefined;
  const v6 = parseV6(text);
  return v6 === undefined ? undefined : { ip: { $case: "ipv6", value: { first: v6[0], last: v6[1] } } };
}

/** Dotted, or eight groups without the `::` shorthand where there is none to save (RFC 5952 otherwise). */
export function formatIp(address: IPAddress | undefined): string {
  const ip = address?.ip;
  if (ip === undefined) return "";
  if (ip.$case === "ipv4") {
    const value = ip.value >>> 0;
    return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join(".");
  }
  const bits = (ip.value.first << 64n) | ip.value.last;
  const groups = Array.from({ length: 8 }, (_, at) => (bits >> BigInt(112 - 16 * at)) & 0xffffn);
  return shorten(groups.map((group) => group.toString(16)));
}

/** Replaces the longest run of at least two zero groups by `::`. */
function shorten(groups: readonly string[]): string {
  let best = { at: 0, length: 0 };
  for (let at = 0; at < groups.length; at++) {
    let length = 0;
    while (groups[at + length] === "0") length++;
    if (length > best.length) best = { at, length };
  }
  if (best.length < 2) return groups.join(":");
  return `${groups.slice(0, best.at).join(":")}::${groups.slice(best.at + best.length).join(":")}`;
}

/** The one spelling of an address that all maps here are keyed by. */
export function canonicalIp(text: string): string | undefined {
  const ip = parseIp(text);
  return ip === undefined ? undefined : formatIp(ip);
}

/** Throws for what is no address: for addresses Kubernetes has validated. */
export function tcpAddress(ip: string, port: number): TcpAddress {
  const parsed = parseIp(ip);
  if (parsed === undefined) throw new Error(`not an IP address: ${ip}`);
  return { ip: parsed, port };
}

interface NumericNetwork {
  readonly isV6: boolean;
  readonly bits: bigint;
  readonly prefix: number;
}

function numeric(ip: IPAddress): { isV6: boolean; value: bigint; size: number } {
  const address = ip.ip!;
  return address.$case === "ipv4"
    ? { isV6: false, value: BigInt(address.value >>> 0), size: 32 }
    : { isV6: true, value: (address.value.first << 64n) | address.value.last, size: 128 };
}

/** `10.0.0.0/8`, or a bare address as a network of one. */
export class Network {
  readonly #network: NumericNetwork;
  readonly message: IPNetwork;

  private constructor(ip: IPAddress, prefix: number) {
    const { isV6, value, size } = numeric(ip);
    this.#network = { isV6, bits: value >> BigInt(size - prefix), prefix };
    this.message = { ip, prefixLen: prefix };
  }

  static parse(text: string): Network | undefined {
    const [address, length, ...rest] = text.trim().split("/");
    const ip = parseIp(address ?? "");
    if (ip === undefined || rest.length > 0) return undefined;
    const size = numeric(ip).size;
    if (length !== undefined && !/^\d{1,3}$/.test(length)) return undefined;
    const prefix = length === undefined ? size : Number(length);
    return prefix <= size ? new Network(ip, prefix) : undefined;
  }

  /** Throws when one is no network: for configuration, which must not be half right. */
  static parseList(texts: readonly string[]): Network[] {
    return texts.map((text) => {
      const network = Network.parse(text);
      if (network === undefined) throw new Error(`not a network: ${text}`);
      return network;
    });
  }

  /** Whether every address of the other network is in this one. */
  covers(other: Network): boolean {
    const { isV6, bits, prefix } = this.#network;
    const inner = other.#network;
    return isV6 === inner.isV6 && prefix <= inner.prefix &&
      inner.bits >> BigInt(inner.prefix - prefix) === bits;
  }

  overlaps(other: Network): boolean {
    return this.covers(other) || other.covers(this);
  }

  contains(ip: IPAddress): boolean {
    const { isV6, value, size } = numeric(ip);
    return isV6 === this.#network.isV6 &&
      value >> BigInt(size - this.#network.prefix) === this.#network.bits;
  }
}
