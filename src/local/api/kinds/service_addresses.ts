/** The pool of cluster addresses and node ports: random ones from the range, or the one asked for. */
import { isIpv4 } from "../schema/formats.ts";
import type { ServiceAddresses } from "./strategy.ts";

const FIRST_NODE_PORT = 30000;
const LAST_NODE_PORT = 32767;

export function parseIpv4(text: string): number {
  return text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function formatIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
}

/**
 * @param range CIDR of IPv4; its first 256 addresses are given out only when asked for (10.43.0.1, 10.43.0.10)
 */
export function createServiceAddresses(range: string): ServiceAddresses {
  const [base = "", bits = ""] = range.split("/");
  const first = parseIpv4(base);
  const size = 2 ** (32 - Number(bits));
  const reserved = Math.min(256, Math.floor(size / 16));
  const taken = new Set<number>();
  const ports = new Set<number>();
  return {
    allocate(wanted) {
      if (wanted !== undefined) {
        if (!isIpv4(wanted)) return undefined;
        const offset = parseIpv4(wanted) - first;
        if (offset < 1 || offset >= size - 1 || taken.has(offset)) return undefined;
        taken.add(offset);
        return wanted;
      }
      return pick(taken, reserved, size - 2, (offset) => formatIpv4(first + offset));
    },
    release(address) {
      taken.delete(parseIpv4(address) - first);
    },
    allocatePort(wanted) {
      if (wanted !== undefined) {
        if (wanted < FIRST_NODE_PORT || wanted > LAST_NODE_PORT || ports.has(wanted)) return undefined;
        ports.add(wanted);
        return wanted;
      }
      return pick(ports, FIRST_NODE_PORT, LAST_NODE_PORT, (port) => port);
    },
    releasePort(port) {
      ports.delete(port);
    },
  };
}

/** The next free number at or after a random one. */
function pick<R>(taken: Set<number>, low: number, high: number, make: (value: number) => R): R | undefined {
  const count = high - low + 1;
  const start = Math.floor(Math.random() * count);
  for (let step = 0; step < count; step++) {
    const value = low + (start + step) % count;
    if (taken.has(value)) continue;
    taken.add(value);
    return make(value);
  }
  return undefined;
}
