/** One end of an HTTP/2 connection, frame by frame with our reader and writer: for tests against other implementations. */
import { Frame, FRAME_HEAD_BYTES, FrameType } from "./http2.ts";
import type { Workbench } from "./workbench.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

export interface ReadFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly content: Uint8Array;
}

/** Reads the bytes of a connection frame by frame, and gives the reader one byte more at a time. */
export class BareConnection {
  #bytes = new Uint8Array();
  readonly #bench: Workbench;
  readonly #connection: Deno.Conn;

  constructor(bench: Workbench, connection: Deno.Conn) {
    this.#bench = bench;
    this.#connection = connection;
  }

  async #need(length: number): Promise<void> {
    while (this.#bytes.length < length) {
      const chunk = new Uint8Array(4096);
      const count = await this.#connection.read(chunk);
      if (count === null) throw new Error("the peer hung up");
      this.#bytes = Uint8Array.from([...this.#bytes, ...chunk.subarray(0, count)]);
    }
  }

  /** Takes a client's preface. @throws when it is another one */
  async acceptClient(): Promise<void> {
    await this.#need(PREFACE.length);
    const text = new TextDecoder().decode(this.#bytes.slice(0, PREFACE.length));
    if (text !== PREFACE) throw new Error(`not the preface of HTTP/2: ${JSON.stringify(text)}`);
    this.#bytes = this.#bytes.slice(PREFACE.length);
  }

  async #frame(): Promise<ReadFrame> {
    const { module, record, at } = this.#bench;
    for (let given = 1;; given++) {
      await this.#need(given);
      const end = this.#bench.put(this.#bytes.subarray(0, given));
      const before = module.exports.readFrameHead(at, end, record, 16384);
      if (before < 0) continue;
      const word = (index: number) => module.memory.words[(record >> 2) + index] ?? 0;
      const [type, flags, streamId] = [word(Frame.Type), word(Frame.Flags), word(Frame.StreamId)];
      const [length, contentLength] = [word(Frame.Length), word(Frame.ContentLength)];
      await this.#need(FRAME_HEAD_BYTES + length);
      const content = this.#bytes.slice(before, before + contentLength);
      this.#bytes = this.#bytes.slice(FRAME_HEAD_BYTES + length);
      return { type, flags, streamId, content };
    }
  }

  /** The next frame of a type; those before it are passed over. */
  async read(type: FrameType): Promise<ReadFrame> {
    let frame = await this.#frame();
    while (frame.type !== type) frame = await this.#frame();
    return frame;
  }

  async write(
    type: number,
    flags: number,
    stream: number,
    content: Uint8Array = new Uint8Array(),
  ): Promise<void> {
    const { module, at } = this.#bench;
    module.exports.writeFrameHead(at, content.length, type, flags, stream);
    const bytes = Uint8Array.from([...module.memory.bytes.slice(at, at + FRAME_HEAD_BYTES), ...content]);
    for (let written = 0; written < bytes.length;) {
      written += await this.#connection.write(bytes.subarray(written));
    }
  }

  close(): void {
    this.#connection.close();
  }
}
