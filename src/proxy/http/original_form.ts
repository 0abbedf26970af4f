/**
 * What an HTTP/1 request that crosses between two proxies as HTTP/2 says of its form, and how it gets that back: an
 * application that is asked as a proxy (absolute form) must see that it is.
 * Source: proxy.md §6 (`; absolute-form`), §7; RFC 9112 §3.2.2.
 */
import { Head, HeaderName, HeadFlag, TargetForm } from "../../wasm/http1.ts";
import type { Arena } from "../worker/arena.ts";
import { headerText } from "./record.ts";

/** Makes the HTTP/2 request in the record (offsets from `at`), which was HTTP/1, one that is written as it had been. */
export function restoreForm(arena: Arena, at: number): void {
  const [, ...parameters] = headerText(arena, at, HeaderName.L5dOrigProto).split(";");
  if (!parameters.some((parameter) => parameter.trim() === "absolute-form")) return;
  arena.memory.words[(arena.recordAt >> 2) + Head.Flags]! |= HeadFlag.AbsoluteForm;
}

/** Whether the target of the request in the record is in absolute form, or was. */
export function isAbsoluteForm(arena: Arena): boolean {
  const { words } = arena.memory, record = arena.recordAt >> 2;
  return words[record + Head.TargetForm] === TargetForm.Absolute ||
    (words[record + Head.Flags]! & HeadFlag.AbsoluteForm) !== 0;
}
