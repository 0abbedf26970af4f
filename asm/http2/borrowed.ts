/**
 * Texts of the dynamic table that the record of the block being decoded points to. They are not copied: what their
 * entries held stays where it is even when evicted, until the ring of texts comes round. Only a block that adds about as
 * much as the table holds comes that far; then they are moved.
 */
import { Hpack } from "./layout";
import { Head, HeaderEntry } from "../http1/layout";
import { copyBytes } from "./bytes";
import { getWord, oldestStart, writtenAfter } from "./dynamic_table";

/** `Hpack.Written` of the oldest text that may be borrowed. */
let oldest: u32 = 0;
let ringBegin: usize = 0;
let ringBytes: usize = 0;
/** Where the next moved text goes, and the end of that room. */
export let room: usize = 0;
let roomEnd: usize = 0;

export function startBorrowing(table: usize): void {
  oldest = oldestStart(table);
  ringBegin = table + <usize> getWord(table, Hpack.TextOffset);
  ringBytes = <usize> getWord(table, Hpack.Limit) << 1;
}

/** Whether adding `length` bytes of text might write where a borrowed one lies. */
@inline
export function mustMove(table: usize, length: i32): bool {
  return <usize> (writtenAfter(table, length) - oldest) > ringBytes;
}

/** The place of a text from now on: where it is, or `room` when it was borrowed; 0 when there is no room. */
export function move(at: usize, length: i32): usize {
  if (at - ringBegin >= ringBytes) return at;
  if (room + <usize> length > roomEnd) return 0;
  const to = room;
  copyBytes(to, at, length);
  room += <usize> length;
  return to;
}

/** Moves the text whose offset and length stand at these words. */
function moveWords(offsetWord: usize, lengthWord: usize, base: usize): bool {
  const length = load<i32>(lengthWord);
  if (length <= 0) return true;
  const to = move(base + load<i32>(offsetWord), length);
  store<i32>(offsetWord, <i32> (to - base));
  return to != 0;
}

/**
 * Moves every borrowed text of a record whose entries end at `entryEnd` to `to`.
 * @returns false when there was not enough room
 */
export function moveBorrowed(table: usize, record: usize, entryEnd: usize, base: usize, to: usize, end: usize): bool {
  room = to;
  roomEnd = end;
  oldest = oldestStart(table);
  let isDone = moveWords(record + (Head.MethodOffset << 2), record + (Head.MethodLength << 2), base) &&
    moveWords(record + (Head.SchemeOffset << 2), record + (Head.SchemeLength << 2), base) &&
    moveWords(record + (Head.AuthorityOffset << 2), record + (Head.AuthorityLength << 2), base) &&
    moveWords(record + (Head.TargetOffset << 2), record + (Head.TargetLength << 2), base) &&
    moveWords(record + (Head.ProtocolOffset << 2), record + (Head.ProtocolLength << 2), base) &&
    moveWords(record + (Head.HostOffset << 2), record + (Head.HostLength << 2), base);
  store<i32>(record + (Head.PathOffset << 2), load<i32>(record + (Head.TargetOffset << 2)));
  let entry = record + (Head.Headers << 2);
  for (; isDone && entry < entryEnd; entry += HeaderEntry.Words << 2) {
    isDone = moveWords(entry, entry + (HeaderEntry.NameLength << 2), base) &&
      moveWords(entry + (HeaderEntry.ValueOffset << 2), entry + (HeaderEntry.ValueLength << 2), base);
  }
  return isDone;
}
