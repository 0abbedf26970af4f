import assert from "node:assert/strict";
import { readLines } from "./lines.ts";

Deno.test("lines are the same however the bytes were cut, a cut-off last one is dropped", async () => {
  const bytes = new TextEncoder().encode('{"a":"ä"}\n\nsecond\ncut');
  for (let size = 1; size <= bytes.length; size++) {
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
        controller.close();
      },
    });
    const lines: string[] = [];
    for await (const line of readLines(stream)) lines.push(line);
    assert.deepEqual(lines, ['{"a":"ä"}', "", "second"], `cut every ${size} bytes`);
  }
});
