/**
 * Writes a head anew for the next hop: the start line and every header line as they came, save those that end at this
 * hop (hop-by-hop) and those the caller drops, then the lines the caller adds. Runs of kept lines are copied whole.
 * Source: RFC 9110 §7.6.1; proxy.md §7.
 */
import { Head, HeaderEntry, HeaderFlag } from "../http1/layout";

/**
 * @param record the record of a head that the parser accepted
 * @param at where that head begins
 * @param out where the new head is written; must hold the old head and the added lines
 * @param skip bytes before the start line (an empty line that was tolerated)
 * @param drop0 ids to drop, bit `id & 31` of word `id >> 5` (three words)
 * @param extra address of header lines to add, each with its CRLF
 * @returns bytes written
 */
export function rewriteHead(
  record: usize,
  at: usize,
  out: usize,
  skip: i32,
  drop0: u32,
  drop1: u32,
  drop2: u32,
  extra: usize,
  extraLength: i32,
): i32 {
  const length = load<i32>(record + (Head.Length << 2));
  const count = load<i32>(record + (Head.HeaderCount << 2));
  const end = at + length - 2;
  let from = at + skip, cursor = out;
  let entry = record + (Head.Headers << 2);
  for (let i = 0; i < count; i++, entry += HeaderEntry.Words << 2) {
    const id = load<u32>(entry + (HeaderEntry.Id << 2));
    const word = id < 32 ? drop0 : id < 64 ? drop1 : drop2;
    const isDropped = (id != 0 && (word >> (id & 31) & 1) != 0) ||
      (load<u32>(entry + (HeaderEntry.Flags << 2)) & HeaderFlag.HopByHop) != 0;
    if (!isDropped) continue;
    const line = at + load<i32>(entry + (HeaderEntry.NameOffset << 2));
    if (line > from) {
      memory.copy(cursor, from, line - from);
      cursor += line - from;
    }
    from = i + 1 < count ? at + load<i32>(entry + ((HeaderEntry.Words + HeaderEntry.NameOffset) << 2)) : end;
  }
  if (end > from) {
    memory.copy(cursor, from, end - from);
    cursor += end - from;
  }
  memory.copy(cursor, extra, extraLength);
  cursor += extraLength;
  store<u16>(cursor, 0x0a0d);
  return <i32> (cursor + 2 - out);
}
