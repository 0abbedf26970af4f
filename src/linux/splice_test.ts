import assert from "node:assert/strict";
import { EAGAIN } from "./errno.ts";
import { LinearMemory } from "./memory.ts";
import { accept, close, connectTcp, listenTcp, localAddress, receive, send, shutdown } from "./socket.ts";
import { createPipe, setPipeSize, splice } from "./splice.ts";

const memory = new LinearMemory(new ArrayBuffer(1 << 20));
const IN = memory.pointer(0, 1 << 19), OUT = memory.pointer(1 << 19, 1 << 19);

function pair(): [number, number] {
  const listener = listenTcp({ ip: "127.0.0.1", port: 0 });
  const near = connectTcp(localAddress(listener)!), far = accept(listener);
  close(listener);
  return [near, far];
}

Deno.test("bytes cross two connections through a pipe, unchanged, and the end of the stream is seen", () => {
  const [client, left] = pair(), [right, server] = pair();
  const [reading, writing] = createPipe();
  for (let i = 0; i < 60_000; i++) memory.bytes[i] = i * 7 & 255;
  assert.equal(send(client, IN, 60_000), 60_000);
  shutdown(client, 1);
  let moved = 0, received = 0;
  const output = new Uint8Array(60_000);
  while (received < 60_000) {
    const into = splice(left, writing, 65_536);
    if (into > 0) moved += into;
    splice(reading, right, 65_536);
    const count = receive(server, OUT, 65_536);
    if (count > 0) {
      output.set(memory.bytes.subarray(1 << 19, (1 << 19) + count), received);
      received += count;
    }
  }
  assert.equal(moved, 60_000);
  assert.deepEqual(output, memory.bytes.slice(0, 60_000));
  assert.equal(splice(left, writing, 65_536), 0, "the peer has closed");
  for (const fd of [client, left, right, server, reading, writing]) close(fd);
});

Deno.test("an idle connection and a full pipe answer EAGAIN instead of blocking", () => {
  const [client, left] = pair();
  const [reading, writing] = createPipe();
  assert.equal(splice(left, writing, 65_536), -EAGAIN);
  assert.equal(setPipeSize(writing, 4096), 4096);
  assert.equal(send(client, IN, 60_000), 60_000);
  let held = 0;
  for (let count = 1; count > 0; held += Math.max(0, count)) count = splice(left, writing, 65_536);
  assert.ok(held > 0 && held < 60_000, `${held} bytes fit`);
  assert.equal(splice(left, writing, 65_536), -EAGAIN);
  for (const fd of [client, left, reading, writing]) close(fd);
});
