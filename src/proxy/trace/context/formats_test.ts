/** What each format reads, byte by byte, and what goes on in its place. */
import { deepEqual, equal } from "node:assert/strict";
import { HeaderEntry, HeaderFlag } from "../../../wasm/http1.ts";
import { viewHead } from "../../../wasm/head.ts";
import { readRequest } from "../../testing/head.ts";
import { Arena } from "../../worker/arena.ts";
import { B3 } from "./b3.ts";
import { TraceContext } from "./trace_context.ts";
import { mayCarryTrace, onlyEntry } from "./fields.ts";
import { MAX_TRACE_LINES, type TraceFormat } from "./format.ts";
import { GRPC_TRACE_BIN } from "./grpc_trace_bin.ts";
import { TRACEPARENT } from "./traceparent.ts";

const arena = Arena.create(), { memory, recordAt, scratchAt } = arena;
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736", SPAN = "00f067aa0ba902b7", NEXT = "b7ad6b7169203331";
const SERVER = "53995c3f42cd8ad8";
const NOTHING = "none";

interface Read {
  readonly trace: string;
  readonly parent: string;
  readonly flags: number;
}

function read(format: TraceFormat, ...headers: string[]): Read | typeof NOTHING {
  const context = new TraceContext(), at = readRequest(arena, { headers });
  if (!format.read(arena, at, context)) return NOTHING;
  return { trace: context.traceId.toHex(), parent: context.parentId.toHex(), flags: context.flags };
}

/** The fields that go on, those that stand in the place of others last. */
function goesOn(format: TraceFormat, ...headers: string[]): string[] {
  const context = new TraceContext(), at = readRequest(arena, { headers });
  equal(format.read(arena, at, context), true);
  const id = (hex: string) => Uint8Array.fromHex(hex);
  const length = format.replace(arena, context, id(NEXT), id(SERVER), scratchAt);
  equal(length <= MAX_TRACE_LINES, true);
  const kept = viewHead(memory, at, recordAt).headers
    .filter(({ flags }) => (flags & HeaderFlag.HopByHop) === 0)
    .map(({ name, value }) => `${name}: ${value}`);
  return [...kept.slice(1), ...arena.readAscii(scratchAt, length).split("\r\n").slice(0, -1)];
}

function base64(...bytes: (number | string)[]): string {
  const parts = bytes.map((part) =>
    typeof part === "number" ? Uint8Array.of(part) : Uint8Array.fromHex(part)
  );
  return Uint8Array.from(parts.flatMap((part) => [...part])).toBase64();
}

const CONTEXT = { trace: TRACE, parent: SPAN, flags: 1 };

Deno.test("a traceparent is read in full, and of its flags those that are known", () => {
  deepEqual(read(TRACEPARENT, `traceparent: 00-${TRACE}-${SPAN}-01`), CONTEXT);
  deepEqual(read(TRACEPARENT, `TraceParent:  00-${TRACE}-${SPAN}-00 `), { ...CONTEXT, flags: 0 });
  deepEqual(read(TRACEPARENT, `traceparent: 00-${TRACE}-${SPAN}-ff`), { ...CONTEXT, flags: 3 });
});

Deno.test("a traceparent of a version to come is read as far as it is known", () => {
  deepEqual(read(TRACEPARENT, `traceparent: cc-${TRACE}-${SPAN}-01-what comes`), CONTEXT);
  deepEqual(read(TRACEPARENT, `traceparent: cc-${TRACE}-${SPAN}-01`), CONTEXT);
  equal(read(TRACEPARENT, `traceparent: cc-${TRACE}-${SPAN}-01.what comes`), NOTHING);
  equal(read(TRACEPARENT, `traceparent: ff-${TRACE}-${SPAN}-01`), NOTHING);
  equal(read(TRACEPARENT, `traceparent: 00-${TRACE}-${SPAN}-01-what comes`), NOTHING);
});

Deno.test("a traceparent that differs in any byte is read as the grammar says, or not at all", () => {
  const whole = `00-${TRACE}-${SPAN}-01`;
  const grammar = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
  for (let at = 0; at < whole.length; at++) {
    for (const byte of "0fFgA-/:`@ ~") {
      const value = whole.slice(0, at) + byte + whole.slice(at + 1);
      const isRead = read(TRACEPARENT, `traceparent: ${value}`) !== NOTHING;
      equal(isRead, grammar.test(value), value);
    }
    equal(read(TRACEPARENT, `traceparent: ${whole.slice(0, at)}`), NOTHING, "cut");
    equal(
      read(TRACEPARENT, `traceparent: ${whole.slice(0, at)}${whole.slice(at + 1)}`),
      NOTHING,
      "without one",
    );
  }
});

