/** Decoding of field blocks (RFC 7541). Contract: src/wasm/module.ts. */
import { BlockReason, FieldFlag, Hpack, TableEntry } from "./layout";
import { Head, Outcome } from "../http1/layout";
import {
  STATIC_AT,
  STATIC_COUNT,
  STATIC_ID,
  STATIC_NAME_LENGTH,
  STATIC_TEXT,
  STATIC_VALUE_LENGTH,
} from "../gen/hpack_tables";
import { copyBytes } from "./bytes";
import { entryAt, getWord, insertEntry, resizeTable, startTable } from "./dynamic_table";
import { finishBlock, judgeName, judgeValue, startBlock, takeField } from "./field_rules";
import { decodeHuffman } from "./huffman";

/** The place in the block, its end, and why it cannot be decoded. All of this lives for one call. */
let position: usize = 0;
let limit: usize = 0;
let failure: i32 = 0;
/** Where the next decoded string goes, and the end of that room. */
let textAt: usize = 0;
let textLimit: usize = 0;
/** The string or field that was read last. */
let name: usize = 0;
let nameLength: i32 = 0;
let value: usize = 0;
let valueLength: i32 = 0;
let mark: i32 = 0;

export function hpackDecoderStart(table: usize, maxSize: i32): void {
  startTable(table, maxSize);
}

function fail(reason: i32): void {
  if (failure == 0) failure = reason;
}

/** An integer with a prefix of `bits` (section 5.1); at most 2^28. */
function readInteger(bits: i32): i32 {
  const mask = (1 << bits) - 1;
  let number = <i32> load<u8>(position++) & mask;
  if (number < mask) return number;
  // Zeroes at the end could go on for ever: four bytes are enough for any number that could be right.
  for (let shift: i32 = 0; shift < 28; shift += 7) {
    if (position >= limit) {
      fail(BlockReason.Truncated);
      return 0;
    }
    const byte = <i32> load<u8>(position++);
    number += (byte & 127) << shift;
    if (byte < 128) return number;
  }
  fail(BlockReason.BadInteger);
  return 0;
}

/** Copies a string of the dynamic table, which a later field may overwrite. */
function keep(from: usize, length: i32): usize {
  const to = textAt;
  if (to + <usize> length > textLimit) {
    fail(BlockReason.TextTooLong);
    return to;
  }
  copyBytes(to, from, length);
  textAt = to + <usize> length;
  return to;
}

/** A string literal (section 5.2): its address; its length is in `stringLength`. */
let stringLength: i32 = 0;
function readString(): usize {
  stringLength = 0;
  if (position >= limit) {
    fail(BlockReason.Truncated);
    return 0;
  }
  const isHuffman = (load<u8>(position) & 128) != 0;
  const length = readInteger(7);
  if (failure) return 0;
  if (<usize> length > limit - position) {
    fail(BlockReason.Truncated);
    return 0;
  }
  const at = position;
  position += length;
  if (!isHuffman) {
    stringLength = length;
    return at;
  }
  const decoded = decodeHuffman(at, length, textAt, textLimit);
  if (decoded < 0) {
    fail(decoded == -1 ? BlockReason.BadHuffman : BlockReason.TextTooLong);
    return 0;
  }
  const text = textAt;
  textAt += decoded;
  stringLength = decoded;
  return text;
}

/** Takes name and value (or the name alone) from the entry with an index (section 2.3.3). */
function readEntry(table: usize, index: i32, withValue: bool): void {
  if (index <= STATIC_COUNT) {
    if (index == 0) return fail(BlockReason.BadIndex);
    name = STATIC_TEXT + <usize> load<u16>(STATIC_AT + (<usize> index << 1));
    nameLength = load<u8>(STATIC_NAME_LENGTH + <usize> index);
    mark = load<u8>(STATIC_ID + <usize> index);
    value = name + nameLength;
    valueLength = load<u8>(STATIC_VALUE_LENGTH + <usize> index);
    return;
  }
  const entry = entryAt(table, index - STATIC_COUNT - 1);
  if (entry == 0) return fail(BlockReason.BadIndex);
  nameLength = load<i32>(entry, TableEntry.NameLength << 2);
  valueLength = load<i32>(entry, TableEntry.ValueLength << 2);
  mark = load<i32>(entry, TableEntry.Mark << 2);
  name = keep(load<u32>(entry), withValue ? nameLength + valueLength : nameLength);
  value = name + nameLength;
}

/** A literal field (section 6.2) whose index has a prefix of `bits`. */
function readLiteral(table: usize, bits: i32): void {
  const index = readInteger(bits);
  if (failure) return;
  if (index) {
    readEntry(table, index, false);
    mark &= 0x1ff; // the name's part
  } else {
    name = readString();
    nameLength = stringLength;
    if (failure == 0) mark = judgeName(name, nameLength);
  }
  if (failure) return;
  value = readString();
  valueLength = stringLength;
  if (failure == 0) mark |= judgeValue(value, valueLength);
}

/** A size update (section 6.3), which only the beginning of a block may have. */
function readSizeUpdate(table: usize, mayCome: bool): void {
  const size = readInteger(5);
  if (failure) return;
  if (!mayCome || size > getWord(table, Hpack.Limit)) return fail(BlockReason.BadSizeUpdate);
  resizeTable(table, size);
}

/** Reads one field or size update. @returns whether it was a field, with its `FieldFlag` bits in `fieldFlags` */
let fieldFlags: i32 = 0;
function readRepresentation(table: usize, isFirst: bool): bool {
  const byte = load<u8>(position);
  fieldFlags = 0;
  if (byte & 128) {
    const index = readInteger(7);
    if (failure == 0) readEntry(table, index, true);
  } else if (byte & 64) {
    readLiteral(table, 6);
    if (failure == 0) insertEntry(table, name, nameLength, value, valueLength, mark);
  } else if (byte & 32) {
    readSizeUpdate(table, isFirst);
    return false;
  } else {
    if (byte & 16) fieldFlags = FieldFlag.NeverIndexed;
    readLiteral(table, 4);
  }
  return true;
}

export function hpackDecode(
  table: usize,
  at: usize,
  end: usize,
  record: usize,
  base: usize,
  text: usize,
  textEnd: usize,
  maxHeaders: i32,
  maxListSize: i32,
  kind: i32,
): i32 {
  position = at;
  limit = end;
  failure = 0;
  textAt = text;
  textLimit = textEnd;
  startBlock(record, base, maxHeaders, maxListSize, kind);
  let isFirst: bool = true;
  while (position < limit) {
    const before = textAt;
    const isField = readRepresentation(table, isFirst);
    if (failure) {
      store<i32>(record + (Head.Reason << 2), failure);
      return Outcome.Bad;
    }
    if (!isField) continue;
    isFirst = false;
    if (!takeField(name, nameLength, value, valueLength, mark, fieldFlags)) textAt = before;
  }
  finishBlock();
  return <i32> (textAt - text);
}
