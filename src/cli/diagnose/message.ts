/** A message of the control plane's interfaces as people read it: one-ofs by their names, addresses as text. */
import type { IPAddress } from "../../../proto/gen/net.ts";
import { formatIp } from "../../control/wire/address.ts";

type Tree = { readonly [key: string]: unknown };

/** Bytes are values of headers, which are text but for the strangest. */
function readableBytes(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(""); // no text: told byte by byte
  }
}

/** Plain JSON values: what is not set is left out. */
export function readable(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Uint8Array) return readableBytes(value);
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== "object" || value === null) return value;
  const tree = value as Tree;
  if ("ip" in tree && Object.keys(tree).length === 1) return formatIp(tree as unknown as IPAddress);
  const entries = Object.entries(tree).flatMap(([key, inner]): [string, unknown][] => {
    if (inner === undefined) return [];
    const one = inner as Tree | null;
    if (typeof one === "object" && one !== null && typeof one["$case"] === "string") {
      return [[one["$case"], readable(one["value"])]];
    }
    return [[key, readable(inner)]];
  });
  return Object.fromEntries(entries);
}
