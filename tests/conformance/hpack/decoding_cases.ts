/** What a decoder must make of field blocks, by clause of RFC 7541. */
import { BlockReason } from "../../../src/wasm/http2.ts";
import {
  added,
  type Bytes,
  coded,
  huffman,
  indexed,
  integer,
  never,
  plain,
  resize,
  unindexed,
} from "./notation.ts";

export interface DecodingCase {
  readonly clause: string;
  readonly says: string;
  /** Our SETTINGS_HEADER_TABLE_SIZE; 4096 when it does not matter. */
  readonly tableSize?: number;
  /** Blocks in sequence, all but the last of which are good. */
  readonly blocks: readonly Bytes[];
  /** The fields of the last block, or why it is no block. Names and values as "name: value". */
  readonly expect: readonly string[] | BlockReason;
}

const A = added(plain("a"), plain("1")), B = added(plain("b"), plain("2")), C = added(plain("c"), plain("3"));
/** Bytes that an entry of a name and a value of one byte each counts (section 4.1). */
const SMALL = 34;

const lists: readonly DecodingCase[] = [
  {
    clause: "2.1",
    says: "fields stay in order, and twice the same is twice",
    blocks: [A + A + B + indexed(63) + indexed(62)],
    expect: ["a: 1", "a: 1", "b: 2", "a: 1", "b: 2"],
  },
  { clause: "2.1", says: "an empty block is an empty list", blocks: [""], expect: [] },
  {
    clause: "2.2",
    says: "each direction has a table of its own, empty at first",
    blocks: [indexed(62)],
    expect: BlockReason.BadIndex,
  },
];

const tables: readonly DecodingCase[] = [
  {
    clause: "2.3.2",
    says: "the newest entry has the lowest index",
    blocks: [A + B + C, indexed(62) + indexed(63) + indexed(64)],
    expect: ["c: 3", "b: 2", "a: 1"],
  },
  {
    clause: "2.3.2",
    says: "the table may hold the same entry twice",
    blocks: [A + A, indexed(62) + indexed(63)],
    expect: ["a: 1", "a: 1"],
  },
  { clause: "2.3.3", says: "index 0 stands for nothing", blocks: [indexed(0)], expect: BlockReason.BadIndex },
  {
    clause: "2.3.3",
    says: "61 is the last static index",
    blocks: [indexed(61)],
    expect: ["www-authenticate: "],
  },
  {
    clause: "2.3.3",
    says: "an index beyond both tables",
    blocks: [A + indexed(63)],
    expect: BlockReason.BadIndex,
  },
  {
    clause: "2.3.3",
    says: "a name's index beyond both tables",
    blocks: [A + unindexed(63, plain("x"))],
    expect: BlockReason.BadIndex,
  },
  {
    clause: "2.3.3",
    says: "an index of two bytes",
    tableSize: 65536,
    blocks: [A + B.repeat(150), indexed(212) + indexed(62)],
    expect: ["a: 1", "b: 2"],
  },
];

