/** Addresses and networks between their wire form and the data plane's. Source: protocol-api.md §1. */
import type { IPAddress, IPNetwork, TcpAddress } from "../../../proto/gen/net.ts";
import type { Duration } from "../../../proto/gen/google/protobuf/duration.ts";
import { formatIPv6, parseIPv4, parseIPv6, type SocketAddress } from "../../linux/address.ts";
import type { Network } from "../config/network.ts";

function bytesOf(address: IPAddress | undefined): number[] | undefined {
  if (address?.ip === undefined) return undefined;
  if (address.ip.$case === "ipv4") {
    const { value } = address.ip;
    return [value >>> 24, value >>> 16 & 255, value >>> 8 & 255, value & 255];
  }
  const { first, last } = address.ip.value, bytes = new Uint8Array(16), view = new DataView(bytes.buffer);
  view.setBigUint64(0, first);
  view.setBigUint64(8, last);
  return [...bytes];
}

/** Undefined when it carries no address. */
export function socketAddressOf(address: TcpAddress | undefined): SocketAddress | undefined {
  const bytes = bytesOf(address?.ip);
  if (bytes === undefined) return undefined;
  return { ip: bytes.length === 4 ? bytes.join(".") : formatIPv6(bytes), port: address!.port };
}

export function tcpAddressOf({ ip, port }: SocketAddress): TcpAddress {
  const v4 = parseIPv4(ip);
  if (v4 !== undefined) {
    const value = (v4[0]! << 24 | v4[1]! << 16 | v4[2]! << 8 | v4[3]!) >>> 0;
    return { ip: { ip: { $case: "ipv4", value } }, port };
  }
  const view = new DataView(Uint8Array.from(parseIPv6(ip) ?? new Array<number>(16).fill(0)).buffer);
  const value = { first: view.getBigUint64(0), last: view.getBigUint64(8) };
  return { ip: { ip: { $case: "ipv6", value } }, port };
}

/** Undefined when it carries no address, or a prefix longer than the address. */
export function networkOf(network: IPNetwork | undefined): Network | undefined {
  const bytes = bytesOf(network?.ip);
  if (bytes === undefined || network!.prefixLen > bytes.length * 8) return undefined;
  return { bytes, prefixLength: network!.prefixLen };
}

/** Milliseconds; `fallback` when it is not sent. */
export function millisOf(duration: Duration | undefined, fallback: number): number {
  return duration === undefined ? fallback : Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}
