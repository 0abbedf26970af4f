/** Encoding of field blocks (RFC 7541). Contract: src/wasm/module.ts. */
import { FieldFlag, Hpack, TableEntry } from "./layout";
import {
  STATIC_AT,
  STATIC_COUNT,
  STATIC_FACTOR,
  STATIC_GROUP,
  STATIC_NAME_LENGTH,
  STATIC_SHIFT,
  STATIC_SLOTS,
  STATIC_TEXT,
  STATIC_VALUE_LENGTH,
} from "../gen/hpack_tables";
import { copyBytes, equalBytes, hashBytes } from "./bytes";
import { evictTo, getWord, insertEntry, setWord, slotAt, startTable } from "./dynamic_table";
import { encodeHuffman, huffmanLength } from "./huffman";

const DEFAULT_SIZE: i32 = 4096;

export function hpackEncoderStart(table: usize, limit: i32, usesHuffman: i32): void {
  startTable(table, limit);
  setWord(table, Hpack.UsesHuffman, usesHuffman);
  if (limit > DEFAULT_SIZE) setWord(table, Hpack.Maximum, DEFAULT_SIZE);
  // A peer assumes 4096 until it is told otherwise.
  if (limit < DEFAULT_SIZE) hpackEncoderResize(table, limit);
}

export function hpackEncoderResize(table: usize, maxSize: i32): void {
  const limit = getWord(table, Hpack.Limit);
  // As unsigned: a setting may be as large as 2^32 - 1.
  const size = <u32> maxSize < <u32> limit ? maxSize : limit;
  const smallest = getWord(table, Hpack.SmallestUpdate);
  if (smallest < 0 || size < smallest) setWord(table, Hpack.SmallestUpdate, size);
  setWord(table, Hpack.LastUpdate, size);
  setWord(table, Hpack.Maximum, size);
  evictTo(table, size);
}

/** Writes an integer with a prefix of `bits` under the bits of `first`. @returns the byte after it */
function writeInteger(out: usize, first: u32, bits: i32, number: i32): usize {
  const mask = (1 << bits) - 1;
  if (number < mask) {
    store<u8>(out, <u8> (first | number));
    return out + 1;
  }
  store<u8>(out, <u8> (first | mask));
  let p = out + 1;
  let rest = number - mask;
  while (rest >= 128) {
    store<u8>(p++, <u8> (rest | 128));
    rest >>= 7;
  }
  store<u8>(p++, <u8> rest);
  return p;
}

function writeString(out: usize, at: usize, length: i32, usesHuffman: bool): usize {
  if (usesHuffman) {
    const coded = huffmanLength(at, length);
    if (coded < length) {
      const p = writeInteger(out, 128, 7, coded);
      return p + encodeHuffman(at, length, p);
    }
  }
  const p = writeInteger(out, 0, 7, length);
  copyBytes(p, at, length);
  return p + length;
}

export function hpackBlockStart(table: usize, out: usize): i32 {
  const smallest = getWord(table, Hpack.SmallestUpdate);
  if (smallest < 0) return 0;
  const last = getWord(table, Hpack.LastUpdate);
  let p = writeInteger(out, 32, 5, smallest);
  if (last != smallest) p = writeInteger(p, 32, 5, last);
  setWord(table, Hpack.SmallestUpdate, -1);
  return <i32> (p - out);
}

/** The first static index with this name, 0 when there is none. */
function findStaticName(name: usize, length: i32): i32 {
  if (length < 3) return 0;
  const key = <u32> load<u8>(name) + (<u32> load<u16>(name + (length >> 1)) << 8) +
    (<u32> load<u8>(name + length - 1) << 24) + (<u32> length << 12);
  const index = <i32> load<u8>(STATIC_SLOTS + <usize> ((key * STATIC_FACTOR) >> STATIC_SHIFT));
  if (index == 0 || <i32> load<u8>(STATIC_NAME_LENGTH + <usize> index) != length) return 0;
  return equalBytes(name, STATIC_TEXT + <usize> load<u16>(STATIC_AT + (<usize> index << 1)), length) ? index : 0;
}