Deno.test("ids of zeros are no ids", () => {
  equal(read(TRACEPARENT, `traceparent: 00-${"0".repeat(32)}-${SPAN}-01`), NOTHING);
  equal(read(TRACEPARENT, `traceparent: 00-${TRACE}-${"0".repeat(16)}-01`), NOTHING);
  equal(read(B3, `x-b3-traceid: ${"0".repeat(16)}`, `x-b3-spanid: ${SPAN}`), NOTHING);
  equal(read(B3, `x-b3-traceid: ${TRACE}`, `x-b3-spanid: ${"0".repeat(16)}`), NOTHING);
  equal(read(GRPC_TRACE_BIN, `grpc-trace-bin: ${base64(0, 0, "00".repeat(16), 1, SPAN, 2, 1)}`), NOTHING);
  equal(read(GRPC_TRACE_BIN, `grpc-trace-bin: ${base64(0, 0, TRACE, 1, "00".repeat(8), 2, 1)}`), NOTHING);
});

Deno.test("a context that is said twice, or of this hop only, is none", () => {
  const line = `traceparent: 00-${TRACE}-${SPAN}-01`;
  equal(read(TRACEPARENT, line, line), NOTHING);
  equal(read(TRACEPARENT, line, "connection: traceparent"), NOTHING);
});

Deno.test("B3 has trace ids of 64 and of 128 bits", () => {
  deepEqual(read(B3, `X-B3-TraceId: ${TRACE}`, `X-B3-SpanId: ${SPAN}`, "x-b3-sampled: 1"), CONTEXT);
  const short = { ...CONTEXT, trace: `${"0".repeat(16)}${NEXT}` };
  deepEqual(read(B3, `x-b3-traceid: ${NEXT}`, `x-b3-spanid: ${SPAN}`, "x-b3-sampled: 1"), short);
  deepEqual(
    read(B3, `x-b3-traceid: ${TRACE.toUpperCase()}`, `x-b3-spanid: ${SPAN}`, "x-b3-flags: 1"),
    CONTEXT,
  );
});

Deno.test("B3's ids may leave out zeros at their beginning, and are no longer than they can be", () => {
  const span = `x-b3-spanid: ${SPAN}`;
  for (let length = 0; length <= 40; length++) {
    const ones = "1".repeat(length), found = read(B3, `x-b3-traceid: ${ones}`, span);
    const expected = length >= 1 && length <= 32
      ? { trace: ones.padStart(32, "0"), parent: SPAN, flags: 0 }
      : NOTHING;
    deepEqual(found, expected);
    const parent = read(B3, `x-b3-traceid: ${TRACE}`, `x-b3-spanid: ${ones}`);
    deepEqual(
      parent,
      length >= 1 && length <= 16 ? { trace: TRACE, parent: ones.padStart(16, "0"), flags: 0 } : NOTHING,
    );
  }
});

Deno.test("B3 whose ids have other than digits, or that lacks one, is none", () => {
  const span = `x-b3-spanid: ${SPAN}`;
  for (let at = 0; at < TRACE.length; at++) {
    for (const byte of "gG/:@`- ") {
      const value = TRACE.slice(0, at) + byte + TRACE.slice(at + 1);
      if (value.trim() === value) equal(read(B3, `x-b3-traceid: ${value}`, span), NOTHING, value);
    }
  }
  equal(read(B3, span), NOTHING);
  equal(read(B3, `x-b3-traceid: ${TRACE}`), NOTHING);
});

Deno.test("B3 is sampled where it says so, and nowhere else", () => {
  const flagsOf = (...headers: string[]) => {
    const found = read(B3, `x-b3-traceid: ${TRACE}`, `x-b3-spanid: ${SPAN}`, ...headers);
    return found === NOTHING ? NOTHING : found.flags;
  };
  for (const header of ["x-b3-sampled: 1", "x-b3-sampled: true", "x-b3-flags: 1"]) equal(flagsOf(header), 1);
  for (const value of ["0", "false", "11", "True", "", "d"]) {
    equal(flagsOf(`x-b3-sampled: ${value}`), 0, value);
  }
  equal(flagsOf("x-b3-flags: true"), 0);
  equal(flagsOf(), 0);
});

