/** Decoding of field blocks (RFC 7541). Contract: src/wasm/module.ts. */
import { BlockReason, FieldFlag, Hpack, TableEntry, TableMark } from "./layout";
import { Head, HeaderEntry, HeadFlag, Outcome } from "../http1/layout";
import { STATIC_COUNT } from "../gen/hpack_tables";
import { move, moveBorrowed, mustMove, room as movedEnd, startBorrowing } from "./borrowed";
import { codedId, codedText, codedTextLength, findCoded, isCodedName, LONGEST_CODED } from "./coded_texts";
import { entryAt, getWord, insertEntry, resizeTable, startTable } from "./dynamic_table";
import { fault, finishBlock, judgeEdges, judgeName, judgeValue, markOfId, startBlock, takeSpecial } from "./field_rules";
import { decodeHuffman, hadLongWord, roomFor } from "./huffman";
import { staticEntry } from "./static_table";

/** Marks that speak of an entry's value, not of its name. */
const VALUE_MARKS: i32 = TableMark.BadValue | TableMark.Judged;

/** Why the block cannot be decoded. This and all below lives for one call. */
let failure: i32 = 0;
/** The integer that was read last. */
let number: i32 = 0;
/** Where the next decoded string goes, and the end of that room. */
let textAt: usize = 0;
let textLimit: usize = 0;
/** The string that was read last, and whether its bytes need no look: Huffman codes of ordinary text. */
let text: usize = 0;
let textLength: i32 = 0;
let isOrdinary: bool = false;
/** What coded_texts.ts knows of it; 0 when it is none of the known ones. */
let coded: u32 = 0;

export function hpackDecoderStart(table: usize, maxSize: i32): void {
  startTable(table, maxSize);
}

/** Notes why. @returns 0, which is no place in a block */
function fail(reason: i32): usize {
  failure = reason;
  return 0;
}

/** The rest of an integer (section 5.1) whose prefix was all ones: at most 2^28 more than that. @returns the byte after it */
function readRest(at: usize, end: usize, prefix: i32): usize {
  let p = at;
  number = prefix;
  // Zeroes at the end could go on for ever: four bytes are enough for any number that could be right.
  for (let shift: i32 = 0; shift < 28; shift += 7) {
    if (p >= end) return fail(BlockReason.Truncated);
    const byte = <i32> load<u8>(p++);
    number += (byte & 127) << shift;
    if (byte < 128) return p;
  }
  return fail(BlockReason.BadInteger);
}

/** An integer with a prefix of `bits`, of which something is left. @returns the byte after it, 0 when it failed */
@inline
function readInteger(p: usize, end: usize, bits: i32): usize {
  const mask = (1 << bits) - 1;
  number = <i32> load<u8>(p) & mask;
  return number < mask ? p + 1 : readRest(p + 1, end, mask);
}

/** Decodes a Huffman string. Part of the loop, as `readString` is. @returns the byte after it, 0 when it failed */
@inline
function readHuffman(p: usize, length: i32): usize {
  coded = length <= LONGEST_CODED ? findCoded(p, length) : 0;
  if (coded) {
    text = codedText(coded);
    textLength = codedTextLength(coded);
    return p + length;
  }
  if (textAt + roomFor(length) > textLimit) return fail(BlockReason.TextTooLong);
  const decoded = decodeHuffman(p, length, textAt);
  if (decoded < 0) return fail(BlockReason.BadHuffman);
  text = textAt;
  textLength = decoded;
  textAt += decoded;
  isOrdinary = !hadLongWord;
  return p + length;
}

/** A string literal (section 5.2), left in `text` and `textLength`. @returns the byte after it, 0 when it failed */
@inline
function readString(at: usize, end: usize): usize {
  if (at >= end) return fail(BlockReason.Truncated);
  const first = <i32> load<u8>(at);
  let length = first & 127;
  let p = at + 1;
  if (length == 127) {
    p = readRest(p, end, 127);
    if (p == 0) return 0;
    length = number;
  }
  if (<usize> length > end - p) return fail(BlockReason.Truncated);
  if (first & 128) return readHuffman(p, length);
  text = p;
  textLength = length;
  isOrdinary = false;
  coded = 0;
  return p + length;
}

/** The mark of the string that was read last, as a name. */
@inline
function nameMark(): i32 {
  return isCodedName(coded) ? markOfId(codedId(coded)) : judgeName(text, textLength);
}

/** The same as a value. */
@inline
function valueMark(): i32 {
  return coded ? 0 : isOrdinary ? judgeEdges(text, textLength) : judgeValue(text, textLength);
}

/** The entry with an index (section 2.3.3), 0 when there is none. */
@inline
function entryOf(table: usize, index: i32): usize {
  if (index > STATIC_COUNT) return entryAt(table, index - STATIC_COUNT - 1);
  return index ? staticEntry(index) : 0;
}

/** Size updates (section 6.3), which only the beginning of a block may have. @returns the byte after them */
function readSizeUpdates(table: usize, at: usize, end: usize): usize {
  let p = at;
  while (p < end && (load<u8>(p) & 0xe0) == 0x20) {
    p = readInteger(p, end, 5);
    if (p == 0) return 0;
    if (number > getWord(table, Hpack.Limit)) return fail(BlockReason.BadSizeUpdate);
    resizeTable(table, number);
  }
  return p;
}

