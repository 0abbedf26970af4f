/**
 * The transport header: what a proxy says to its peer at the start of a direct connection, so that the peer knows
 * which port (or, at a gateway, which name) the bytes that follow are for.
 *
 * Why not the generated codec: it is two small messages read once per connection, and this way the data path imports
 * no library.
 * Source: protocol-api.md §13; Protocol Buffers encoding, "varint" and "length-delimited".
 */

export type SessionProtocol = "http1" | "http2";

export interface TransportHeader {
  readonly port: number;
  /** A gateway's target; empty for a port of this workload. */
  readonly name: string;
  readonly protocol: SessionProtocol | undefined;
}

const PREFACE = "transport.l5d.io/v1\r\n\r\n";
const PREFIX_LENGTH = PREFACE.length + 4;
/** A longer header is an error (Linkerd's reader has a buffer of 64 KiB; ours holds one read). */
const MAX_LENGTH = 8192;

function varint(value: number): number[] {
  const bytes: number[] = [];
  while (value > 127) {
    bytes.push(value & 127 | 128);
    value >>>= 7;
  }
  return [...bytes, value];
}

/** The bytes that begin a direct connection. */
export function encodeTransportHeader(header: TransportHeader): Uint8Array<ArrayBuffer> {
  const name = new TextEncoder().encode(header.name);
  const body = [0x08, ...varint(header.port)];
  if (name.length > 0) body.push(0x12, ...varint(name.length), ...name);
  if (header.protocol !== undefined) body.push(0x1a, 2, header.protocol === "http1" ? 0x0a : 0x12, 0);
  const out = new Uint8Array(PREFIX_LENGTH + body.length);
  new TextEncoder().encodeInto(PREFACE, out);
  new DataView(out.buffer).setUint32(PREFACE.length, body.length);
  out.set(body, PREFIX_LENGTH);
  return out;
}

/** Fields of a message: number, and value (a number or bytes); undefined when the bytes are no message. */
function fieldsOf(bytes: Uint8Array): [number, number | Uint8Array][] | undefined {
  const fields: [number, number | Uint8Array][] = [];
  let at = 0;
  const readVarint = (): number => {
    let value = 0, scale = 1;
    for (let i = 0; i < 10; i++) {
      const byte = bytes[at++];
      if (byte === undefined) return NaN;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    return NaN;
  };
  while (at < bytes.length) {
    const tag = readVarint(), number = Math.floor(tag / 8), kind = tag % 8;
    if (Number.isNaN(tag) || number === 0) return undefined;
    if (kind === 0) {
      const value = readVarint();
      if (Number.isNaN(value)) return undefined;
      fields.push([number, value]);
    } else if (kind === 2) {
      const length = readVarint();
      if (Number.isNaN(length) || at + length > bytes.length) return undefined;
      fields.push([number, bytes.subarray(at, at + length)]);
      at += length;
    } else if (kind === 1 || kind === 5) { // fixed-width fields of a later version
      at += kind === 1 ? 8 : 4;
      if (at > bytes.length) return undefined;
    } else return undefined;
  }
  return fields;
}

export type DecodedHeader =
  | { readonly kind: "header"; readonly header: TransportHeader; readonly length: number }
  | { readonly kind: "more" }
  | { readonly kind: "bad"; readonly detail: string };

/** Reads the header from the first bytes of a connection; the answer is the same however they were cut. */
export function decodeTransportHeader(bytes: Uint8Array): DecodedHeader {
  for (let i = 0; i < PREFACE.length && i < bytes.length; i++) {
    if (bytes[i] !== PREFACE.charCodeAt(i)) {
      return { kind: "bad", detail: "the connection does not begin with a transport header" };
    }
  }
  if (bytes.length < PREFIX_LENGTH) return { kind: "more" };
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(PREFACE.length);
  if (length > MAX_LENGTH) return { kind: "bad", detail: `a transport header of ${length} bytes` };
  if (bytes.length < PREFIX_LENGTH + length) return { kind: "more" };
  const fields = fieldsOf(bytes.subarray(PREFIX_LENGTH, PREFIX_LENGTH + length));
  if (fields === undefined) return { kind: "bad", detail: "the transport header is no message" };
  let port = 0, name = "";
  let protocol: SessionProtocol | undefined;
  for (const [number, value] of fields) {
    if (number === 1 && typeof value === "number") port = value;
    else if (number === 2 && value instanceof Uint8Array) name = new TextDecoder().decode(value);
    else if (number === 3 && value instanceof Uint8Array) {
      const kind = fieldsOf(value)?.at(-1)?.[0];
      protocol = kind === 1 ? "http1" : kind === 2 ? "http2" : undefined;
    }
  }
  if (port < 1 || port > 65535) return { kind: "bad", detail: `the transport header names port ${port}` };
  return { kind: "header", header: { port, name, protocol }, length: PREFIX_LENGTH + length };
}
