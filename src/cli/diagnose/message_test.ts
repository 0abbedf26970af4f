import assert from "node:assert/strict";
import { readable } from "./message.ts";

Deno.test("a header's value is told as text, and one that is none byte by byte", () => {
  const header = (value: Uint8Array) => readable({ name: "x", value: { $case: "exact", value } });
  assert.deepEqual(header(new TextEncoder().encode("yes")), { name: "x", exact: "yes" });
  assert.deepEqual(header(Uint8Array.of(0xff, 0x00)), { name: "x", exact: "ff00" });
});