export function hpackDecode(
  table: usize,
  at: usize,
  end: usize,
  record: usize,
  base: usize,
  room: usize,
  roomEnd: usize,
  maxHeaders: i32,
  maxListSize: i32,
  kind: i32,
): i32 {
  failure = 0;
  textAt = room;
  textLimit = roomEnd;
  startBlock(record, base, kind);
  startBorrowing(table);
  const first = record + (Head.Headers << 2);
  const entryLimit = first + <usize> maxHeaders * (HeaderEntry.Words << 2);
  const bases = i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(0), 0, <i32> base), 2, <i32> base);
  let entry = first;
  let listSize: i32 = 0;
  /** `Head.Present`, as it will be. */
  let present: u64 = 0;
  let presentHigh: u32 = 0;
  let p = readSizeUpdates(table, at, end);
  while (p < end && p != 0) {
    const byte = <i32> load<u8>(p);
    let mark: i32;
    let known: usize;
    if (byte & 128) {
      p = readInteger(p, end, 7);
      if (p == 0) break;
      known = entryOf(table, number);
      if (known == 0) {
        p = fail(BlockReason.BadIndex);
        break;
      }
      const size = load<i32>(known, TableEntry.NameLength << 2) + load<i32>(known, TableEntry.ValueLength << 2) + 32;
      mark = load<i32>(known, TableEntry.Mark << 2);
      listSize += size;
      if (<u32> listSize > <u32> maxListSize) {
        listSize = i32.MAX_VALUE;
        fault(BlockReason.ListTooLarge);
        continue;
      }
      if (mark >= 0x10000) {
        const isPseudo = takeSpecial(
          load<u32>(known),
          load<i32>(known, TableEntry.NameLength << 2),
          load<u32>(known, TableEntry.Value << 2),
          load<i32>(known, TableEntry.ValueLength << 2),
          mark,
          known,
          entry > first,
        );
        if (isPseudo) continue;
      }
      if (entry == entryLimit) {
        fault(BlockReason.ListTooLarge);
        continue;
      }
      v128.store(entry, i32x4.sub(v128.load(known), bases));
      store<u64>(entry, <u64> (mark & 255), HeaderEntry.Id << 2);
    } else {
      if ((byte & 0xe0) == 0x20) {
        p = fail(BlockReason.BadSizeUpdate);
        break;
      }
      let name: usize;
      let nameLength: i32;
      let before = textAt;
      const isInserted = (byte & 64) != 0;
      p = isInserted ? readInteger(p, end, 6) : readInteger(p, end, 4);
      if (p == 0) break;
      if (number) {
        known = entryOf(table, number);
        if (known == 0) {
          p = fail(BlockReason.BadIndex);
          break;
        }
        name = load<u32>(known);
        nameLength = load<i32>(known, TableEntry.NameLength << 2);
        mark = load<i32>(known, TableEntry.Mark << 2) & ~VALUE_MARKS;
      } else {
        p = readString(p, end);
        if (p == 0) break;
        name = text;
        nameLength = textLength;
        mark = nameMark();
      }
      p = readString(p, end);
      if (p == 0) break;
      const value = text;
      const valueLength = textLength;
      mark |= valueMark();
      known = 0;
      if (isInserted) {
        if (mustMove(table, nameLength + valueLength)) {
          const isDone = moveBorrowed(table, record, entry, base, textAt, textLimit);
          name = isDone ? move(name, nameLength) : 0;
          if (name == 0) {
            p = fail(BlockReason.TextTooLong);
            break;
          }
          textAt = movedEnd;
          before = textAt;
        }
        known = insertEntry(table, name, nameLength, value, valueLength, mark);
      }
      listSize += nameLength + valueLength + 32;
      if (<u32> listSize > <u32> maxListSize) {
        listSize = i32.MAX_VALUE;
        fault(BlockReason.ListTooLarge);
        textAt = before;
        continue;
      }
      if (mark >= 0x10000) {
        if (takeSpecial(name, nameLength, value, valueLength, mark, known, entry > first)) continue;
      }
      if (entry == entryLimit) {
        fault(BlockReason.ListTooLarge);
        textAt = before;
        continue;
      }
      store<i32>(entry, <i32> (name - base));
      store<i32>(entry, nameLength, HeaderEntry.NameLength << 2);
      store<i32>(entry, <i32> (value - base), HeaderEntry.ValueOffset << 2);
      store<i32>(entry, valueLength, HeaderEntry.ValueLength << 2);
      store<i32>(entry, mark & 255, HeaderEntry.Id << 2);
      store<i32>(entry, (byte & 0xf0) == 16 ? <i32> FieldFlag.NeverIndexed : 0, HeaderEntry.Flags << 2);
    }
    entry += HeaderEntry.Words << 2;
    const bit = <u32> mark >> 8 & 255;
    if (bit < 64) present |= <u64> 1 << bit;
    else presentHigh |= 1 << (bit & 31);
  }
  if (p == 0) {
    store<i32>(record, failure, Head.Reason << 2);
    return Outcome.Bad;
  }
  store<u64>(record, present, Head.Present << 2);
  store<u32>(record, presentHigh, (Head.Present + 2) << 2);
  if (presentHigh) {
    store<i32>(record, load<i32>(record, Head.Flags << 2) | HeadFlag.HasMeshHeader, Head.Flags << 2);
  }
  finishBlock(entry, listSize);
  return <i32> (textAt - room);
}
