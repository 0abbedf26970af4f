/**
 * Finds fields and names in an encoder's dynamic table.
 *
 * First by the entry that was used last with the same name: most fields of a message are those of the message before.
 * Then by hash, in sets of four places: four hashes, and the numbers of the entries they belong to (counted since the
 * beginning, so that an evicted entry is known by its age). A number of 0 is a field that was seen but not added: only
 * what comes a second time is worth an entry. (Of requests with an id, a trace and a path of their own each, blocks are 11
 * to 16 % shorter so than when every field is added at once.)
 */
import { Hpack, TableEntry } from "./layout";
import { equalBytes } from "./bytes";
import { getWord, setWord } from "./dynamic_table";

/** The addresses of the entries used last: for each `HeaderName`, and for 32 kinds of other names. */
const LATEST_BYTES: i32 = 512;
const FIRST_OTHER: i32 = 96;
const SET_BYTES: i32 = 32;
const NAME_SETS: i32 = 16;

const FACTOR: u64 = 0x9e3779b97f4a7c15;
const SECOND_FACTOR: u64 = 0xc2b2ae3d27d4eb4f;

/** Bytes of the sets of a table with so many slots; src/wasm/http2.ts computes the same. */
export function indexBytes(slots: i32): i32 {
  return LATEST_BYTES + (fieldSets(slots) + NAME_SETS) * SET_BYTES;
}

/** At least one place for each entry there can be; there are half as many at most, of ordinary length. */
function fieldSets(slots: i32): i32 {
  return slots < 4 ? 1 : 1 << (30 - clz(slots));
}

export function startIndex(table: usize, offset: i32): void {
  const slots = getWord(table, Hpack.Slots);
  setWord(table, Hpack.Index, offset);
  setWord(table, Hpack.FieldSetMask, fieldSets(slots) - 1);
  memory.fill(table + offset, 0, indexBytes(slots));
}

/**
 * A hash, going on from `seed`: of all bytes up to 32, of the first, the last and the middle 16 of longer texts. Texts that
 * differ elsewhere find each other's place, are compared, and pass for new.
 */
@inline
export function hashText(seed: u64, at: usize, length: i32): u64 {
  const size = <usize> length;
  let a: u64;
  let b: u64;
  if (length >= 16) {
    a = load<u64>(at) ^ load<u64>(at + size - 16) * SECOND_FACTOR;
    b = load<u64>(at + 8) ^ load<u64>(at + size - 8) * SECOND_FACTOR;
    if (length > 32) {
      const middle = at + (size >> 1) - 8;
      a += load<u64>(middle) * FACTOR;
      b += load<u64>(middle + 8) * FACTOR;
    }
  } else if (length >= 8) {
    a = load<u64>(at);
    b = load<u64>(at + size - 8);
  } else if (length >= 4) {
    a = load<u32>(at);
    b = load<u32>(at + size - 4);
  } else {
    a = length ? <u64> load<u8>(at) | <u64> load<u8>(at + (size >> 1)) << 8 | <u64> load<u8>(at + size - 1) << 16 : 0;
    b = 0;
  }
  const mixed = (a ^ seed) * FACTOR ^ rotl<u64>((b ^ size) * SECOND_FACTOR, 31);
  return (mixed ^ mixed >> 32) * FACTOR;
}

/** What stands for a text in a set: never 0. */
@inline
export function tagOf(hash: u64): i32 {
  return <i32> (hash >> 32) | 1;
}

/** The set that a field with this hash may be in. */
@inline
export function fieldSet(table: usize, hash: u64): usize {
  const sets = table + getWord(table, Hpack.Index) + LATEST_BYTES;
  return sets + ((<i32> hash & getWord(table, Hpack.FieldSetMask)) << 5);
}

/** The set that a name with this hash may be in. */
@inline
export function nameSet(table: usize, hash: u64): usize {
  const sets = table + getWord(table, Hpack.Index) + LATEST_BYTES + ((getWord(table, Hpack.FieldSetMask) + 1) << 5);
  return sets + ((<i32> hash & (NAME_SETS - 1)) << 5);
}

/** Where the entry is noted that was used last with a well-known name. */
@inline
export function latestKnown(table: usize, id: i32): usize {
  return table + getWord(table, Hpack.Index) + (<usize> id << 2);
}

/** The same for another name, which it shares with some more. */
@inline
export function latestOther(table: usize, name: usize, length: i32): usize {
  const kind = (<i32> load<u8>(name + <usize> length - 1) + length * 5) & 31;
  return table + getWord(table, Hpack.Index) + (<usize> (FIRST_OTHER + kind) << 2);
}

/** How many entries were added after this one; `Hpack.Count` or more when it is gone. */
@inline
export function ageOf(table: usize, entry: usize): u32 {
  return getWord(table, Hpack.Added) - load<i32>(entry, TableEntry.Number << 2);
}

/** Whether an entry has this id and value; for id 0 the name is still to be compared. */
@inline
export function hasValue(entry: usize, id: i32, value: usize, length: i32): bool {
  return load<i32>(entry, TableEntry.ValueLength << 2) == length && load<i32>(entry, TableEntry.Mark << 2) == id &&
    equalBytes(value, load<u32>(entry, TableEntry.Value << 2), length);
}

/** The address of the place in a set that has this tag, 0 when none has. */
@inline
export function placeIn(set: usize, tag: i32): usize {
  const same = i32x4.bitmask(i32x4.eq(v128.load(set), i32x4.splat(tag)));
  return same ? set + (<usize> ctz(same) << 2) : 0;
}

/** How many entries were added after the one at a place; not below `Hpack.Count` when it is gone, or never was. */
@inline
export function ageAt(table: usize, place: usize): u32 {
  return getWord(table, Hpack.Added) - load<i32>(place, 16);
}

/** Gives a tag a place in a set: of an entry that is gone if there is one, else of any. @returns its address */
export function givePlace(table: usize, set: usize, tag: i32): usize {
  const ages = i32x4.sub(i32x4.splat(getWord(table, Hpack.Added)), v128.load(set, 16));
  // Ages and counts are small: far from where a sign would matter, save for those of entries long gone.
  const live = i32x4.bitmask(i32x4.lt_u(ages, i32x4.splat(getWord(table, Hpack.Count))));
  const turn = (getWord(table, Hpack.Turn) + 1) & 3;
  setWord(table, Hpack.Turn, turn);
  // The first place from `turn` on that is free; `turn` itself when none is.
  const free = ~live & 15;
  const turned = (free | free << 4) >> turn & 15;
  const way = turned ? (turn + ctz(turned)) & 3 : turn;
  const place = set + (<usize> way << 2);
  store<i32>(place, tag);
  store<i32>(place, 0, 16);
  return place;
}