Deno.test("gRPC's context is read with padding and without, its fields in any order", () => {
  const whole = base64(0, 0, TRACE, 1, SPAN, 2, 1);
  deepEqual(read(GRPC_TRACE_BIN, `grpc-trace-bin: ${whole}`), CONTEXT);
  deepEqual(read(GRPC_TRACE_BIN, `grpc-trace-bin: ${whole.replace(/=+$/, "")}`), CONTEXT);
  deepEqual(read(GRPC_TRACE_BIN, `grpc-trace-bin: ${base64(0, 2, 1, 1, SPAN, 0, TRACE)}`), CONTEXT);
  deepEqual(read(GRPC_TRACE_BIN, `grpc-trace-bin: ${base64(0, 0, TRACE, 1, SPAN)}`), {
    ...CONTEXT,
    flags: 0,
  });
  deepEqual(
    read(GRPC_TRACE_BIN, `grpc-trace-bin: ${base64(0, 0, TRACE, 1, SPAN, 2, 1, 9, "abcd")}`),
    CONTEXT,
  );
});

Deno.test("gRPC's context that is cut, repeats a field, or is no base64 is none", () => {
  const whole = base64(0, 0, TRACE, 1, SPAN, 2, 1).replace(/=+$/, "");
  for (let length = 0; length < 36; length++) {
    equal(read(GRPC_TRACE_BIN, `grpc-trace-bin: ${whole.slice(0, length)}`), NOTHING, String(length));
  }
  for (let at = 0; at < whole.length; at++) {
    for (const byte of " -_=,.") {
      equal(
        read(GRPC_TRACE_BIN, `grpc-trace-bin: ${whole.slice(0, at)}${byte}${whole.slice(at + 1)}x`),
        NOTHING,
      );
    }
  }
  const values = [
    base64(1, 0, TRACE, 1, SPAN, 2, 1),
    base64(0, 0, TRACE, 0, TRACE, 1, SPAN),
    base64(0, 9, 0, TRACE, 1, SPAN),
    base64(0, 1, SPAN, 2, 1),
    base64(0, 0, TRACE, 1, SPAN, 2),
    `${whole}==`,
    `${whole},${whole}`,
    "A".repeat(100),
    "",
  ];
  for (const value of values) equal(read(GRPC_TRACE_BIN, `grpc-trace-bin: ${value}`), NOTHING, value);
});

Deno.test("the request goes on from the proxy's span, in the format it came in", () => {
  const other = ["a: b", "tracestate: x=y"];
  deepEqual(goesOn(TRACEPARENT, `traceparent: 00-${TRACE}-${SPAN}-01`, ...other), [
    ...other,
    `traceparent: 00-${TRACE}-${NEXT}-01`,
  ]);
  deepEqual(goesOn(TRACEPARENT, `traceparent: cc-${TRACE}-${SPAN}-fe-more`), [
    `traceparent: 00-${TRACE}-${NEXT}-02`,
  ]);
  deepEqual(goesOn(GRPC_TRACE_BIN, `grpc-trace-bin: ${base64(0, 0, TRACE, 1, SPAN, 2, 1)}`, ...other), [
    ...other,
    `grpc-trace-bin: ${base64(0, 0, TRACE, 1, NEXT, 2, 1)}`,
  ]);
  const sampled = ["x-b3-traceid: 463ac35c9f6413ad", "x-b3-sampled: 0"];
  deepEqual(goesOn(B3, `x-b3-spanid: ${SPAN}`, ...sampled), [...sampled, `x-b3-spanid: ${NEXT}`]);
  deepEqual(goesOn(B3, ...sampled, `x-b3-spanid: ${SPAN}`, "x-b3-parentspanid: 05e3ac9a4f6e3b90"), [
    ...sampled,
    `x-b3-spanid: ${NEXT}`,
    `x-b3-parentspanid: ${SERVER}`,
  ]);
});

Deno.test("what a route takes away does not come back", () => {
  const context = new TraceContext();
  const at = readRequest(arena, { headers: [`traceparent: 00-${TRACE}-${SPAN}-01`] });
  equal(TRACEPARENT.read(arena, at, context), true);
  const entry = onlyEntry(arena, 23);
  memory.words[entry + HeaderEntry.Flags]! |= HeaderFlag.HopByHop;
  equal(TRACEPARENT.replace(arena, context, context.parentId, context.parentId, scratchAt), 0);
});

Deno.test("a request without such a field is known by a look", () => {
  readRequest(arena, { headers: ["tracestate: x=y", `b3: ${TRACE}-${SPAN}-1`, "x-b3-sampled: 1"] });
  equal(mayCarryTrace(arena), false);
  for (const name of ["traceparent", "grpc-trace-bin", "X-B3-TraceId"]) {
    readRequest(arena, { headers: [`${name}: 1`] });
    equal(mayCarryTrace(arena), true, name);
  }
});
