/**
 * The dynamic table of HPACK (RFC 7541 section 2.3.2), the same for decoder and encoder.
 *
 * Entries lie in a ring of slots; their texts, each in one piece, in a ring of twice the table's size: a text that does
 * not fit before the end goes to the beginning, and with twice the size there is always room.
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
export function entryAt(table: usize, age: i32): usize {
  if (<u32> age >= <u32> getWord(table, Hpack.Count)) return 0;
  let slot = getWord(table, Hpack.Newest) - age;
  if (slot < 0) slot += getWord(table, Hpack.Slots);
  return slotAt(table, slot);
}

/** Drops the oldest entries until at most `size` bytes are counted. */
export function evictTo(table: usize, size: i32): void {
  let held = getWord(table, Hpack.Size);
  let count = getWord(table, Hpack.Count);
  while (held > size && count > 0) {
    const oldest = entryAt(table, count - 1);
    held -= load<i32>(oldest, TableEntry.NameLength << 2) + load<i32>(oldest, TableEntry.ValueLength << 2) + OVERHEAD;
    count--;
    setWord(table, Hpack.Count, count);
  }
  setWord(table, Hpack.Size, held);
}

/** Sets the size in force, which is at most the limit. */
export function resizeTable(table: usize, size: i32): void {
  setWord(table, Hpack.Maximum, size);
  evictTo(table, size);
}

/**
 * Adds an entry; its text must not lie in the table. One that is larger than the table only empties it.
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
  const size = nameLength + valueLength + OVERHEAD;
  const maximum = getWord(table, Hpack.Maximum);
  if (size > maximum) {
    evictTo(table, 0);
    return 0;
  }
  evictTo(table, maximum - size);
  let offset = getWord(table, Hpack.WriteOffset);
  if (offset + nameLength + valueLength > getWord(table, Hpack.Limit) << 1) offset = 0;
  setWord(table, Hpack.WriteOffset, offset + nameLength + valueLength);
  const text = table + getWord(table, Hpack.TextOffset) + offset;
  copyBytes(text, name, nameLength);
  copyBytes(text + nameLength, value, valueLength);
  let slot = getWord(table, Hpack.Newest) + 1;
  if (slot >= getWord(table, Hpack.Slots)) slot = 0;
  setWord(table, Hpack.Newest, slot);
  setWord(table, Hpack.Count, getWord(table, Hpack.Count) + 1);
  setWord(table, Hpack.Size, getWord(table, Hpack.Size) + size);
  const entry = slotAt(table, slot);
  store<i32>(entry, <i32> text);
  store<i32>(entry, nameLength, TableEntry.NameLength << 2);
  store<i32>(entry, valueLength, TableEntry.ValueLength << 2);
  store<i32>(entry, mark, TableEntry.Mark << 2);
  return entry;
}
