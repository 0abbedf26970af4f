import { deepEqual } from "node:assert/strict";
import { connectTcp } from "../../linux/socket.ts";
import { Arena } from "./arena.ts";
import { Loop } from "./loop.ts";
import { NOBODY, Stream } from "./stream.ts";

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
