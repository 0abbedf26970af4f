/**
 * The Forwarded field by which gateways say that a request went through them, and know one that comes a second time.
 * Source: RFC 7239 §4; proxy.md §4, §7 (`forwarded`).
 */
import { Head, HeaderEntry, HeaderName } from "../../../wasm/http1.ts";
import { hasHeader } from "../../http/record.ts";
import type { Arena } from "../../worker/arena.ts";

/** A host as it can be said without quotes: another could say more than itself. */
const PLAIN_HOST = /^[A-Za-z0-9._:[\]-]{1,512}$/;

export interface Passage {
  /** The gateway's identity. */
  readonly by: string;
  /** The client's. */
  readonly for: string;
  /** Whom the request was for as it came. */
  readonly host: string;
}

/** The header line that a gateway adds. A host that is no plain one is left out. */
export function forwardedLine(passage: Passage): string {
  const host = PLAIN_HOST.test(passage.host) ? `;host=${passage.host}` : "";
  return `forwarded: by=${passage.by};for=${passage.for}${host};proto=https\r\n`;
}

/** Whether a value of Forwarded names `by`, in any of its elements. */
export function isPassedBy(value: string, by: string): boolean {
  return value.split(/[;,]/).some((pair) => {
    const [, name] = /^\s*by\s*=\s*"?([^"]*?)"?\s*$/i.exec(pair) ?? [];
    return name?.toLowerCase() === by.toLowerCase();
  });
}

/** Whether the request in the record (offsets from `at`) says that it went through the gateway `by`. */
export function wentThrough(arena: Arena, at: number, by: string): boolean {
  if (!hasHeader(arena, HeaderName.Forwarded)) return false;
  const { words } = arena.memory, record = arena.recordAt >> 2, count = words[record + Head.HeaderCount]!;
  for (let i = 0, entry = record + Head.Headers; i < count; i++, entry += HeaderEntry.Words) {
    if (words[entry + HeaderEntry.Id] !== HeaderName.Forwarded) continue;
    const from = at + words[entry + HeaderEntry.ValueOffset]!;
    if (isPassedBy(arena.readAscii(from, words[entry + HeaderEntry.ValueLength]!), by)) return true;
  }
  return false;
}
