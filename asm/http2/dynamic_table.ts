/**
 * The dynamic table of HPACK (RFC 7541 section 2.3.2), the same for decoder and encoder.
 *
 * Entries lie in a ring of slots; their texts, each in one piece, in a ring of twice the table's size: a text that does
 * not fit before the end goes to the beginning, and with twice the size there is always room. A text stays where it is
 * after its entry was evicted, until the ring comes round.
 */
import { Hpack, TableEntry } from "./layout";
import { copyBytes } from "./bytes";

const ENTRY_BYTES: usize = TableEntry.Words << 2;
const OVERHEAD: i32 = 32;

@inline
export function getWord(table: usize, word: i32): i32 {
  return load<i32>(table + (<usize> word << 2));
}

@inline
export function setWord(table: usize, word: i32, value: i32): void {
  store<i32>(table + (<usize> word << 2), value);
}

export function startTable(table: usize, limit: i32): void {
  memory.fill(table, 0, Hpack.Words << 2);
  const slots = limit / OVERHEAD + 1;
  setWord(table, Hpack.Limit, limit);
  setWord(table, Hpack.Maximum, limit);
  setWord(table, Hpack.Slots, slots);
  setWord(table, Hpack.TextOffset, (Hpack.Words << 2) + slots * <i32> ENTRY_BYTES);
  setWord(table, Hpack.SmallestUpdate, -1);
  setWord(table, Hpack.LastUpdate, -1);
}

/** The entry in a slot. */
@inline
export function slotAt(table: usize, slot: i32): usize {
  return table + (Hpack.Words << 2) + <usize> slot * ENTRY_BYTES;
}

/** The entry of `age` 0 (the newest) and up, or 0 when there is none. */
@inline
export function entryAt(table: usize, age: i32): usize {
  if (<u32> age >= <u32> getWord(table, Hpack.Count)) return 0;
  let slot = getWord(table, Hpack.Newest) - age;
  if (slot < 0) slot += getWord(table, Hpack.Slots);
  return slotAt(table, slot);
}

/** Drops the oldest entries until at most `size` bytes are counted. */
export function evictTo(table: usize, size: i32): void {
  let held = getWord(table, Hpack.Size);
  if (held <= size) return;
  let count = getWord(table, Hpack.Count);
  const slots = getWord(table, Hpack.Slots);
  let slot = getWord(table, Hpack.Newest) - count + 1;
  if (slot < 0) slot += slots;
  while (held > size && count > 0) {
    const oldest = slotAt(table, slot);
    held -= load<i32>(oldest, TableEntry.NameLength << 2) + load<i32>(oldest, TableEntry.ValueLength << 2) + OVERHEAD;
    count--;
    if (++slot == slots) slot = 0;
  }
  setWord(table, Hpack.Count, count);
  setWord(table, Hpack.Size, held);
}

/** Sets the size in force, which is at most the limit. */
export function resizeTable(table: usize, size: i32): void {
  setWord(table, Hpack.Maximum, size);
  evictTo(table, size);
}

/** What `Hpack.Written` will be after a text of `length`. */
@inline
export function writtenAfter(table: usize, length: i32): u32 {
  const offset = getWord(table, Hpack.WriteOffset);
  const ring = getWord(table, Hpack.Limit) << 1;
  const skipped = offset + length > ring ? ring - offset : 0;
  return <u32> (getWord(table, Hpack.Written) + skipped + length);
}

/** `Hpack.Written` when the oldest text was, that an entry has. */
export function oldestStart(table: usize): u32 {
  const count = getWord(table, Hpack.Count);
  return <u32> (count ? load<i32>(entryAt(table, count - 1), TableEntry.Start << 2) : getWord(table, Hpack.Written));
}

/**
 * Adds an entry; its text must not lie where the new one goes. One that is larger than the table only empties it.
 * @returns the entry, or 0 when it was too large
 */
export function insertEntry(
  table: usize,
  name: usize,
  nameLength: i32,
  value: usize,
  valueLength: i32,
  mark: i32,
): usize {
  const length = nameLength + valueLength;
  const size = length + OVERHEAD;
  const maximum = getWord(table, Hpack.Maximum);
  if (size > maximum) {
    evictTo(table, 0);
    return 0;
  }
  evictTo(table, maximum - size);
  let offset = getWord(table, Hpack.WriteOffset);
  if (offset + length > getWord(table, Hpack.Limit) << 1) offset = 0;
  const written = writtenAfter(table, length);
  const text = table + getWord(table, Hpack.TextOffset) + offset;
  copyBytes(text, name, nameLength);
  copyBytes(text + nameLength, value, valueLength);
  let slot = getWord(table, Hpack.Newest) + 1;
  if (slot >= getWord(table, Hpack.Slots)) slot = 0;
  setWord(table, Hpack.WriteOffset, offset + length);
  setWord(table, Hpack.Written, written);
  setWord(table, Hpack.Newest, slot);
  setWord(table, Hpack.Count, getWord(table, Hpack.Count) + 1);
  setWord(table, Hpack.Size, getWord(table, Hpack.Size) + size);
  const entry = slotAt(table, slot);
  store<i32>(entry, <i32> text);
  store<i32>(entry, nameLength, TableEntry.NameLength << 2);
  store<i32>(entry, <i32> text + nameLength, TableEntry.Value << 2);
  store<i32>(entry, valueLength, TableEntry.ValueLength << 2);
  store<i32>(entry, mark, TableEntry.Mark << 2);
  store<i32>(entry, written - length, TableEntry.Start << 2);
  return entry;
}
