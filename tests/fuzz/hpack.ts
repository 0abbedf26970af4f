/**
 * Field blocks against a model of HPACK and of the rules for fields: what our decoder makes of blocks that are nearly right, and
 * what both decoders make of what our encoder wrote. One table takes several blocks, so that what a block left in it matters.
 */
import { Buffer } from "node:buffer";
import hpack from "hpack.js";
import { type Decoded, type Field, FieldBench } from "../../src/wasm/field_bench.ts";
import { BlockKind, BlockReason, FieldFlag } from "../../src/wasm/http2.ts";
import { Outcome } from "../../src/wasm/http1.ts";
import type { Workbench } from "../../src/wasm/workbench.ts";
import { fieldList, writeBlock } from "./blocks.ts";
import { judge } from "./field_model.ts";
import { CompressionError, HpackModel, type ModelField } from "./hpack_model.ts";
import { Input } from "./input.ts";
import { mutate, type Random } from "./random.ts";
import type { Target } from "./target.ts";

const SIZES = [4096, 0, 31, 32, 64, 100, 200, 400];
const KINDS = [BlockKind.Request, BlockKind.Response, BlockKind.Trailers];
const LIMITS = [{ maxHeaders: 200, maxListSize: 65536 }, { maxHeaders: 3, maxListSize: 65536 }, {
  maxHeaders: 200,
  maxListSize: 150,
}];
const TEXT_BYTES = 32768;

/** A byte for the table's size and the limits, then blocks: kind, length, bytes. */
function generateBlocks(random: Random): string {
  let text = String.fromCharCode(random.once(2) ? random.below(256) : 0);
  for (let count = 1 + random.below(4); count > 0; count--) {
    const kind = random.below(3);
    const block = writeBlock(random, fieldList(random, kind)).slice(0, 16383);
    text += String.fromCharCode(kind, block.length >> 8, block.length & 255) + block;
  }
  return random.once(3) ? mutate(random, text) : text;
}

const listOf = (fields: readonly ModelField[]) =>
  JSON.stringify(
    fields.map(({ name, value, isNever }) => [name, value, isNever ? FieldFlag.NeverIndexed : 0]),
  );
const listOfHead = ({ head }: Decoded) =>
  JSON.stringify(head.headers.map(({ name, value, flags }) => [name, value, flags & FieldFlag.NeverIndexed]));

function same(what: string, ours: unknown, models: unknown): void {
  if (ours !== models) throw new Error(`${what} is ${ours}, the model says ${models}`);
}

/** What of a list finds room in the record, and whether all does. */
function limited(list: readonly ModelField[], { maxHeaders, maxListSize }: typeof LIMITS[number]) {
  const kept: ModelField[] = [];
  let size = 0, entries = 0, isWhole = true;
  for (const field of list) {
    size += field.name.length + field.value.length + 32;
    const isPseudo = field.name.startsWith(":");
    if (size > maxListSize || (!isPseudo && entries === maxHeaders)) isWhole = false;
    else {
      kept.push(field);
      if (!isPseudo) entries++;
    }
    if (size > maxListSize) size = Infinity;
  }
  return { kept, isWhole };
}

function checkBlock(
  ours: Decoded,
  list: readonly ModelField[],
  kind: BlockKind,
  limits: typeof LIMITS[number],
) {
  const { kept, isWhole } = limited(list, limits);
  const { pseudo, fields, isGood } = judge(kept, kind);
  same("the list", listOfHead(ours), listOf(fields));
  const isAccepted = ours.reason === BlockReason.None;
  same(`the verdict (${BlockReason[ours.reason]}) of ${JSON.stringify(list)}`, isAccepted, isGood && isWhole);
  if (!isAccepted) return;
  const { head } = ours;
  same(
    "the size",
    head.length,
    list.reduce((sum, { name, value }) => sum + name.length + value.length + 32, 0),
  );
  if (kind === BlockKind.Response) same("the status", String(head.status), pseudo.get(":status"));
  if (kind !== BlockKind.Request) return;
  const host = fields.find(({ name }) => name === "host")?.value;
  same("the method", head.methodText, pseudo.get(":method"));
  same("the path", head.target, pseudo.get(":path") ?? "");
  same("the scheme", head.scheme, pseudo.get(":scheme") ?? "");
  same("the protocol", head.protocol, pseudo.get(":protocol") ?? "");
  same("the authority", head.authority, pseudo.get(":authority") || (host ?? ""));
  same("the path without query", head.pathOnly, head.path.split("?")[0]);
}

