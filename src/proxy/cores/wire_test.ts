import { deepEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { encodeMessage, MessageCutter } from "./wire.ts";

const MESSAGES = [
  { kind: "policy", networks: [{ bytes: [10, 0, 0, 0], prefix: 8 }], names: new Set(["a", "b"]) },
  { text: "naïve ✓", limit: Infinity, none: null, count: 12345678901n },
  new Map<string, unknown>([["key", Uint8Array.of(0, 1, 255)], ["path", /^\/a+$/iu]]),
  "",
  [],
];

Deno.test("a message arrives as it was sent, however its bytes are cut", () => {
  const bytes = MESSAGES.flatMap((message) => [...encodeMessage(message)]);
  for (const size of [1, 2, 3, 5, 7, 64, bytes.length]) {
    const cutter = new MessageCutter(), received: unknown[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      received.push(...cutter.push(Uint8Array.from(bytes.slice(at, at + size))));
    }
    deepEqual(received, MESSAGES, `pieces of ${size}`);
  }
});

Deno.test("any value of JSON crosses", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const expected = JSON.parse(JSON.stringify(value));
    deepEqual([...new MessageCutter().push(encodeMessage(value))], [expected]);
  }));
});

Deno.test("what another loop could not use is refused where it is sent", () => {
  throws(() => encodeMessage({ onUpdate: () => {} }), /a function cannot go to another loop/);
});
