import { deepEqual, equal, ok } from "node:assert/strict";
import { EAGAIN, ECONNRESET } from "../../linux/errno.ts";
import { LinearMemory } from "../../linux/memory.ts";
import {
  accept,
  close,
  connectTcp,
  listenTcp,
  localAddress,
  receive,
  send,
  setAbortOnClose,
  shutdown,
} from "../../linux/socket.ts";
import { drive } from "../testing/drive.ts";
import { Arena } from "../worker/arena.ts";
import { Loop } from "../worker/loop.ts";
import { NOBODY, Stream, type StreamFailure } from "../worker/stream.ts";
import { pipesOf } from "./pipe_pool.ts";
import { Tunnel } from "./tunnel.ts";

const arena = Arena.create();

interface Ends {
  readonly client: Deno.TcpConn;
  readonly server: Deno.TcpConn;
  readonly loop: Loop;
  readonly tunnel: Tunnel;
  /** How it ended, once it has. */
  readonly ended: Promise<StreamFailure | undefined>;
}

/** client ↔ tunnel ↔ server, over real connections. */
async function withTunnel(use: (ends: Ends) => Promise<void>): Promise<void> {
  const loop = new Loop((error) => {
    throw error;
  });
  const front = listenTcp({ ip: "127.0.0.1", port: 0 });
  const back = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = await Deno.connect({ hostname: "127.0.0.1", port: localAddress(front)!.port });
  const near = new Stream(loop, arena, accept(front), NOBODY, "open");
  const far = new Stream(
    loop,
    arena,
    connectTcp({ ip: "127.0.0.1", port: back.addr.port }),
    NOBODY,
    "connecting",
  );
  const server = await back.accept();
  let end: (failure: StreamFailure | undefined) => void;
  const ended = new Promise<StreamFailure | undefined>((done) => end = done);
  const tunnel = new Tunnel(arena, near, far, (failure) => end(failure));
  const stop = drive(loop);
  tunnel.start();
  try {
    await use({ client, server, loop, tunnel, ended });
  } finally {
    tunnel.close();
    await stop();
    for (const connection of [client, server]) closeQuietly(connection);
    back.close();
    new Stream(loop, arena, front, NOBODY, "open").close();
  }
  equal(pipesOf(loop).inUse, 0, "every pipe was given back");
  equal(arena.slots.used, 0, "every buffer was given back");
}

function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error; // a test closed it already
  }
}

/** Bytes that tell where they stand. */
function pattern(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + seed) & 255;
  return bytes;
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** Reads to the end. */
async function readAll(connection: Deno.TcpConn): Promise<Uint8Array> {
  const parts: Uint8Array[] = [], buffer = new Uint8Array(65_536);
  for (let count; (count = await connection.read(buffer)) !== null;) parts.push(buffer.slice(0, count));
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
}

async function readExactly(connection: Deno.TcpConn, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = await connection.read(bytes.subarray(at));
    if (count === null) throw new Error(`the end after ${at} of ${length} bytes`);
    at += count;
  }
  return bytes;
}

Deno.test("megabytes cross both ways at once, unchanged, and the end is passed on", async () => {
  const there = pattern(6_000_000, 1), back = pattern(5_000_001, 2);
  await withTunnel(async ({ client, server, ended }) => {
    const [received, answered] = await Promise.all([
      readAll(server),
      readExactly(client, back.length),
      writeAll(client, there).then(() => client.closeWrite()),
      writeAll(server, back).then(() => server.closeWrite()),
    ]);
    ok(received.length === there.length && received.every((byte, i) => byte === there[i]), "there");
    ok(answered.every((byte, i) => byte === back[i]), "back");
    equal(await ended, undefined);
  });
});

Deno.test("what streams goes through a pipe, and what no longer does gives the pipe back", async () => {
  await withTunnel(async ({ client, server, loop }) => {
    const bytes = pattern(4_000_000, 3);
    let most = 0;
    const watch = setInterval(() => most = Math.max(most, pipesOf(loop).inUse), 0);
    await Promise.all([writeAll(client, bytes), readExactly(server, bytes.length)]);
    clearInterval(watch);
    equal(most, 1);
    for (let i = 0; i < 10; i++) {
      const question = pattern(100, i);
      await writeAll(client, question);
      deepEqual(await readExactly(server, 100), question);
    }
    equal(pipesOf(loop).inUse, 0);
  });
});

Deno.test("a reader that stands still stops its writer, and gets everything in the end", async () => {
  const bytes = pattern(64 << 20, 4);
  await withTunnel(async ({ client, server, ended }) => {
    let sent = 0;
    const writing = (async () => {
      while (sent < bytes.length) sent += await client.write(bytes.subarray(sent, sent + 65_536));
      await client.closeWrite();
    })();
    // Until the kernel's buffers, the pipe and the slot are full, and nothing moves any more.
    for (let before = -1; before !== sent;) {
      before = sent;
      for (let i = 0; i < 50; i++) await new Promise((done) => setTimeout(done, 0));
    }
    ok(sent < bytes.length, "the writer was stopped");
    const received = await readAll(server);
    await writing;
    ok(received.length === bytes.length && received.every((byte, i) => byte === bytes[i]));
    server.close();
    equal(await ended, undefined);
  });
});