export function hpackBlockTarget(bench: Workbench): Target {
  return {
    name: "hpack-blocks",
    generate: generateBlocks,
    check(bytes) {
      const input = new Input(bytes), choice = input.byte();
      const size = SIZES[choice & 7] ?? 0, limits = LIMITS[(choice >> 3) % LIMITS.length] ?? LIMITS[0]!;
      const coder = new FieldBench(bench, size), model = new HpackModel(size);
      while (!input.isAtEnd) {
        const kind = input.pick(KINDS);
        const block = input.take(input.byte() << 8 | input.byte());
        let list: ModelField[] | undefined;
        try {
          list = model.decode(block);
        } catch (error) {
          if (!(error instanceof CompressionError)) throw error;
        }
        const ours = coder.decode(block, kind, { ...limits, textBytes: TEXT_BYTES });
        if (ours.outcome < Outcome.Bad || ours.outcome > TEXT_BYTES) {
          throw new Error(`used ${ours.outcome} bytes of text`);
        }
        same(`whether it is a block (${BlockReason[ours.reason]})`, ours.outcome >= 0, list !== undefined);
        if (list === undefined) return;
        checkBlock(ours, list, kind, limits);
      }
    },
  };
}

const NAMES = [
  "accept",
  ":path",
  "x-a",
  "grpc-status",
  "b",
  "cookie",
  "te",
  "x".repeat(40),
  "content-length",
];
const FLAGS = [0, 0, 0, 0, FieldFlag.NeverIndexed, FieldFlag.NotIndexed];

/** A list of fields from bytes. */
function listFrom(input: Input): Field[] {
  return Array.from({ length: input.below(9) }, () => {
    const choice = input.byte();
    const name = choice < 128 ? NAMES[choice % NAMES.length] ?? "" : `n${choice % 40}`;
    const kind = input.byte();
    const value = kind < 64
      ? "y".repeat(kind * 3)
      : kind < 160
      ? String(kind)
      : String.fromCharCode(...input.take(kind % 40));
    return { name, value, flags: FLAGS[input.below(FLAGS.length)] ?? 0 };
  });
}

export function hpackRoundTripTarget(bench: Workbench): Target {
  return {
    name: "hpack-round-trip",
    generate: (random) =>
      String.fromCharCode(random.below(256), random.below(256)) + random.bytes(40) + random.bytes(80),
    check(bytes) {
      const input = new Input(bytes), size = input.pick(SIZES), choice = input.byte();
      const coder = new FieldBench(bench, 4096, size, choice % 2 === 1);
      const model = new HpackModel(4096);
      const oracle = choice < 16 ? hpack.decompressor.create({ table: { maxSize: 4096 } }) : undefined;
      for (let round = 0; round < 6 && !input.isAtEnd; round++) {
        let allowed = -1;
        for (let resizes = input.below(6); resizes > 3; resizes--) {
          allowed = Math.min(input.pick(SIZES), size);
          coder.resizeEncoder(allowed);
        }
        const fields = listFrom(input);
        const block = coder.encode(fields);
        const expected = JSON.stringify(
          fields.map(({ name, value, flags = 0 }) => [name, value, flags & FieldFlag.NeverIndexed]),
        );
        const list = model.decode(block);
        same("what the model reads", listOf(list), expected);
        // A smaller table must be announced: an encoder that goes on with the old one is caught when its size comes.
        if (allowed >= 0 && size < 4096) same("a size update", (block[0] ?? 0) >> 5, 1);
        const ours = coder.decode(block, BlockKind.Trailers);
        const others = list.filter(({ name }) => !name.startsWith(":"));
        same("what we read", listOfHead(ours), listOf(others));
        if (oracle === undefined) continue;
        oracle.write(Buffer.from(block));
        oracle.execute();
        for (const { name, value } of fields) {
          const field = oracle.read();
          same("what hpack.js reads", `${field?.name}: ${field?.value}`, `${name}: ${value}`);
        }
      }
    },
  };
}
