/**
 * Heads from HTTP/1 to HTTP/2 and back, and the other way round: the message stays the same but for what ends at this hop, and
 * nothing that a peer can send comes out as more than one head. Every block goes through the same table three times: spelt
 * out, added, indexed.
 */
import { type HeadView, viewHead } from "../../src/wasm/head.ts";
import { Body } from "../../src/wasm/http1.ts";
import { BlockKind, BlockReason, FieldFlag } from "../../src/wasm/http2.ts";
import { type Source, TranscodeBench } from "../../src/wasm/transcode_bench.ts";
import type { Workbench } from "../../src/wasm/workbench.ts";
import { fieldList } from "./blocks.ts";
import { requests, responses } from "./http1_messages.ts";
import { Input } from "./input.ts";
import { mutate, type Random } from "./random.ts";
import type { Target } from "./target.ts";
import { forwarded, forwardedToHttp1, type Pair, pathOf } from "./transcode_model.ts";

const KINDS = [BlockKind.Request, BlockKind.Response, BlockKind.Trailers];
/** A request that must never be read as part of what was written before it. */
const NEXT = "GET /next HTTP/1.1\r\nhost: next\r\n\r\n";

function same(what: string, ours: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(ours), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: ${a}, expected ${b}`);
}

const pairs = (head: HeadView) => head.headers.map(({ name, value }): Pair => [name.toLowerCase(), value]);

function isSecret(name: string, value: string): boolean {
  if (name === "cookie") return value.length < 20;
  return name === "authorization" || name === "proxy-authorization" || name === "set-cookie";
}

class Transcoding {
  readonly #bench: Workbench;
  readonly #coder: TranscodeBench;

  constructor(bench: Workbench, usesHuffman: boolean, tableSize = 4096) {
    this.#bench = bench;
    this.#coder = new TranscodeBench(bench, usesHuffman, tableSize);
  }

  /** Parses a head of HTTP/1. @returns it, if it is one */
  parse(text: string | Uint8Array, kind: BlockKind): { outcome: number; head: HeadView | undefined } {
    if (kind === BlockKind.Request) return this.#bench.request(text);
    return kind === BlockKind.Response ? this.#bench.response(text) : this.#bench.trailers(text);
  }

  /** Decodes a list of fields that was encoded one by one. @returns the head, if it is a message */
  decode(list: readonly Pair[], kind: BlockKind): HeadView | undefined {
    const { fields } = this.#coder;
    const { outcome, reason, head } = fields.decode(
      fields.encode(list.map(([name, value]) => ({ name, value }))),
      kind,
    );
    if (outcome < 0) throw new Error(`our own block is broken: ${BlockReason[reason]}`);
    return reason === BlockReason.None ? head : undefined;
  }

  /** The record as a field block, decoded again. */
  toHttp2(source: Source, kind: BlockKind): HeadView {
    const { memory } = this.#bench.module;
    const before = viewHead(memory, source.base, source.record);
    const block = this.#coder.encode(source, kind);
    if (block === undefined) throw new Error("there was no room");
    const { outcome, reason, head } = this.#coder.fields.decode(block, kind);
    if (outcome < 0 || reason !== BlockReason.None) {
      throw new Error(`the block is refused: ${BlockReason[reason]}`);
    }
    same("fields", pairs(head), forwarded(before, kind));
    for (const { name, value, flags } of head.headers) {
      if (isSecret(name, value) && !(flags & FieldFlag.NeverIndexed)) {
        throw new Error(`${name} may be indexed`);
      }
    }
    if (kind === BlockKind.Response) same("status", head.status, before.status);
    if (kind !== BlockKind.Request) return head;
    const isTunnel = before.methodText === "CONNECT" && before.protocol === "";
    same("method", head.methodText, before.methodText);
    same("protocol", head.protocol, before.protocol);
    same("authority", head.authority, before.authority);
    same("scheme", head.scheme, isTunnel ? "" : before.scheme.toLowerCase() || "http");
    same("path", head.target, isTunnel ? "" : pathOf(before));
    return head;
  }

  /** The record as an HTTP/1 head, parsed again with another request behind it. */
  toHttp1(source: Source, kind: BlockKind, framing: 0 | 1): HeadView {
    const before = viewHead(this.#bench.module.memory, source.base, source.record);
    const text = this.#coder.write(source, kind, { framing });
    if (text === undefined) throw new Error("there was no room");
    const { outcome, head } = this.parse(text + NEXT, kind);
    if (outcome !== text.length || head === undefined) {
      throw new Error(`read to ${outcome} of ${text.length}: ${JSON.stringify(text)}`);
    }
    const isExtended = before.protocol !== "";
    const mayHaveBody = kind === BlockKind.Request
      ? before.methodText !== "CONNECT"
      : kind === BlockKind.Response && before.status >= 200 && before.status !== 204;
    const expected = forwardedToHttp1(before, kind, framing);
    if (kind === BlockKind.Request) {
      if (isExtended) expected.unshift(["connection", "upgrade"], ["upgrade", before.protocol]);
      expected.unshift(["host", before.authority]);
      same("method", head.methodText, isExtended ? "GET" : before.methodText);
      same("authority", head.authority, before.authority);
      const isTunnel = before.methodText === "CONNECT" && !isExtended;
      same("target", head.target, isTunnel ? before.authority : pathOf(before));
    }
    if (framing === 1 && mayHaveBody) expected.push(["transfer-encoding", "chunked"]);
    same("lines", pairs(head), expected);
    if (kind === BlockKind.Response) same("status", head.status, before.status);
    if (framing === 1 && mayHaveBody && before.status !== 304) same("body", head.body, Body.Chunked);
    return head;
  }

  get parsed(): Source {
    return this.#coder.parsed;
  }

  get decoded(): Source {
    return this.#coder.decoded;
  }
}

function trailerSection(random: Random): string {
  const list = fieldList(random, 2);
  const text = list.map(([name, value]) => `${name}: ${value}\r\n`).join("") + "\r\n";
  return random.once(3) ? mutate(random, text) : text;
}

export function http1ToHttp2Target(bench: Workbench): Target {
  return {
    name: "http1-http2-http1",
    generate(random) {
      const kind = random.below(3);
      const text = kind === 0 ? requests(random) : kind === 1 ? responses(random) : trailerSection(random);
      return String.fromCharCode(kind + 4 * random.below(4)) + text;
    },
    check(bytes) {
      const input = new Input(bytes), choice = input.byte();
      const kind = KINDS[(choice & 3) % 3] ?? BlockKind.Request, framing = choice & 4 ? 1 : 0;
      const coding = new Transcoding(bench, (choice & 8) !== 0), text = input.rest();
      const { head } = coding.parse(text, kind);
      if (head === undefined || head.status === 101) return;
      for (let round = 0; round < 3; round++) coding.toHttp2(coding.parsed, kind);
      coding.toHttp1(coding.decoded, kind, framing);
      coding.parse(text, kind);
      coding.toHttp1(coding.parsed, kind, framing);
    },
  };
}

const TABLE_SIZES = [4096, 4096, 0, 64, 100, 200, 400, 1000];

/** A byte for kind and ways, one for the table; then lists: how many fields, and names and values, each after its length. */
function generateLists(random: Random): string {
  const kind = random.below(3);
  let text = String.fromCharCode(kind + 4 * random.below(4), random.below(256));
  for (let lists = 1 + random.below(5); lists > 0; lists--) {
    const list = fieldList(random, kind);
    text += String.fromCharCode(list.length);
    for (const [name, value] of list) {
      const part = random.once(20) ? mutate(random, value).slice(0, 255) : value;
      text += String.fromCharCode(name.length) + name + String.fromCharCode(part.length) + part;
    }
  }
  return random.once(4) ? mutate(random, text) : text;
}

export function http2ToHttp1Target(bench: Workbench): Target {
  const text = (bytes: Uint8Array) => String.fromCharCode(...bytes);
  return {
    name: "http2-http1-http2",
    generate: generateLists,
    check(bytes) {
      const input = new Input(bytes), choice = input.byte(), tableSize = input.pick(TABLE_SIZES);
      const kind = KINDS[(choice & 3) % 3] ?? BlockKind.Request, framing = choice & 4 ? 1 : 0;
      const coding = new Transcoding(bench, (choice & 8) !== 0, tableSize);
      while (!input.isAtEnd) {
        const list = Array.from({ length: input.byte() % 48 }, (): Pair => [
          text(input.take(input.byte())),
          text(input.take(input.byte())),
        ]);
        if (coding.decode(list, kind) === undefined) continue;
        coding.toHttp1(coding.decoded, kind, framing);
        for (let round = 0; round < 3; round++) coding.toHttp2(coding.parsed, kind);
        coding.decode(list, kind);
        coding.toHttp2(coding.decoded, kind);
      }
    },
  };
}
