/** Encoding of field blocks (RFC 7541). Contract: src/wasm/module.ts. */
import { FieldFlag, Hpack, TableEntry } from "./layout";
import { wellKnownLower } from "../http1/well_known";
import {
  STATIC_COUNT,
  STATIC_FACTOR,
  STATIC_GROUP,
  STATIC_ID,
  STATIC_SHIFT,
  STATIC_SLOTS,
} from "../gen/hpack_tables";
import { equalBytes } from "./bytes";
import { entryAt, evictTo, getWord, insertEntry, setWord, startTable } from "./dynamic_table";
import {
  ageAt,
  ageOf,
  fieldSet,
  givePlace,
  hashText,
  hasValue,
  indexBytes,
  latestKnown,
  latestOther,
  nameSet,
  placeIn,
  startIndex,
  tagOf,
} from "./encoder_index";
import { staticEntry } from "./static_table";
import { writeInteger, writeString } from "./strings";

const DEFAULT_SIZE: i32 = 4096;
/** A flag of a field that is added when it comes for the first time, not only once it comes again. */
const EAGER: i32 = 1 << 16;
/** Where the hashes of names begin. */
const NAME_SEED: u64 = 0x8f1bbcdc5a827999;

export function hpackEncoderStart(table: usize, limit: i32, usesHuffman: i32): void {
  startTable(table, limit);
  const index = getWord(table, Hpack.TextOffset);
  startIndex(table, index);
  setWord(table, Hpack.TextOffset, index + indexBytes(getWord(table, Hpack.Slots)));
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
export function findStaticName(name: usize, length: i32): i32 {
  if (length < 3) return 0;
  const key = <u32> load<u8>(name) + (<u32> load<u16>(name + (length >> 1)) << 8) +
    (<u32> load<u8>(name + length - 1) << 24) + (<u32> length << 12);
  const index = <i32> load<u8>(STATIC_SLOTS + <usize> ((key * STATIC_FACTOR) >> STATIC_SHIFT));
  if (index == 0) return 0;
  const entry = staticEntry(index);
  if (load<i32>(entry, TableEntry.NameLength << 2) != length) return 0;
  return equalBytes(name, load<u32>(entry), length) ? index : 0;
}

/** The static index with this value among those with the name of `first`, 0 when there is none. */
function findStaticField(first: i32, value: usize, length: i32): i32 {
  const end = first + <i32> load<u8>(STATIC_GROUP + <usize> first);
  for (let index = first; index < end; index++) {
    const entry = staticEntry(index);
    if (load<i32>(entry, TableEntry.ValueLength << 2) != length || length == 0) continue;
    if (equalBytes(value, load<u32>(entry, TableEntry.Value << 2), length)) return index;
  }
  return 0;
}

/** Whether an entry has this name. */
@inline
function hasName(entry: usize, id: i32, name: usize, length: i32): bool {
  if (load<i32>(entry, TableEntry.Mark << 2) != id) return false;
  if (id) return true;
  return load<i32>(entry, TableEntry.NameLength << 2) == length && equalBytes(name, load<u32>(entry), length);
}

/** The index of the entry that was used last with a well-known name, if this is its value; else 0. */
@inline
export function findLatest(table: usize, id: i32, value: usize, valueLength: i32): i32 {
  const entry = <usize> load<u32>(latestKnown(table, id));
  if (entry == 0 || !hasValue(entry, id, value, valueLength)) return 0;
  const age = ageOf(table, entry);
  return age < <u32> getWord(table, Hpack.Count) ? age + STATIC_COUNT + 1 : 0;
}

/** The same for another name. */
@inline
export function findLatestOther(table: usize, name: usize, nameLength: i32, value: usize, valueLength: i32): i32 {
  const entry = <usize> load<u32>(latestOther(table, name, nameLength));
  if (entry == 0 || !hasValue(entry, 0, value, valueLength)) return 0;
  if (!hasName(entry, 0, name, nameLength)) return 0;
  const age = ageOf(table, entry);
  return age < <u32> getWord(table, Hpack.Count) ? age + STATIC_COUNT + 1 : 0;
}

@inline
function noteLatest(table: usize, id: i32, name: usize, nameLength: i32, entry: usize): void {
  store<u32>(id ? latestKnown(table, id) : latestOther(table, name, nameLength), <u32> entry);
}

/** After `findField`: hashes of the name and of the field, the field's set, and its place there or 0. */
let nameHash: u64 = 0;
let fieldHash: u64 = 0;
let set: usize = 0;
let place: usize = 0;

/**
 * The index of a whole field in the dynamic table, 0 when it is not there.
 * @param id the name's `HeaderName`, 0 for another name
 */
export function findField(table: usize, id: i32, name: usize, nameLength: i32, value: usize, valueLength: i32): i32 {
  nameHash = id ? <u64> id * NAME_SEED : hashText(NAME_SEED, name, nameLength);
  const hash = hashText(nameHash, value, valueLength);
  fieldHash = hash;
  set = fieldSet(table, hash);
  place = placeIn(set, tagOf(hash));
  if (place == 0) return 0;
  const age = ageAt(table, place);
  const entry = entryAt(table, age);
  if (entry == 0 || !hasValue(entry, id, value, valueLength)) return 0;
  if (!hasName(entry, id, name, nameLength)) return 0;
  noteLatest(table, id, name, nameLength, entry);
  return age + STATIC_COUNT + 1;
}

/** The dynamic index of a name with `nameHash`, 0 when there is none. */
function findName(table: usize, id: i32, name: usize, length: i32): i32 {
  const place = placeIn(nameSet(table, nameHash), tagOf(nameHash));
  if (place == 0) return 0;
  const age = <i32> ageAt(table, place);
  const entry = entryAt(table, age);
  return entry && hasName(entry, id, name, length) ? age + STATIC_COUNT + 1 : 0;
}

/** Remembers for a tag of a set which entry was just added. */
function noteAdded(table: usize, set: usize, tag: i32): void {
  let place = placeIn(set, tag);
  if (place == 0) place = givePlace(table, set, tag);
  store<i32>(place, getWord(table, Hpack.Added), 16);
}

/**
 * Encodes a field that `findField` has just not found, or must not use.
 * @param staticName the first static index with its name, 0 when there is none
 * @param flags `FieldFlag` bits, and `EAGER`
 * @returns the byte after it
 */
export function putLiteral(
  table: usize,
  out: usize,
  id: i32,
  name: usize,
  nameLength: i32,
  staticName: i32,
  value: usize,
  valueLength: i32,
  flags: i32,
): usize {
  const index = staticName ? staticName : findName(table, id, name, nameLength);
  const isNever = (flags & FieldFlag.NeverIndexed) != 0;
  // An entry that would push out more than half of the table is not worth it.
  const size = nameLength + valueLength + 32;
  const isFit = !(flags & (FieldFlag.NeverIndexed | FieldFlag.NotIndexed)) &&
    size <= getWord(table, Hpack.Maximum) >> 1;
  const isAdded = isFit && ((flags & EAGER) != 0 || place != 0 || index == 0);
  let p = isAdded ? writeInteger(out, 64, 6, index) : writeInteger(out, isNever ? 16 : 0, 4, index);
  const usesHuffman = getWord(table, Hpack.UsesHuffman) != 0;
  if (index == 0) p = writeString(p, name, nameLength, usesHuffman);
  p = writeString(p, value, valueLength, usesHuffman);
  if (isAdded) {
    const entry = insertEntry(table, name, nameLength, value, valueLength, id);
    const number = getWord(table, Hpack.Added) + 1;
    setWord(table, Hpack.Added, number);
    store<i32>(entry, number, TableEntry.Number << 2);
    noteLatest(table, id, name, nameLength, entry);
    noteAdded(table, set, tagOf(fieldHash));
    if (staticName == 0) noteAdded(table, nameSet(table, nameHash), tagOf(nameHash));
  } else if (isFit) givePlace(table, set, tagOf(fieldHash));
  return p;
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
  const index = findStaticName(name, nameLength);
  if (index && !(flags & FieldFlag.NeverIndexed)) {
    const whole = findStaticField(index, value, valueLength);
    if (whole) return <i32> (writeInteger(out, 128, 7, whole) - out);
  }
  const isPseudo = nameLength > 0 && load<u8>(name) == 58;
  const id = isPseudo ? <i32> load<u8>(STATIC_ID + <usize> index) : wellKnownLower(name, nameLength);
  const found = findField(table, id, name, nameLength, value, valueLength);
  if (found && !(flags & FieldFlag.NeverIndexed)) return <i32> (writeInteger(out, 128, 7, found) - out);
  return <i32> (putLiteral(table, out, id, name, nameLength, index, value, valueLength, flags | EAGER) - out);
}
