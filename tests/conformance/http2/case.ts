/**
 * A case for the HTTP/2 server: what is sent after the connection's greeting, and how it must end: the connection with a
 * code, a stream with a code, or an answer. And the pieces that cases are made of.
 */
import { END_HEADERS, type Fields, GET, headers, POST } from "./peer.ts";

export type Outcome =
  /** The connection ends, with GOAWAY and one of these codes. */
  | { readonly connection: readonly number[] }
  /** The stream ends with one of these codes; a connection that ends with it will do (RFC 9113 §5.4.1). */
  | { readonly stream: number; readonly codes: readonly number[] }
  /** The stream is answered with this status. */
  | { readonly status: number; readonly stream?: number }
  /** A PING sent afterwards is answered: the connection lives. */
  | "alive";

export interface Case {
  readonly clause: string;
  readonly name: string;
  readonly send: readonly Uint8Array[];
  readonly expect: Outcome;
}

export const NO_ERROR = 0,
  PROTOCOL = 1,
  FLOW_CONTROL = 3,
  CLOSED = 5,
  FRAME_SIZE = 6,
  REFUSED = 7,
  CANCEL = 8;
export const COMPRESSION = 9, CALM = 11;
export const connection = (...codes: number[]): Outcome => ({ connection: codes });
export const stream = (id: number, ...codes: number[]): Outcome => ({ stream: id, codes });
export const answered = (status = 200, id = 1): Outcome => ({ status, stream: id });
export const OPEN = headers(1, POST, END_HEADERS);
export const BIG = "x".repeat(16384);
export const eight = new Uint8Array(8);

/** A request with these fields in place of (or besides) the usual. */
export const request = (fields: Fields): Uint8Array => headers(1, fields);
export const withField = (name: string, value: string): Uint8Array => request([...GET, [name, value]]);
export const without = (name: string): Fields => GET.filter(([known]) => known !== name);
export const malformed = (clause: string, name: string, bytes: Uint8Array): Case => ({
  clause,
  name,
  send: [bytes],
  expect: stream(1, PROTOCOL),
});
