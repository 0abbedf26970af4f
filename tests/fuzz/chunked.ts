/**
 * Chunked bodies that are passed on, stepped through and decoded: all three must come to the same, however the bytes were
 * cut; and a trailer section that was let through must be one to its parser, too.
 */
import { HEAP_START } from "../../src/wasm/module.ts";
import { latin1 } from "../../src/wasm/head.ts";
import { Chunked, Outcome } from "../../src/wasm/http1.ts";
import type { Workbench } from "../../src/wasm/workbench.ts";
import { chunks } from "./http1_messages.ts";
import { Input } from "./input.ts";
import { mutate, Random } from "./random.ts";
import type { Target } from "./target.ts";

const LIMIT = 4096;

interface Followed {
  /** Bytes consumed, or an outcome. */
  readonly consumed: number;
  readonly reason: number;
  readonly isDone: boolean;
  readonly data: string;
  readonly trailers: string;
}

/** Bytes of a done body as the plainest reader would have them. @returns undefined when it cannot read them */
function read(text: string): { data: string; trailers: string } | undefined {
  let data = "", at = 0;
  for (;;) {
    const size = /^0*([0-9a-fA-F]{0,8})(?=[\r;])[^\r]*\r\n/.exec(text.slice(at, at + LIMIT * 2));
    if (size === null) return undefined;
    at += size[0].length;
    const length = parseInt(size[1] || "0", 16);
    if (length === 0) return { data, trailers: text.slice(at) };
    data += text.slice(at, at + length);
    at += length + 2;
  }
}

export function chunkedTarget(bench: Workbench): Target {
  const { exports, memory } = bench.module, state = bench.record, apart = 5 * HEAP_START;
  const word = (index: number) => memory.words[(state >> 2) + index] ?? 0;

  /** Follows the body in pieces that end at `cuts`, by one of the three. */
  function follow(
    body: Uint8Array,
    cuts: readonly number[],
    way: "forward" | "step" | "decode",
    isInPlace = false,
  ): Followed {
    exports.chunkedStart(state, LIMIT, LIMIT);
    const end = bench.put(body);
    let at = bench.at, data = "", trailers = "";
    for (const cut of [...cuts, body.length]) {
      const pieceEnd = bench.at + cut;
      while (at < pieceEnd && word(Chunked.Done) === 0) {
        const out = isInPlace ? at : apart;
        const count = way === "forward"
          ? exports.chunkedForward(state, at, pieceEnd)
          : way === "step"
          ? exports.chunkedStep(state, at, pieceEnd)
          : exports.chunkedDecode(state, at, pieceEnd, out);
        if (count === Outcome.Bad) {
          return { consumed: count, reason: word(Chunked.Reason), isDone: false, data: "", trailers: "" };
        }
        const length = word(Chunked.DataLength), trailer = word(Chunked.TrailerOffset);
        if (way === "step") data += latin1(memory, at + word(Chunked.DataOffset), length);
        if (way === "decode") data += latin1(memory, out, length);
        if (trailer >= 0) trailers += latin1(memory, at + trailer, count - trailer);
        if (count === 0) throw new Error("no progress");
        at += count;
      }
    }
    if (at > end) throw new Error("consumed more than there is");
    return { consumed: at - bench.at, reason: 0, isDone: word(Chunked.Done) === 1, data, trailers };
  }

  function same(what: string, one: Followed, other: Followed, withData: boolean): void {
    for (const key of ["consumed", "reason", "isDone", "trailers"] as const) {
      if (one[key] !== other[key]) throw new Error(`${what}: ${key} is ${one[key]} and ${other[key]}`);
    }
    if (withData && one.data !== other.data) throw new Error(`${what}: the data differ`);
  }

  return {
    name: "chunked",
    generate(random) {
      let body = chunks(random);
      if (random.once(3)) body = mutate(random, body);
      return String.fromCharCode(random.below(256)) + body + (random.once(4) ? "GET / HTTP/1.1\r\n" : "");
    },
    check(bytes) {
      const input = new Input(bytes), random = new Random(input.byte()), body = input.rest();
      const cuts = Array.from({ length: random.below(4) }, () => random.below(body.length + 1)).sort((a, b) =>
        a - b
      );
      const whole = follow(body, [], "forward");
      same("in pieces", whole, follow(body, cuts, "forward"), false);
      const stepped = follow(body, cuts, "step");
      same("stepped", whole, stepped, false);
      same("decoded apart", stepped, follow(body, cuts, "decode"), true);
      same("decoded in place", stepped, follow(body, cuts, "decode", true), true);
      if (!whole.isDone) return;
      const model = read(String.fromCharCode(...body.subarray(0, whole.consumed)));
      if (model?.data !== stepped.data || model.trailers !== stepped.trailers) {
        throw new Error(`read as ${JSON.stringify(stepped)}, plainly ${JSON.stringify(model)}`);
      }
      const { outcome } = bench.trailers(stepped.trailers);
      if (outcome !== stepped.trailers.length) throw new Error(`the trailers end at ${outcome}`);
    },
  };
}