const sizes: readonly DecodingCase[] = [
  {
    clause: "4.1",
    says: "an entry counts 32 bytes more than its texts: one that just fits",
    tableSize: SMALL,
    blocks: [A, indexed(62)],
    expect: ["a: 1"],
  },
  {
    clause: "4.1",
    says: "one byte too many for the table",
    tableSize: SMALL - 1,
    blocks: [A, indexed(62)],
    expect: BlockReason.BadIndex,
  },
  {
    clause: "4.1",
    says: "an empty value counts nothing",
    tableSize: 33,
    blocks: [added(plain("x"), plain("")), indexed(62)],
    expect: ["x: "],
  },
  {
    clause: "4.1",
    says: "texts count decoded, not as they were coded",
    tableSize: 32 + 1 + 8,
    blocks: [added(plain("a"), huffman("eeeeeeee")), indexed(62)],
    expect: ["a: eeeeeeee"],
  },
  {
    clause: "4.1",
    says: "and so may be too long for a table that their code would fit into",
    tableSize: 32 + 1 + 7,
    blocks: [added(plain("a"), huffman("eeeeeeee")), indexed(62)],
    expect: BlockReason.BadIndex,
  },
  {
    clause: "4.2",
    says: "a size below our limit is taken",
    blocks: [A + B, resize(SMALL) + indexed(62)],
    expect: ["b: 2"],
  },
  {
    clause: "4.2",
    says: "a size above our limit",
    tableSize: 100,
    blocks: [resize(101)],
    expect: BlockReason.BadSizeUpdate,
  },
  {
    clause: "4.2",
    says: "the size of our limit",
    tableSize: 100,
    blocks: [resize(0), resize(100) + A, indexed(62)],
    expect: ["a: 1"],
  },
  {
    clause: "4.2",
    says: "smallest and last size in one block",
    blocks: [A, resize(0) + resize(4096) + B, indexed(62)],
    expect: ["b: 2"],
  },
  {
    clause: "4.2",
    says: "a size update after a field",
    blocks: [A + resize(0)],
    expect: BlockReason.BadSizeUpdate,
  },
  { clause: "4.2", says: "a block of a size update alone", blocks: [A, resize(0)], expect: [] },
  {
    clause: "4.3",
    says: "a smaller size puts out the oldest entries, no more than it must",
    blocks: [A + B + C, resize(2 * SMALL), indexed(62) + indexed(63)],
    expect: ["c: 3", "b: 2"],
  },
  {
    clause: "4.3",
    says: "and those only",
    blocks: [A + B + C, resize(2 * SMALL), indexed(64)],
    expect: BlockReason.BadIndex,
  },
  {
    clause: "4.3",
    says: "size 0 empties the table",
    blocks: [A, resize(0), resize(4096) + indexed(62)],
    expect: BlockReason.BadIndex,
  },
  {
    clause: "4.4",
    says: "a new entry puts out the oldest ones",
    tableSize: 2 * SMALL,
    blocks: [A + B + C, indexed(62) + indexed(63)],
    expect: ["c: 3", "b: 2"],
  },
  {
    clause: "4.4",
    says: "as many as it needs room for",
    tableSize: 3 * SMALL,
    blocks: [A + B + added(plain("long"), plain("x".repeat(40))), indexed(63)],
    expect: BlockReason.BadIndex,
  },
  {
    clause: "4.4",
    says: "an entry larger than the table empties it, and is no error",
    tableSize: SMALL,
    blocks: [A + added(plain("a"), plain("22")), indexed(62)],
    expect: BlockReason.BadIndex,
  },
  {
    clause: "4.4",
    says: "the field itself is there all the same",
    tableSize: SMALL,
    blocks: [A + added(plain("a"), plain("22"))],
    expect: ["a: 1", "a: 22"],
  },
  {
    clause: "4.4",
    says: "a new entry may have the name of one that it puts out",
    tableSize: SMALL,
    blocks: [A, added(62, plain("9")) + indexed(62)],
    expect: ["a: 9", "a: 9"],
  },
  {
    clause: "4.4",
    says: "with a table of 0 every entry is too large",
    tableSize: 0,
    blocks: [A + B, indexed(62)],
    expect: BlockReason.BadIndex,
  },
];

const integers: readonly DecodingCase[] = [
  {
    clause: "5.1",
    says: "1337 with a prefix of 5 bits (C.1.2)",
    blocks: ["\x3f\x9a\x0a" + A],
    expect: ["a: 1"],
  },
  {
    clause: "5.1",
    says: "a number that fills its prefix takes a second byte of 0",
    blocks: [unindexed(15, plain("x"))],
    expect: ["accept-charset: x"],
  },
  {
    clause: "5.1",
    says: "needless zeroes at the end are no error, up to a bound",
    blocks: [integer(0, 4, 15, 2) + plain("x")],
    expect: ["accept-charset: x"],
  },
  {
    clause: "5.1",
    says: "zeroes without end",
    blocks: ["\xff" + "\x80".repeat(20) + "\x00"],
    expect: BlockReason.BadInteger,
  },
  {
    clause: "5.1",
    says: "a number beyond what could be right",
    blocks: [`\xff\xff\xff\xff\xff\xff\x7f`],
    expect: BlockReason.BadInteger,
  },
  {
    clause: "5.1",
    says: "a number that would wrap around to a good index",
    blocks: ["\xff\x83\xff\xff\xff\x0f"],
    expect: BlockReason.BadInteger,
  },
  { clause: "5.1", says: "the block ends within a number", blocks: ["\xff"], expect: BlockReason.Truncated },
  {
    clause: "5.1",
    says: "the block ends within a longer number",
    blocks: ["\xff\x80"],
    expect: BlockReason.Truncated,
  },
];

