/**
 * Changes of a head's fields, as filters ask for them: lines to add, and names whose fields end here. They are made
 * where the head is written for the next hop, in either version: fields are hidden in the record, and the lines go
 * with those that the proxy adds by itself. So they are let through only when they cannot frame, route or split
 * anything: names are tokens, values are text, and what the proxy decides by is not theirs to change.
 * Source: RFC 9110 §5.1, §5.5, §7.6.1; protocol-api.md §4 (RequestHeaderModifier).
 */
import { Head, HeaderEntry, HeaderFlag } from "../../wasm/http1.ts";
import type { Arena } from "../worker/arena.ts";
import { type Bytes, bytesOf, hasLower } from "./head_view.ts";
import type { HeaderChanges } from "./filters.ts";

/** Bytes of the lines that one request may be given: a head grows in place, within its headroom. */
export const MAX_EDIT_BYTES = 1400;

const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/, VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** They frame the message, belong to one hop, or say where it goes. */
const FORBIDDEN: ReadonlySet<string> = new Set([
  "host",
  "connection",
  "content-length",
  "transfer-encoding",
  "upgrade",
  "expect",
  "te",
  "trailer",
  "keep-alive",
  "proxy-connection",
  "http2-settings",
]);
const MESH_PREFIX = "l5d-";

export interface HeaderEdit {
  /** `name: value` lines, each with its end; names in lower case. */
  readonly lines: Bytes;
  /** Names in lower case. */
  readonly hidden: readonly Bytes[];
}

function nameProblem(name: string): string | undefined {
  if (!TOKEN.test(name)) return `${JSON.stringify(name)} is no header name`;
  if (FORBIDDEN.has(name) || name.startsWith(MESH_PREFIX)) return `${name} is not a route's to change`;
  return undefined;
}

/** What the changes, one after another, come to. @returns why they cannot be made, as text */
export function headerEditOf(all: readonly HeaderChanges[]): HeaderEdit | string | undefined {
  let lines: (readonly [string, string])[] = [];
  const hidden = new Set<string>();
  for (const { add, set, remove } of all) {
    const added = add.map(cleaned),
      replaced = set.map(cleaned),
      gone = remove.map((name) => name.toLowerCase());
    for (const [name, value] of [...added, ...replaced]) {
      const problem = nameProblem(name);
      if (problem !== undefined) return problem;
      if (!VALUE.test(value)) return `the value for ${name} is no header value`;
    }
    for (const name of gone) {
      const problem = nameProblem(name);
      if (problem !== undefined) return problem;
    }
    lines.push(...added);
    for (const [name] of replaced) {
      hidden.add(name);
      lines = lines.filter((line) => line[0] !== name);
    }
    // What is set twice is what was set last.
    lines.push(...new Map(replaced));
    for (const name of gone) hidden.add(name);
    lines = lines.filter((line) => !gone.includes(line[0]));
  }
  if (lines.length + hidden.size === 0) return undefined;
  const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  if (text.length > MAX_EDIT_BYTES) return `its headers are more than ${MAX_EDIT_BYTES} bytes`;
  return { lines: bytesOf(text), hidden: [...hidden].map(bytesOf) };
}

/** The edit with a line of the proxy's own beside those it has; the same edit where that would be too much. */
export function withLine(edit: HeaderEdit | undefined, line: string): HeaderEdit | undefined {
  const lines = Uint8Array.of(...edit?.lines ?? [], ...bytesOf(`${line}\r\n`));
  return lines.length > MAX_EDIT_BYTES ? edit : { lines, hidden: edit?.hidden ?? [] };
}

function cleaned([name, value]: readonly [string, string]): readonly [string, string] {
  return [name.toLowerCase(), value.replace(/^[\t ]+|[\t ]+$/g, "")];
}

/** Hides the fields of the head in the record (offsets from `at`) that the edit removes. */
export function hideFields({ hidden }: HeaderEdit, arena: Arena, at: number): void {
  if (hidden.length === 0) return;
  const { words, bytes } = arena.memory, record = arena.recordAt >> 2;
  const count = words[record + Head.HeaderCount]!;
  let entry = record + Head.Headers;
  for (let i = 0; i < count; i++, entry += HeaderEntry.Words) {
    const length = words[entry + HeaderEntry.NameLength]!, from = at + words[entry + HeaderEntry.NameOffset]!;
    for (let j = 0; j < hidden.length; j++) {
      const name = hidden[j]!;
      if (name.length === length && hasLower(bytes, from, name)) {
        words[entry + HeaderEntry.Flags]! |= HeaderFlag.HopByHop;
      }
    }
  }
}
