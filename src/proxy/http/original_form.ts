/**
 * What an HTTP/1 request that crosses between two proxies as HTTP/2 says of its form, and how it gets that back: an
 * application that is asked as a proxy (absolute form) must see that it is.
 * Source: proxy.md §6 (`; absolute-form`), §7; RFC 9112 §3.2.2.
 */
import { Head, HeaderEntry, HeaderName, HeadFlag, TargetForm } from "../../wasm/http1.ts";
import type { Arena } from "../worker/arena.ts";

/** "HTTP/1.1": a longer value says more than the version. */
const VERSION_BYTES = 8;

/**
 * Makes the HTTP/2 request in the record (offsets from `at`), which was HTTP/1, one that is written as it had been. The
 * field is looked for from the end, where proxies put it: for most requests that is one look.
 */
export function restoreForm(arena: Arena, at: number): void {
  const { words } = arena.memory, record = arena.recordAt >> 2, first = record + Head.Headers;
  let entry = first + (words[record + Head.HeaderCount]! - 1) * HeaderEntry.Words;
  while (entry >= first && words[entry + HeaderEntry.Id] !== HeaderName.L5dOrigProto) {
    entry -= HeaderEntry.Words;
  }
  if (entry < first) return;
  const length = words[entry + HeaderEntry.ValueLength]!;
  if (length <= VERSION_BYTES) return;
  const [, ...parameters] = arena.readAscii(at + words[entry + HeaderEntry.ValueOffset]!, length).split(";");
  if (!parameters.some((parameter) => parameter.trim() === "absolute-form")) return;
  words[record + Head.Flags]! |= HeadFlag.AbsoluteForm;
}

/** Whether the target of the request in the record is in absolute form, or was. */
export function isAbsoluteForm(arena: Arena): boolean {
  const { words } = arena.memory, record = arena.recordAt >> 2;
  return words[record + Head.TargetForm] === TargetForm.Absolute ||
    (words[record + Head.Flags]! & HeadFlag.AbsoluteForm) !== 0;
}
