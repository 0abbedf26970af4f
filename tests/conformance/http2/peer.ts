/**
 * A peer that says exactly what a case tells it to, frame by frame, and reads what comes back. It has no code of the
 * proxy's: frames and field blocks are written and read here a second time.
 * Source: RFC 9113 §4.1; RFC 7541 §6.2.2 (literals that are not indexed).
 */
export const DATA = 0, HEADERS = 1, PRIORITY = 2, RST_STREAM = 3, SETTINGS = 4, PUSH_PROMISE = 5, PING = 6;
export const GOAWAY = 7, WINDOW_UPDATE = 8, CONTINUATION = 9;
export const END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8, PRIORITIZED = 32;

export const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array;
}

export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

export function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export function number32(value: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** @param length what the head claims, where that is not the payload's */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = new Uint8Array(),
  length: number = payload.length,
): Uint8Array<ArrayBuffer> {
  return join(Uint8Array.of(length >>> 16, length >>> 8, length, type, flags), number32(stream), payload);
}

function integer(prefix: number, value: number): number[] {
  if (value < prefix) return [value];
  const bytes = [prefix];
  for (value -= prefix; value >= 128; value >>>= 7) bytes.push(value & 127 | 128);
  return [...bytes, value];
}

export type Fields = readonly (readonly [string, string])[];

/** A field block of literals. */
export function block(fields: Fields): Uint8Array<ArrayBuffer> {
  return join(...fields.map(([name, value]) =>
    join(
      Uint8Array.from([0, ...integer(127, name.length)]),
      bytesOf(name),
      Uint8Array.from(integer(127, value.length)),
      bytesOf(value),
    )
  ));
}

export const GET: Fields = [[":method", "GET"], [":scheme", "http"], [":path", "/"], [":authority", "web"]];
export const POST: Fields = [[":method", "POST"], ...GET.slice(1)];

/** A request's HEADERS. */
export function headers(
  stream: number,
  fields: Fields,
  flags = END_STREAM | END_HEADERS,
): Uint8Array<ArrayBuffer> {
  return frame(HEADERS, flags, stream, block(fields));
}

export function data(stream: number, text: string, flags = 0): Uint8Array<ArrayBuffer> {
  return frame(DATA, flags, stream, bytesOf(text));
}

export function setting(id: number, value: number): Uint8Array<ArrayBuffer> {
  return join(Uint8Array.of(id >> 8, id), number32(value));
}

export class RawPeer {
  readonly #connection: Deno.TcpConn;
  #buffer = new Uint8Array();

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  static async connect(port: number): Promise<RawPeer> {
    return new RawPeer(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  async write(...parts: readonly Uint8Array[]): Promise<void> {
    try {
      let left = join(...parts);
      while (left.length > 0) left = left.subarray(await this.#connection.write(left));
    } catch (error) {
      // The other side may have closed already, which what is read will tell.
      const isClosed = error instanceof Deno.errors.BrokenPipe ||
        error instanceof Deno.errors.ConnectionReset;
      if (!isClosed) throw error;
    }
  }

  /** Begins as a client does. */
  greet(...settings: readonly Uint8Array[]): Promise<void> {
    return this.write(bytesOf(PREFACE), frame(SETTINGS, 0, 0, join(...settings)));
  }

  /** The next bytes; undefined at the end. */
  async #more(): Promise<boolean> {
    const part = new Uint8Array(65536);
    let count: number | null;
    try {
      count = await this.#connection.read(part);
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
      return false;
    }
    if (count === null) return false;
    this.#buffer = join(this.#buffer, part.subarray(0, count));
    return true;
  }

  /** Reads `length` bytes that are no frame (a preface). */
  async take(length: number): Promise<Uint8Array> {
    while (this.#buffer.length < length) if (!await this.#more()) return this.#buffer;
    const taken = this.#buffer.slice(0, length);
    this.#buffer = this.#buffer.slice(length);
    return taken;
  }

  /** The next frame; undefined when the connection has ended. */
  async read(): Promise<Frame | undefined> {
    while (this.#buffer.length < 9) if (!await this.#more()) return undefined;
    const [a = 0, b = 0, c = 0, type = 0, flags = 0] = this.#buffer, length = a << 16 | b << 8 | c;
    const stream = new DataView(this.#buffer.buffer, this.#buffer.byteOffset).getUint32(5) & 0x7fffffff;
    while (this.#buffer.length < 9 + length) if (!await this.#more()) return undefined;
    const payload = this.#buffer.slice(9, 9 + length);
    this.#buffer = this.#buffer.slice(9 + length);
    return { type, flags, stream, payload };
  }

  /** Reads until a frame fits; undefined when the connection ended before. */
  async until(isWanted: (frame: Frame) => boolean): Promise<Frame | undefined> {
    for (;;) {
      const frame = await this.read();
      if (frame === undefined || isWanted(frame)) return frame;
    }
  }

  close(): void {
    try {
      this.#connection.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}

/** The number at `at` of a payload: an error code, a window. */
export function wordOf(frame: Frame, at = 0): number {
  return new DataView(frame.payload.buffer, frame.payload.byteOffset).getUint32(at);
}
