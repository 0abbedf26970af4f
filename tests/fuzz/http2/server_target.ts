/**
 * Random sequences of frames, cut anywhere, to an HTTP/2 server connection, with an application that answers as chance
 * wants it and a peer that sometimes does not read. Whatever comes, nothing throws, what goes out keeps to RFC 9113
 * (OutputModel), every request ends once, and every buffer comes back.
 */
import { ServerConnection } from "../../../src/proxy/http/http2/server_connection.ts";
import { PREFACE } from "../../../src/proxy/http/http2/frame_bytes.ts";
import { takeTables } from "../../../src/proxy/http/http2/tables.ts";
import { mutate, Random } from "../random.ts";
import type { Target } from "../target.ts";
import { Application } from "./application.ts";
import { arena, StagedLoop, StagedStream } from "./stage.ts";
import { frames } from "./frames.ts";
import { SEED_BYTES, seedOf } from "./seed.ts";
import { OutputModel } from "./output_model.ts";

export const http2ServerTarget: Target = {
  name: "http2-server",

  generate(random) {
    let seed = "";
    for (let i = 0; i < SEED_BYTES; i++) seed += String.fromCharCode(random.below(256));
    const wire = frames(random);
    return seed + (random.once(3) ? mutate(random, wire) : wire);
  },

  check(input) {
    const random = new Random(seedOf(input)), loop = new StagedLoop(), model = new OutputModel();
    const stream = new StagedStream(loop.asLoop(), (bytes) => model.sent(bytes)),
      application = new Application(random);
    const tables = takeTables(arena);
    if (tables === undefined) throw new Error("HPACK tables were not given back");
    const connection = new ServerConnection(
      stream.asStream(),
      tables,
      "10.0.0.1",
      () => application.pipeline(),
      () => {},
      () => {},
    );
    connection.greet();
    stream.feed(PREFACE);
    const wire = input.subarray(SEED_BYTES);
    for (let at = 0; at < wire.length && !stream.isClosed;) {
      const count = 1 + random.below(random.pick([10, 200, 5000, 70_000]));
      const part = wire.subarray(at, at + count);
      model.received(part);
      stream.feed(part);
      at += count;
      for (let steps = random.below(4); steps > 0; steps--) application.act();
      if (random.once(20)) stream.room = random.below(3000);
      loop.turn();
      if (random.once(4) && stream.room !== Infinity) stream.unblock(random.pick([1, 1000, Infinity]));
      if (random.once(60)) connection.drain();
      if (random.once(60) && !stream.isClosed && connection.isIdle) connection.giveUp(random.once(2));
      if (random.once(30)) loop.elapse();
    }
    finish(random, stream, loop, application);
  },
};

/** The peer leaves, in one way or another; nothing may remain. */
function finish(random: Random, stream: StagedStream, loop: StagedLoop, application: Application): void {
  if (random.once(2) && !stream.isClosed) {
    stream.unblock(Infinity);
    for (let steps = 0; steps < 20; steps++) application.act();
    loop.turn();
  }
  if (random.once(2)) stream.fail({ code: "reset", detail: "chance", errno: 104 });
  else if (!stream.isClosed) {
    stream.isReadEnded = true;
    stream.isPaused = false;
    stream.owner.onReadable(stream.asStream());
  }
  loop.elapse();
  loop.turn();
  application.assertNothingLeft();
  if (!stream.isClosed) throw new Error("the connection outlived its peer");
  if (arena.slots.used !== 0) throw new Error(`${arena.slots.used} buffers were not given back`);
}
