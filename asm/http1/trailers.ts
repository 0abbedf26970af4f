/** The trailer section of a chunked body (RFC 9112 section 7.1.2). Contract: src/wasm/module.ts. */
import { Head, HeaderEntry, HeaderFlag, HeadFlag, Outcome } from "./layout";
import { FieldsOf, markPresent, parseFields } from "./fields";
import { clearRecord } from "./request";
import { HeaderName } from "./names";
import { isForbiddenTrailer } from "../transcode/field_policy";

/** The first line's id: no CRLF need stand before it, which short names are recognised by (see well_known.ts). */
function fixFirst(at: usize, record: usize, entry: usize): void {
  const length = load<i32>(entry, HeaderEntry.NameLength << 2);
  const letters = load<u16>(at) | 0x2020;
  if (length == 2 && letters == 0x6574) store<i32>(entry, HeaderName.Te, HeaderEntry.Id << 2);
  else if (length == 2 && letters == 0x3362) store<i32>(entry, HeaderName.B3, HeaderEntry.Id << 2);
  else if (length == 3 && letters == 0x6976 && (load<u8>(at + 2) | 32) == 97) {
    store<i32>(entry, HeaderName.Via, HeaderEntry.Id << 2);
  } else return;
  markPresent(record, load<i32>(entry, HeaderEntry.Id << 2));
}

export function parseTrailers(at: usize, end: usize, record: usize, maxHeaders: i32): i32 {
  if (at >= end) return Outcome.Partial;
  clearRecord(record);
  store<i32>(record + (Head.Version << 2), 11);
  const length = parseFields(at, at, end, record, maxHeaders, FieldsOf.Trailers);
  if (length < 0) return length;
  store<i32>(record + (Head.Length << 2), length);
  const count = load<i32>(record + (Head.HeaderCount << 2));
  let entry = record + (Head.Headers << 2);
  if (count && load<i32>(entry, HeaderEntry.Id << 2) == 0) fixFirst(at, record, entry);
  for (let i = 0; i < count; i++, entry += HeaderEntry.Words << 2) {
    if (!isForbiddenTrailer(load<i32>(entry, HeaderEntry.Id << 2))) continue;
    store<i32>(entry, HeaderFlag.HopByHop, HeaderEntry.Flags << 2);
    const flags = record + (Head.Flags << 2);
    store<i32>(flags, load<i32>(flags) | HeadFlag.HasHopByHop);
  }
  return length;
}
