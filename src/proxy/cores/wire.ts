/**
 * Messages between the loops of one process, as bytes: JSON with what JSON lacks (sets, maps, bytes, infinities), each
 * with its length before it.
 *
 * Why not postMessage: a MessagePort can be read without Deno's event loop only through node:worker_threads, whose
 * import costs 3.4 MB in each isolate (measured), and a message of any size arrives in one piece. A socket pair costs
 * nothing, has back-pressure, and sits in the loop's epoll like every other stream.
 */
const TYPE = "\u0000type", HEAD = 4;

/** What JSON lacks, as an object that names it. @throws TypeError for what no other loop could use (a function) */
function tag(_key: string, value: unknown): unknown {
  if (typeof value === "function" || typeof value === "symbol") {
    throw new TypeError(`a ${typeof value} cannot go to another loop`);
  }
  if (typeof value === "bigint") return { [TYPE]: "bigint", value: String(value) };
  if (typeof value === "number" && !Number.isFinite(value)) return { [TYPE]: "number", value: String(value) };
  if (value instanceof Set) return { [TYPE]: "set", value: [...value] };
  if (value instanceof Map) return { [TYPE]: "map", value: [...value] };
  if (value instanceof RegExp) return { [TYPE]: "regexp", value: [value.source, value.flags] };
  if (value instanceof Uint8Array) return { [TYPE]: "bytes", value: value.toBase64() };
  return value;
}

function untag(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !(TYPE in value)) return value;
  const tagged = value as unknown as { readonly [TYPE]: string; readonly value: never };
  switch (tagged[TYPE]) {
    case "bigint":
      return BigInt(tagged.value);
    case "number":
      return Number(tagged.value);
    case "set":
      return new Set(tagged.value);
    case "map":
      return new Map(tagged.value);
    case "regexp":
      return new RegExp(tagged.value[0], tagged.value[1]);
    case "bytes":
      return Uint8Array.fromBase64(tagged.value);
  }
  return value;
}

/** A message with its length before it. */
export function encodeMessage(message: unknown): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(JSON.stringify(message, tag));
  const bytes = new Uint8Array(HEAD + text.length);
  new DataView(bytes.buffer).setUint32(0, text.length);
  bytes.set(text, HEAD);
  return bytes;
}

/** Cuts a stream of bytes into messages. */
export class MessageCutter {
  #parts: Uint8Array[] = [];
  #length = 0;
  #wanted = HEAD;

  /** Takes the next bytes; the messages they complete are decoded one by one as they are asked for. */
  *push(bytes: Uint8Array): Generator<unknown> {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    while (this.#length >= this.#wanted) {
      const whole = this.#join(), size = new DataView(whole.buffer, whole.byteOffset).getUint32(0);
      this.#wanted = HEAD + size;
      if (this.#length < this.#wanted) return;
      const text = new TextDecoder().decode(whole.subarray(HEAD, this.#wanted));
      this.#parts = [whole.subarray(this.#wanted)];
      this.#length -= this.#wanted;
      this.#wanted = HEAD;
      yield JSON.parse(text, untag);
    }
  }

  #join(): Uint8Array {
    if (this.#parts.length === 1) return this.#parts[0]!;
    const whole = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    this.#parts = [whole];
    return whole;
  }
}