const strings: readonly DecodingCase[] = [
  {
    clause: "5.2",
    says: "an empty value, plain and coded",
    blocks: [unindexed(plain("a"), plain("")) + unindexed(plain("b"), coded(""))],
    expect: ["a: ", "b: "],
  },
  {
    clause: "5.2",
    says: "name and value coded",
    blocks: [unindexed(huffman("custom-key"), huffman("custom-value"))],
    expect: ["custom-key: custom-value"],
  },
  {
    clause: "5.2",
    says: "a string of 127 bytes and more",
    blocks: [unindexed(plain("a"), plain("x".repeat(127))) + unindexed(plain("b"), huffman("y".repeat(300)))],
    expect: [`a: ${"x".repeat(127)}`, `b: ${"y".repeat(300)}`],
  },
  {
    clause: "5.2",
    says: "a string longer than its block",
    blocks: [unindexed(plain("a"), plain("x", 2))],
    expect: BlockReason.Truncated,
  },
  {
    clause: "5.2",
    says: "a coded string longer than its block",
    blocks: [unindexed(plain("a"), "\x82\x1f")],
    expect: BlockReason.Truncated,
  },
  {
    clause: "5.2",
    says: "a length that would wrap around",
    blocks: [unindexed(plain("a"), "\x7f\x80\xff\xff\xff\x0f")],
    expect: BlockReason.BadInteger,
  },
  {
    clause: "5.2",
    says: "padding of 7 ones",
    blocks: [unindexed(plain("a"), coded("\x00\x2e\x7f"))],
    expect: ["a: 00:"],
  },
  {
    clause: "5.2",
    says: "padding of 8 ones",
    blocks: [unindexed(plain("a"), coded("\x1f\xff"))],
    expect: BlockReason.BadHuffman,
  },
  {
    clause: "5.2",
    says: "padding with a zero",
    blocks: [unindexed(plain("a"), coded("\x18"))],
    expect: BlockReason.BadHuffman,
  },
  {
    clause: "5.2",
    says: "the end of string within",
    blocks: [unindexed(plain("a"), coded("\x3f\xff\xff\xff"))],
    expect: BlockReason.BadHuffman,
  },
  {
    clause: "5.2",
    says: "the end of string at the end",
    blocks: [unindexed(plain("a"), coded("\xff\xff\xff\xff"))],
    expect: BlockReason.BadHuffman,
  },
  {
    clause: "5.2",
    says: "the end of string deep within a long string",
    blocks: [unindexed(plain("a"), coded("\x1c".repeat(40) + "\xff\xff\xff\xff" + "\x1c".repeat(40)))],
    expect: BlockReason.BadHuffman,
  },
  {
    clause: "5.2",
    says: "a word cut off by the end",
    blocks: [unindexed(plain("a"), coded("\xfe"))],
    expect: BlockReason.BadHuffman,
  },
  {
    clause: "5.2",
    says: "the block ends before the name",
    blocks: ["\x40"],
    expect: BlockReason.Truncated,
  },
  {
    clause: "5.2",
    says: "the block ends before the value",
    blocks: ["\x40" + plain("a")],
    expect: BlockReason.Truncated,
  },
];

const representations: readonly DecodingCase[] = [
  {
    clause: "6.1",
    says: "an indexed field adds no entry",
    blocks: [A + indexed(58), indexed(62)],
    expect: ["a: 1"],
  },
  {
    clause: "6.2.1",
    says: "a literal with an entry: static, dynamic and new name",
    blocks: [
      added(19, plain("x")) + A + added(62, plain("y")) + B,
      indexed(62) + indexed(63) + indexed(64) + indexed(65),
    ],
    expect: ["b: 2", "a: y", "a: 1", "accept: x"],
  },
  {
    clause: "6.2.2",
    says: "a literal without entry adds none, with any name",
    blocks: [
      A + unindexed(19, plain("x")) + unindexed(62, plain("y")) + unindexed(plain("z"), plain("")),
      indexed(62),
    ],
    expect: ["a: 1"],
  },
  {
    clause: "6.2.3",
    says: "a literal never to be indexed adds none, with any name",
    blocks: [
      A + never(19, plain("x")) + never(62, plain("y")) + never(plain("z"), plain("")),
      indexed(62),
    ],
    expect: ["a: 1"],
  },
  {
    clause: "6.2",
    says: "all four ways to write a field mean the same",
    blocks: [
      added(plain("a"), plain("1")) + indexed(62) + unindexed(62, plain("1")) +
      never(plain("a"), plain("1")),
    ],
    expect: ["a: 1", "a: 1", "a: 1", "a: 1"],
  },
  {
    clause: "6.3",
    says: "a size update of two bytes",
    blocks: [resize(4096) + A],
    expect: ["a: 1"],
  },
];

export const decodingCases: readonly DecodingCase[] = [
  ...lists,
  ...tables,
  ...sizes,
  ...integers,
  ...strings,
  ...representations,
];