/** The static index with this value among those with the name of `first`, 0 when there is none. */
function findStaticField(first: i32, value: usize, length: i32): i32 {
  const end = first + <i32> load<u8>(STATIC_GROUP + <usize> first);
  for (let index = first; index < end; index++) {
    if (<i32> load<u8>(STATIC_VALUE_LENGTH + <usize> index) != length || length == 0) continue;
    const text = STATIC_TEXT + <usize> load<u16>(STATIC_AT + (<usize> index << 1)) +
      <usize> load<u8>(STATIC_NAME_LENGTH + <usize> index);
    if (equalBytes(value, text, length)) return index;
  }
  return 0;
}

/** After `findDynamic`: the index of an entry with the name only, 0 when there is none. */
let nameIndex: i32 = 0;

/** The dynamic index of the whole field, 0 when there is none. */
function findDynamic(
  table: usize,
  name: usize,
  nameLength: i32,
  value: usize,
  valueLength: i32,
  nameHash: u32,
  fieldHash: u32,
): i32 {
  nameIndex = 0;
  const count = getWord(table, Hpack.Count);
  const slots = getWord(table, Hpack.Slots);
  let slot = getWord(table, Hpack.Newest);
  for (let age: i32 = 0; age < count; age++) {
    const entry = slotAt(table, slot);
    if (--slot < 0) slot = slots - 1;
    if (load<u32>(entry, TableEntry.NameHash << 2) != nameHash) continue;
    if (load<i32>(entry, TableEntry.NameLength << 2) != nameLength) continue;
    const text = <usize> load<u32>(entry);
    if (!equalBytes(name, text, nameLength)) continue;
    if (nameIndex == 0) nameIndex = age + STATIC_COUNT + 1;
    if (load<u32>(entry, TableEntry.FieldHash << 2) != fieldHash) continue;
    if (load<i32>(entry, TableEntry.ValueLength << 2) != valueLength) continue;
    if (equalBytes(value, text + nameLength, valueLength)) return age + STATIC_COUNT + 1;
  }
  return 0;
}

export function hpackEncodeField(
  table: usize,
  out: usize,
  name: usize,
  nameLength: i32,
  value: usize,
  valueLength: i32,
  flags: i32,
): i32 {
  const usesHuffman = getWord(table, Hpack.UsesHuffman) != 0;
  const isNever = (flags & FieldFlag.NeverIndexed) != 0;
  let index = findStaticName(name, nameLength);
  if (index && !isNever) {
    const whole = findStaticField(index, value, valueLength);
    if (whole) return <i32> (writeInteger(out, 128, 7, whole) - out);
  }
  const hash = hashBytes(0, name, nameLength);
  const fieldHash = <u32> hashBytes(hash, value, valueLength);
  const whole = findDynamic(table, name, nameLength, value, valueLength, <u32> hash, fieldHash);
  if (whole && !isNever) return <i32> (writeInteger(out, 128, 7, whole) - out);
  if (index == 0) index = nameIndex;
  // An entry that would push out more than half of the table is not worth it.
  const size = nameLength + valueLength + 32;
  const isIndexed = !isNever && !(flags & FieldFlag.NotIndexed) && size <= getWord(table, Hpack.Maximum) >> 1;
  let p = isIndexed ? writeInteger(out, 64, 6, index) : writeInteger(out, isNever ? 16 : 0, 4, index);
  if (index == 0) p = writeString(p, name, nameLength, usesHuffman);
  p = writeString(p, value, valueLength, usesHuffman);
  if (isIndexed) {
    const entry = insertEntry(table, name, nameLength, value, valueLength, 0);
    if (entry) {
      store<u32>(entry, <u32> hash, TableEntry.NameHash << 2);
      store<u32>(entry, fieldHash, TableEntry.FieldHash << 2);
    }
  }
  return <i32> (p - out);
}
