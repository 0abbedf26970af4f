import { deepEqual, equal } from "node:assert/strict";
import { EPIPE } from "../../linux/errno.ts";
import { connectTcp } from "../../linux/socket.ts";
import { Arena } from "./arena.ts";
import { Loop } from "./loop.ts";
import { NOBODY, Stream, type StreamOwner } from "./stream.ts";

/** What the owner of a connection to `port` is told when its time is over before the loop has turned. */
async function toldAfterTimeout(port: number): Promise<string[]> {
  const told: string[] = [], loop = new Loop((error) => told.push(String(error)));
  const fd = connectTcp({ ip: "127.0.0.1", port }, 0);
  const owner = {
    ...NOBODY,
    onOpen: () => told.push("open"),
    onFailed: (_stream: Stream, { code }: { readonly code: string }) => told.push(code),
  };
  const stream = new Stream(loop, Arena.create(), fd, owner, "connecting");
  await new Promise((done) => setTimeout(done, 20)); // the system makes the connection; the loop does not look
  stream.connectTimedOut();
  stream.close();
  return told;
}

Deno.test("a connection that stands when its time is over is taken, though a busy loop has not heard of it", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  deepEqual(await toldAfterTimeout((listener.addr as Deno.NetAddr).port), ["open"]);
  listener.close();
});

Deno.test("a connection that does not stand when its time is over has failed", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 }), { port } = listener.addr as Deno.NetAddr;
  listener.close();
  deepEqual(await toldAfterTimeout(port), ["connect-timeout"]);
});

/** A connection whose peer said "hello" and reset it while its owner did not read. */
async function resetWhilePaused(hearsOut: boolean) {
  const told: string[] = [], loop = new Loop((error) => told.push(String(error))), arena = Arena.create();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const fd = connectTcp({ ip: "127.0.0.1", port: listener.addr.port }, 0);
  const owner: StreamOwner = {
    ...NOBODY,
    hearsOut,
    onReadable: (stream) => {
      let count: number;
      do told.push(`read ${count = stream.read(arena.receiveAt, 100)}`); while (count > 0);
    },
    onFailed: (_stream, { code }) => told.push(code),
  };
  const stream = new Stream(loop, arena, fd, owner, "connecting"), peer = await listener.accept();
  loop.turn(100);
  stream.pause();
  stream.write(arena.receiveAt, 1); // what lies unread makes the peer's end a reset
  await peer.write(new TextEncoder().encode("hello"));
  peer.close();
  listener.close();
  return { stream, loop, told };
}

Deno.test("what a peer said before it reset a connection that was not read is read later, where its owner hears it out", async () => {
  const { stream, loop, told } = await resetWhilePaused(true);
  for (let i = 0; i < 3; i++) loop.turn(1);
  deepEqual(told, []);
  stream.resume();
  loop.turn(100);
  deepEqual(told, ["read 5", "read 0"]);
  equal(stream.loss?.errno, EPIPE);
  stream.close();
});

Deno.test("a connection that is reset while it is not read fails at once for any other owner", async () => {
  const { loop, told } = await resetWhilePaused(false);
  loop.turn(100);
  deepEqual(told, ["reset"]);
});
