/**
 * The same for an HTTP/2 client connection: a server that sends what chance wants, to requests that go on, wait and give
 * up as chance wants. Whatever comes, nothing throws, every request ends once (Asker), and every buffer comes back.
 */
import type { Endpoint } from "../../../src/proxy/connect/endpoint.ts";
import { ClientConnection } from "../../../src/proxy/http/http2/client_connection.ts";
import { takeTables } from "../../../src/proxy/http/http2/tables.ts";
import { mutate, Random } from "../random.ts";
import type { Target } from "../target.ts";
import { Asker } from "./asker.ts";
import { serverFrames } from "./frames.ts";
import { SEED_BYTES, seedOf } from "./seed.ts";
import { arena, StagedLoop, StagedStream } from "./stage.ts";

/** What the connection tells its endpoint. */
class Told {
  readonly authority = "";
  readonly name = "fuzzed";
  pending = 0;
  closed = 0;

  opened(): undefined {}

  forgetHttp2(): void {}

  streamLimit = Infinity;
  streamEnded(): void {
    this.pending--;
  }

  closedStream(): void {
    this.closed++;
  }
}

export const http2ClientTarget: Target = {
  name: "http2-client",

  generate(random) {
    let seed = "";
    for (let i = 0; i < SEED_BYTES; i++) seed += String.fromCharCode(random.below(256));
    const wire = serverFrames(random);
    return seed + (random.once(3) ? mutate(random, wire) : wire);
  },

  check(input) {
    const random = new Random(seedOf(input)), loop = new StagedLoop(), told = new Told();
    const stream = new StagedStream(loop.asLoop(), () => {}), tables = takeTables(arena);
    if (tables === undefined) throw new Error("HPACK tables were not given back");
    const connection = new ClientConnection(stream.asStream(), tables, told as unknown as Endpoint);
    connection.onOpen(stream.asStream());
    const askers: Asker[] = [];
    const ask = () => {
      if (!connection.hasRoom) return;
      told.pending++;
      const asker = new Asker(connection.newStream().acquired(), random);
      askers.push(asker);
      asker.begin();
    };
    for (let count = 1 + random.below(4); count > 0; count--) ask();
    const wire = input.subarray(SEED_BYTES);
    for (let at = 0; at < wire.length && !stream.isClosed;) {
      const count = 1 + random.below(random.pick([10, 200, 5000, 70_000]));
      stream.feed(wire.subarray(at, at + count));
      at += count;
      if (random.once(3)) ask();
      for (let steps = random.below(4); steps > 0; steps--) {
        random.pick(askers.length > 0 ? askers : [undefined])?.act();
      }
      if (random.once(20)) stream.room = random.below(3000);
      loop.turn();
      if (random.once(4) && stream.room !== Infinity) stream.unblock(random.pick([1, 1000, Infinity]));
      if (random.once(60)) connection.retire();
    }
    if (!stream.isClosed) stream.fail({ code: "reset", detail: "chance", errno: 104 });
    loop.turn();
    const open = askers.filter(({ isOver }) => !isOver).length;
    if (open > 0) throw new Error(`${open} requests were never ended`);
    if (told.pending !== 0) throw new Error(`${told.pending} requests are still counted`);
    if (told.closed !== 1) throw new Error(`the connection's end was told ${told.closed} times`);
    if (arena.slots.used !== 0) throw new Error(`${arena.slots.used} buffers were not given back`);
  },
};
