import { deepEqual, equal } from "node:assert/strict";
import { FrameType } from "../../wasm/http2.ts";
import { FrameReader, PREFACE } from "../http/http2/frame_bytes.ts";
import type { AsyncStream } from "../worker/async_stream.ts";
import { Http2Connection } from "./http2_connection.ts";

const SECOND = 1000, PING = 10 * SECOND, ANSWER = 3 * SECOND;

/** A connection in fake time to a peer that says nothing. */
class Rig {
  #nowMs = 0;
  #due: { at: number; callback: () => void }[] = [];
  readonly #frames = new FrameReader();
  readonly sent: number[] = [];
  closed: string | undefined;
  readonly connection: Http2Connection;

  constructor(isQuietWhenIdle: boolean) {
    const stream = {
      write: (bytes: Uint8Array) => {
        if (bytes !== PREFACE) {
          const frames = this.#frames.push(bytes);
          if (typeof frames !== "string") this.sent.push(...frames.map(({ type }) => type));
        }
        return Promise.resolve();
      },
      read: () => new Promise<null>(() => {}),
      close() {},
    };
    this.connection = new Http2Connection(stream as unknown as AsyncStream, {
      loop: {
        after: (delayMs, callback) => {
          const entry = { at: this.#nowMs + delayMs, callback };
          this.#due.push(entry);
          return () => this.#due = this.#due.filter((one) => one !== entry);
        },
      },
      authority: "collector:4317",
      codec: {
        encode: () => new Uint8Array(1),
        decode: () => undefined,
        limitEncoderTable() {},
        release() {},
      },
      isQuietWhenIdle,
      onClosed: (reason) => this.closed = reason,
    });
  }

  async pass(ms: number): Promise<void> {
    this.#nowMs += ms;
    for (const entry of this.#due.filter(({ at }) => at <= this.#nowMs)) {
      this.#due = this.#due.filter((one) => one !== entry);
      entry.callback();
    }
    await new Promise((done) => setTimeout(done, 0));
  }

  get pings(): number {
    return this.sent.filter((type) => type === FrameType.Ping).length;
  }
}

Deno.test("a peer that answers no PING is given up", async () => {
  const rig = new Rig(false);
  await rig.pass(PING);
  deepEqual([rig.pings, rig.closed], [1, undefined]);
  await rig.pass(ANSWER);
  equal(rig.closed, "the peer does not answer PING");
});

Deno.test("where nothing is to be said while idle, a PING goes only while there is a call", async () => {
  const rig = new Rig(true);
  for (let i = 0; i < 5; i++) await rig.pass(PING);
  deepEqual([rig.pings, rig.closed], [0, undefined]);
  let ended = "";
  rig.connection.call("/t.T/Echo", new Uint8Array(0), {
    onMessage() {},
    onEnd: ({ message }) => ended = message,
  });
  await rig.pass(PING);
  equal(rig.pings, 1);
  await rig.pass(ANSWER);
  equal(ended, "the peer does not answer PING");
});