Deno.test("an end of one side leaves the other direction open, until it has said everything", async () => {
  await withTunnel(async ({ client, server, ended }) => {
    await writeAll(client, pattern(10, 5));
    await client.closeWrite();
    deepEqual(await readAll(server), pattern(10, 5));
    const answer = pattern(3_000_000, 6);
    // The reader is slow: both ends have been said long before the last byte is taken.
    const writing = writeAll(server, answer).then(() => server.closeWrite());
    for (let i = 0; i < 50; i++) await new Promise((done) => setTimeout(done, 0));
    const [received] = await Promise.all([readAll(client), writing]);
    ok(received.length === answer.length && received.every((byte, i) => byte === answer[i]));
    equal(await ended, undefined);
  });
});

Deno.test("an answer that ended before the question was taken does not cut the question off", async () => {
  const question = pattern(24 << 20, 9);
  await withTunnel(async ({ client, server, ended }) => {
    await server.closeWrite();
    equal(await client.read(new Uint8Array(1)), null);
    const writing = writeAll(client, question).then(() => client.closeWrite());
    for (let i = 0; i < 200; i++) await new Promise((done) => setTimeout(done, 0));
    const received = await readAll(server);
    await writing;
    ok(received.length === question.length && received.every((byte, i) => byte === question[i]));
    equal(await ended, undefined);
  });
});

Deno.test("a side that has said and heard its end costs no turns while bytes wait to be read from it", () => {
  const loop = new Loop((error) => {
    throw error;
  });
  const listener = listenTcp({ ip: "127.0.0.1", port: 0 }), client = connectTcp(localAddress(listener)!);
  const failures: StreamFailure[] = [];
  const near = new Stream(loop, arena, accept(listener), {
    ...NOBODY,
    onFailed: (_stream, failure) => failures.push(failure),
  }, "open");
  near.pause();
  send(client, arena.memory.pointer(arena.receiveAt, 100), 100);
  shutdown(client, 1);
  near.endWriting();
  let isDue = false;
  loop.after(30, () => isDue = true);
  let turns = 0;
  while (!isDue) {
    loop.turn();
    turns++;
  }
  ok(turns <= 4, `${turns} turns`);
  deepEqual(failures, []);
  equal(near.read(arena.receiveAt, 200), 100, "nothing is lost");
  near.close();
  for (const fd of [client, listener]) close(fd);
});

Deno.test("a reset of one side resets the other, also while bytes wait in a pipe", () => {
  for (const isStreaming of [false, true]) {
    const loop = new Loop((error) => {
      throw error;
    });
    const memory = new LinearMemory(new ArrayBuffer(65_536)), bytes = memory.pointer(0, 65_536);
    const front = listenTcp({ ip: "127.0.0.1", port: 0 }), back = listenTcp({ ip: "127.0.0.1", port: 0 });
    const client = connectTcp(localAddress(front)!);
    const near = new Stream(loop, arena, accept(front), NOBODY, "open");
    const far = new Stream(loop, arena, connectTcp(localAddress(back)!), NOBODY, "connecting");
    const server = accept(back);
    let failure: StreamFailure | undefined;
    const tunnel = new Tunnel(arena, near, far, (why) => failure = why);
    tunnel.start();
    for (let refusals = 0, i = 0; isStreaming ? refusals < 50 || pipesOf(loop).inUse === 0 : i < 3; i++) { // until nothing moves any more
      refusals = send(client, bytes, isStreaming ? 65_536 : 100) < 0 ? refusals + 1 : 0;
      if (!isStreaming || refusals > 0) loop.turn(0);
      // The server takes bytes until they stream, and none from then on.
      if (isStreaming && pipesOf(loop).inUse === 0) receive(server, bytes, 65_536);
    }
    equal(pipesOf(loop).inUse, isStreaming ? 1 : 0);
    setAbortOnClose(server);
    close(server);
    for (let i = 0; i < 100 && failure === undefined; i++) loop.turn(10);
    equal(failure?.code, "reset", failure?.detail ?? "it has not ended");
    let answer = -EAGAIN;
    for (let i = 0; i < 100 && answer === -EAGAIN; i++) {
      loop.turn(1);
      answer = receive(client, bytes, 100);
    }
    equal(answer, -ECONNRESET);
    equal(pipesOf(loop).inUse, 0);
    for (const fd of [client, front, back]) close(fd);
  }
  equal(arena.slots.used, 0);
});
