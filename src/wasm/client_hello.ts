/** Makes ClientHello messages for tests, the fuzzer and the benches: well-formed, in records of any size. */

export interface HelloOptions {
  readonly serverName?: string | undefined;
  readonly alpn?: readonly string[];
  /** Bytes of a further extension, as a post-quantum key share brings. */
  readonly padding?: number;
  /** Most bytes of one record. */
  readonly recordSize?: number;
}

const ascii = new TextEncoder();

function short(value: number): number[] {
  return [value >> 8 & 255, value & 255];
}

function extension(kind: number, body: readonly number[]): number[] {
  return [...short(kind), ...short(body.length), ...body];
}

/** The handshake message without record headers. */
export function helloMessage({ serverName, alpn = [], padding = 0 }: HelloOptions): number[] {
  const extensions: number[] = extension(43, [2, 3, 4]);
  if (serverName !== undefined) {
    const name = [...ascii.encode(serverName)];
    const entry = [0, ...short(name.length), ...name];
    extensions.push(...extension(0, [...short(entry.length), ...entry]));
  }
  if (padding > 0) extensions.push(...extension(21, new Array<number>(padding).fill(0)));
  if (alpn.length > 0) {
    const list = alpn.flatMap((name) => [name.length, ...ascii.encode(name)]);
    extensions.push(...extension(16, [...short(list.length), ...list]));
  }
  const random = Array.from({ length: 32 }, (_, index) => index);
  const body = [3, 3, ...random, 4, 1, 2, 3, 4, ...short(4), 0x13, 1, 0x13, 2, 1, 0];
  body.push(...short(extensions.length), ...extensions);
  return [1, body.length >> 16, ...short(body.length & 0xffff), ...body];
}

/** Wraps a handshake message into records. */
export function intoRecords(message: readonly number[], recordSize = 16384): Uint8Array {
  const bytes: number[] = [];
  for (let offset = 0; offset < message.length; offset += recordSize) {
    const part = message.slice(offset, offset + recordSize);
    bytes.push(22, 3, 1, ...short(part.length), ...part);
  }
  return Uint8Array.from(bytes);
}

export function clientHello(options: HelloOptions): Uint8Array {
  return intoRecords(helloMessage(options), options.recordSize);
}
