/**
 * gRPC's framing of messages, its percent-encoded messages and its status in headers.
 * Source: gRPC over HTTP/2, "Length-Prefixed-Message", "Status-Message".
 */
import type { GrpcStatus } from "./grpc.ts";
import { GrpcCode } from "./grpc.ts";

/** The largest message taken: a service of 100,000 endpoints stays below. */
export const MAX_MESSAGE = 32 << 20;

/** The flag that tells compression, and the length. */
const PREFIX = 5;

/** A message with its prefix, uncompressed. */
export function encodeMessage(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(PREFIX + message.length);
  new DataView(out.buffer).setUint32(1, message.length);
  out.set(message, PREFIX);
  return out;
}

/** Cuts DATA into messages. A message of many frames is joined once, when it is whole. */
export class MessageReader {
  #parts: Uint8Array[] = [];
  #length = 0;
  #wanted = PREFIX;

  /** @returns the messages that are complete, or why the bytes are no gRPC */
  push(bytes: Uint8Array): Uint8Array[] | string {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    const messages: Uint8Array[] = [];
    while (this.#length >= this.#wanted) {
      const joined = this.#join(), size = new DataView(joined.buffer, joined.byteOffset).getUint32(1);
      if (joined[0] !== 0) return "a compressed message, which was not asked for";
      if (size > MAX_MESSAGE) return `a message of ${size} bytes`;
      this.#wanted = PREFIX + size;
      if (this.#length < this.#wanted) break;
      messages.push(joined.subarray(PREFIX, this.#wanted));
      this.#parts = [joined.subarray(this.#wanted)];
      this.#length -= this.#wanted;
      this.#wanted = PREFIX;
    }
    return messages;
  }

  #join(): Uint8Array {
    if (this.#parts.length === 1) return this.#parts[0]!;
    const joined = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      joined.set(part, at);
      at += part.length;
    }
    this.#parts = [joined];
    return joined;
  }
}

/** The text of a percent-encoded grpc-message; bytes that are no UTF-8 are shown as such. */
export function decodeStatusMessage(text: string): string {
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const hex = /^[0-9a-fA-F]{2}$/.test(text.slice(i + 1, i + 3)) ? text.slice(i + 1, i + 3) : "";
    if (text[i] === "%" && hex !== "") {
      bytes.push(parseInt(hex, 16));
      i += 2;
    } else bytes.push(text.charCodeAt(i) & 255);
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

/** Codes for HTTP statuses of answers that are no gRPC (gRPC's http-grpc-status-mapping). */
const CODE_OF_HTTP: Readonly<Record<string, number>> = {
  "400": GrpcCode.INTERNAL,
  "401": GrpcCode.UNAUTHENTICATED,
  "403": GrpcCode.PERMISSION_DENIED,
  "404": GrpcCode.UNIMPLEMENTED,
  "429": GrpcCode.UNAVAILABLE,
  "502": GrpcCode.UNAVAILABLE,
  "503": GrpcCode.UNAVAILABLE,
  "504": GrpcCode.UNAVAILABLE,
};

/** The status in trailers (or in a response that is headers only). */
export function statusOf(fields: ReadonlyMap<string, string>): GrpcStatus {
  const code = fields.get("grpc-status");
  if (code !== undefined && /^[0-9]{1,3}$/.test(code)) {
    return { code: Number(code), message: decodeStatusMessage(fields.get("grpc-message") ?? "") };
  }
  const http = fields.get(":status");
  return {
    code: CODE_OF_HTTP[http ?? ""] ?? GrpcCode.UNKNOWN,
    message: http === undefined
      ? "the stream ended without a status"
      : `HTTP status ${http} without a gRPC status`,
  };
}
