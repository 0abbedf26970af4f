/**
 * What a server must make of a client's frames, by clause of RFC 9113. A case says what is sent after the connection's
 * greeting, and how it must end: the connection with a code, stream 1 with a code, or an answer.
 */
import {
  ACK,
  block,
  bytesOf,
  CONTINUATION,
  DATA,
  data,
  END_HEADERS,
  END_STREAM,
  type Fields,
  frame,
  GET,
  GOAWAY,
  HEADERS,
  headers,
  join,
  number32,
  PADDED,
  PING,
  POST,
  PRIORITIZED,
  PRIORITY,
  PUSH_PROMISE,
  RST_STREAM,
  setting,
  SETTINGS,
  WINDOW_UPDATE,
} from "./peer.ts";

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

const NO_ERROR = 0, PROTOCOL = 1, FLOW_CONTROL = 3, CLOSED = 5, FRAME_SIZE = 6, REFUSED = 7, CANCEL = 8;
const COMPRESSION = 9, CALM = 11;
const connection = (...codes: number[]): Outcome => ({ connection: codes });
const stream = (id: number, ...codes: number[]): Outcome => ({ stream: id, codes });
const answered = (status = 200, id = 1): Outcome => ({ status, stream: id });
const OPEN = headers(1, POST, END_HEADERS);
const BIG = "x".repeat(16384);
const eight = new Uint8Array(8);

/** A request with these fields in place of (or besides) the usual. */
const request = (fields: Fields): Uint8Array => headers(1, fields);
const withField = (name: string, value: string): Uint8Array => request([...GET, [name, value]]);
const without = (name: string): Fields => GET.filter(([known]) => known !== name);
const malformed = (clause: string, name: string, bytes: Uint8Array): Case => ({
  clause,
  name,
  send: [bytes],
  expect: stream(1, PROTOCOL),
});

export const FRAMES: readonly Case[] = [
  {
    clause: "3.4",
    name: "a connection whose first frame is no SETTINGS still serves or says why",
    send: [headers(1, GET)],
    expect: answered(),
  },
  {
    clause: "4.1",
    name: "a frame of unknown type is ignored",
    send: [frame(0x42, 255, 0, eight), headers(1, GET)],
    expect: answered(),
  },
  {
    clause: "4.1",
    name: "unknown flags are ignored",
    send: [frame(PING, 0xfe, 0, eight), headers(1, GET)],
    expect: answered(),
  },
  {
    clause: "4.1",
    name: "the reserved bit is ignored",
    send: [frame(PING, 0, 0x80000000, eight), headers(1, GET)],
    expect: answered(),
  },
  {
    clause: "4.2",
    name: "DATA of 16,384 bytes is taken",
    send: [OPEN, data(1, BIG, END_STREAM)],
    expect: answered(),
  },
  {
    clause: "4.2",
    name: "DATA beyond the maximum frame size",
    send: [OPEN, data(1, BIG + "x")],
    expect: connection(FRAME_SIZE),
  },
  {
    clause: "4.2",
    name: "HEADERS beyond the maximum frame size",
    send: [frame(HEADERS, END_HEADERS, 1, new Uint8Array(16385))],
    expect: connection(FRAME_SIZE),
  },
  {
    clause: "4.2",
    name: "an unknown frame beyond the maximum frame size",
    send: [frame(0x42, 0, 0, new Uint8Array(16385))],
    expect: connection(FRAME_SIZE),
  },
  {
    clause: "4.3",
    name: "a field block that cannot be decoded (index 70 of an empty table)",
    send: [frame(HEADERS, 5, 1, Uint8Array.of(0x80 | 70))],
    expect: connection(COMPRESSION),
  },
  {
    clause: "4.3",
    name: "a field block that ends within a string",
    send: [frame(HEADERS, 5, 1, Uint8Array.of(0, 5, 97))],
    expect: connection(COMPRESSION),
  },
  {
    clause: "4.3",
    name: "a PRIORITY between HEADERS and its CONTINUATION",
    send: [frame(HEADERS, END_STREAM, 1, block(GET)), frame(PRIORITY, 0, 1, Uint8Array.of(0, 0, 0, 3, 1))],
    expect: connection(PROTOCOL),
  },
  {
    clause: "4.3",
    name: "HEADERS of another stream between HEADERS and its CONTINUATION",
    send: [frame(HEADERS, END_STREAM, 1, block(GET)), headers(3, GET)],
    expect: connection(PROTOCOL),
  },
  {
    clause: "4.3",
    name: "a PING between HEADERS and its CONTINUATION",
    send: [frame(HEADERS, END_STREAM, 1, block(GET)), frame(PING, 0, 0, eight)],
    expect: connection(PROTOCOL),
  },
  {
    clause: "4.3",
    name: "an unknown frame between HEADERS and its CONTINUATION",
    send: [frame(HEADERS, END_STREAM, 1, block(GET)), frame(0x42, 0, 1)],
    expect: connection(PROTOCOL),
  },

  { clause: "6.1", name: "DATA on stream 0", send: [data(0, "x")], expect: connection(PROTOCOL) },
  { clause: "6.1", name: "DATA on an idle stream", send: [data(1, "x")], expect: connection(PROTOCOL) },
  {
    clause: "6.1",
    name: "DATA with padding is taken without it",
    send: [
      OPEN,
      frame(DATA, PADDED | END_STREAM, 1, join(Uint8Array.of(3), bytesOf("hello"), new Uint8Array(3))),
    ],
    expect: answered(),
  },
  {
    clause: "6.1",
    name: "DATA that is nothing but padding",
    send: [OPEN, frame(DATA, PADDED, 1, Uint8Array.of(2, 0, 0)), data(1, "x", END_STREAM)],
    expect: answered(),
  },
  {
    clause: "6.1",
    name: "DATA whose padding is as long as its payload",
    send: [OPEN, frame(DATA, PADDED, 1, Uint8Array.of(3, 0, 0))],
    expect: connection(PROTOCOL),
  },
  {
    clause: "6.1",
    name: "padded DATA of no bytes at all",
    send: [OPEN, frame(DATA, PADDED, 1)],
    expect: connection(FRAME_SIZE),
  },
  {
    clause: "6.1",
    name: "empty DATA that ends the stream",
    send: [OPEN, data(1, "", END_STREAM)],
    expect: answered(),
  },

  { clause: "6.2", name: "HEADERS on stream 0", send: [headers(0, GET)], expect: connection(PROTOCOL) },
  {
    clause: "6.2",
    name: "HEADERS with padding",
    send: [frame(HEADERS, 5 | PADDED, 1, join(Uint8Array.of(4), block(GET), new Uint8Array(4)))],
    expect: answered(),
  },
  {
    clause: "6.2",
    name: "HEADERS with priority",
    send: [frame(HEADERS, 5 | PRIORITIZED, 1, join(Uint8Array.of(0, 0, 0, 0, 15), block(GET)))],
    expect: answered(),
  },
  {
    clause: "6.2",
    name: "HEADERS with padding and priority",
    send: [
      frame(
        HEADERS,
        5 | PADDED | PRIORITIZED,
        1,
        join(Uint8Array.of(2, 0, 0, 0, 0, 15), block(GET), new Uint8Array(2)),
      ),
    ],
    expect: answered(),
  },
  {
    clause: "6.2",
    name: "HEADERS whose padding is longer than its payload",
    send: [frame(HEADERS, 5 | PADDED, 1, Uint8Array.of(200, 1, 2))],
    expect: connection(PROTOCOL),
  },
  {
    clause: "6.2",
    name: "HEADERS with priority that is too short for it",
    send: [frame(HEADERS, 5 | PRIORITIZED, 1, Uint8Array.of(0, 0, 0))],
    expect: connection(FRAME_SIZE),
  },
  {
    clause: "5.3.1",
    name: "HEADERS that depend on their own stream",
    send: [frame(HEADERS, 5 | PRIORITIZED, 1, join(Uint8Array.of(0, 0, 0, 1, 15), block(GET)))],
    expect: stream(1, PROTOCOL),
  },

  {
    clause: "6.3",
    name: "PRIORITY on an idle stream is ignored",
    send: [frame(PRIORITY, 0, 7, Uint8Array.of(0, 0, 0, 0, 1)), headers(1, GET)],
    expect: answered(),
  },
  {
    clause: "6.3",
    name: "PRIORITY on stream 0",
    send: [frame(PRIORITY, 0, 0, Uint8Array.of(0, 0, 0, 1, 1))],
    expect: connection(PROTOCOL),
  },
  {
    clause: "6.3",
    name: "PRIORITY of four bytes",
    send: [OPEN, frame(PRIORITY, 0, 1, new Uint8Array(4))],
    expect: stream(1, FRAME_SIZE),
  },
  {
    clause: "6.3",
    name: "PRIORITY of six bytes",
    send: [OPEN, frame(PRIORITY, 0, 1, new Uint8Array(6))],
    expect: stream(1, FRAME_SIZE),
  },

  {
    clause: "6.4",
    name: "RST_STREAM on stream 0",
    send: [frame(RST_STREAM, 0, 0, number32(CANCEL))],
    expect: connection(PROTOCOL),
  },
  {
    clause: "6.4",
    name: "RST_STREAM on an idle stream",
    send: [frame(RST_STREAM, 0, 1, number32(CANCEL))],
    expect: connection(PROTOCOL),
  },
  {
    clause: "6.4",
    name: "RST_STREAM of three bytes",
    send: [OPEN, frame(RST_STREAM, 0, 1, new Uint8Array(3))],
    expect: connection(FRAME_SIZE),
  },
  {
    clause: "6.4",
    name: "RST_STREAM with a code that nobody knows",
    send: [OPEN, frame(RST_STREAM, 0, 1, number32(0xfafafafa)), headers(3, GET)],
    expect: answered(200, 3),
  },
  {
    clause: "6.4",
    name: "RST_STREAM of a closed stream",
    send: [
      OPEN,
      frame(RST_STREAM, 0, 1, number32(CANCEL)),
      frame(RST_STREAM, 0, 1, number32(CANCEL)),
      headers(3, GET),
    ],
    expect: answered(200, 3),
  },

  {
    clause: "6.5",
    name: "SETTINGS on a stream",
    send: [frame(SETTINGS, 0, 1)],
    expect: connection(PROTOCOL),
  },
  {
    clause: "6.5",
    name: "SETTINGS of five bytes",
    send: [frame(SETTINGS, 0, 0, new Uint8Array(5))],
    expect: connection(FRAME_SIZE),
  },
  {
    clause: "6.5",
    name: "SETTINGS of seven bytes",
    send: [frame(SETTINGS, 0, 0, new Uint8Array(7))],
    expect: connection(FRAME_SIZE),
  },
  {
    clause: "6.5",
    name: "an acknowledgement with a payload",
    send: [frame(SETTINGS, ACK, 0, setting(1, 1))],
    expect: connection(FRAME_SIZE),
  },
  {
    clause: "6.5.2",
    name: "ENABLE_PUSH of 2",
    send: [frame(SETTINGS, 0, 0, setting(2, 2))],
    expect: connection(PROTOCOL),
  },
  {
    clause: "6.5.2",
    name: "INITIAL_WINDOW_SIZE of 2^31",
    send: [frame(SETTINGS, 0, 0, setting(4, 0x80000000))],
    expect: connection(FLOW_CONTROL),
  },
  {
    clause: "6.5.2",
    name: "MAX_FRAME_SIZE below 16,384",
    send: [frame(SETTINGS, 0, 0, setting(5, 16383))],
    expect: connection(PROTOCOL),
  },
  {
    clause: "6.5.2",
    name: "MAX_FRAME_SIZE above 2^24-1",
    send: [frame(SETTINGS, 0, 0, setting(5, 0x1000000))],
    expect: connection(PROTOCOL),
  },
  {
    clause: "8.4/RFC 8441",
    name: "ENABLE_CONNECT_PROTOCOL of 2",
    send: [frame(SETTINGS, 0, 0, setting(8, 2))],
    expect: connection(PROTOCOL),
  },
  {
    clause: "6.5.2",
    name: "a setting that nobody knows",
    send: [frame(SETTINGS, 0, 0, setting(0xff, 1)), headers(1, GET)],
    expect: answered(),
  },
  {
    clause: "6.5.2",
    name: "the same setting twice: the last holds",
    send: [frame(SETTINGS, 0, 0, join(setting(4, 0), setting(4, 65535))), headers(1, GET)],
    expect: answered(),
  },
  {
    clause: "6.5.2",
    name: "a header table of no size",
    send: [frame(SETTINGS, 0, 0, setting(1, 0)), headers(1, GET)],
    expect: answered(),
  },
  {
    clause: "6.5.3",
    name: "SETTINGS are acknowledged and the connection goes on",
    send: [frame(SETTINGS, 0, 0)],
    expect: "alive",
  },

  {
    clause: "6.6",
    name: "PUSH_PROMISE from a client",
    send: [frame(PUSH_PROMISE, END_HEADERS, 1, join(number32(2), block(GET)))],
    expect: connection(PROTOCOL),
  },
  {
    clause: "6.6",
    name: "PUSH_PROMISE on stream 0",
    send: [frame(PUSH_PROMISE, END_HEADERS, 0, join(number32(2), block(GET)))],
    expect: connection(PROTOCOL),
  },

  { clause: "6.7", name: "PING is answered", send: [], expect: "alive" },
  {
    clause: "6.7",
    name: "an answer to a PING that was never sent",
    send: [frame(PING, ACK, 0, eight)],
    expect: "alive",
  },
  { clause: "6.7", name: "PING on a stream", send: [frame(PING, 0, 1, eight)], expect: connection(PROTOCOL) },
  {
    clause: "6.7",
    name: "PING of seven bytes",
    send: [frame(PING, 0, 0, new Uint8Array(7))],
    expect: connection(FRAME_SIZE),
  },
  {
    clause: "6.7",
    name: "PING of nine bytes",
    send: [frame(PING, 0, 0, new Uint8Array(9))],
    expect: connection(FRAME_SIZE),
  },

  {
    clause: "6.8",
    name: "GOAWAY on a stream",
    send: [frame(GOAWAY, 0, 1, eight)],
    expect: connection(PROTOCOL),
  },
  {
    clause: "6.8",
    name: "GOAWAY of seven bytes",
    send: [frame(GOAWAY, 0, 0, new Uint8Array(7))],
    expect: connection(FRAME_SIZE),
  },
  {
    clause: "6.8",
    name: "requests that came before a GOAWAY are answered",
    send: [headers(1, GET), frame(GOAWAY, 0, 0, eight)],
    expect: answered(),
  },

  {
    clause: "6.9",
    name: "WINDOW_UPDATE of zero on the connection",
    send: [frame(WINDOW_UPDATE, 0, 0, number32(0))],
    expect: connection(PROTOCOL),
  },
  {
    clause: "6.9",
    name: "WINDOW_UPDATE of zero on a stream",
    send: [OPEN, frame(WINDOW_UPDATE, 0, 1, number32(0))],
    expect: stream(1, PROTOCOL),
  },
  {
    clause: "6.9",
    name: "WINDOW_UPDATE of three bytes",
    send: [frame(WINDOW_UPDATE, 0, 0, new Uint8Array(3))],
    expect: connection(FRAME_SIZE),
  },
  {
    clause: "6.9",
    name: "WINDOW_UPDATE of five bytes on a stream",
    send: [OPEN, frame(WINDOW_UPDATE, 0, 1, new Uint8Array(5))],
    expect: connection(FRAME_SIZE),
  },
  {
    clause: "6.9",
    name: "WINDOW_UPDATE on an idle stream",
    send: [frame(WINDOW_UPDATE, 0, 1, number32(1))],
    expect: connection(PROTOCOL),
  },
  {
    clause: "6.9.1",
    name: "a connection window above 2^31-1",
    send: [frame(WINDOW_UPDATE, 0, 0, number32(0x7fffffff))],
    expect: connection(FLOW_CONTROL),
  },
  {
    clause: "6.9.1",
    name: "a stream window above 2^31-1",
    send: [OPEN, frame(WINDOW_UPDATE, 0, 1, number32(0x7fffffff))],
    expect: stream(1, FLOW_CONTROL),
  },
  {
    clause: "6.9.2",
    name: "an initial window that lifts a stream's above 2^31-1",
    send: [
      OPEN,
      frame(WINDOW_UPDATE, 0, 1, number32(0x7fffffff - 65535)),
      frame(SETTINGS, 0, 0, setting(4, 65536)),
    ],
    expect: connection(FLOW_CONTROL),
  },

  {
    clause: "6.10",
    name: "a block in three frames",
    send: [
      frame(HEADERS, END_STREAM, 1, block(GET).subarray(0, 5)),
      frame(CONTINUATION, 0, 1, block(GET).subarray(5, 11)),
      frame(CONTINUATION, END_HEADERS, 1, block(GET).subarray(11)),
    ],
    expect: answered(),
  },
  {
    clause: "6.10",
    name: "a block whose last frame is empty",
    send: [frame(HEADERS, END_STREAM, 1, block(GET)), frame(CONTINUATION, END_HEADERS, 1)],
    expect: answered(),
  },
  {
    clause: "6.10",
    name: "CONTINUATION on stream 0",
    send: [frame(HEADERS, END_STREAM, 1, block(GET)), frame(CONTINUATION, END_HEADERS, 0)],
    expect: connection(PROTOCOL),
  },
  {
    clause: "6.10",
    name: "CONTINUATION of another stream",
    send: [frame(HEADERS, END_STREAM, 1, block(GET)), frame(CONTINUATION, END_HEADERS, 3)],
    expect: connection(PROTOCOL),
  },
  {
    clause: "6.10",
    name: "CONTINUATION after a block that was whole",
    send: [OPEN, frame(CONTINUATION, END_HEADERS, 1, block([["x-a", "1"]]))],
    expect: connection(PROTOCOL),
  },
  {
    clause: "6.10",
    name: "CONTINUATION after DATA",
    send: [OPEN, data(1, "x"), frame(CONTINUATION, END_HEADERS, 1)],
    expect: connection(PROTOCOL),
  },
  {
    clause: "10.5.1",
    name: "a block of 50 CONTINUATION frames",
    send: [
      frame(HEADERS, END_STREAM, 1, block(GET)),
      ...Array.from({ length: 50 }, () => frame(CONTINUATION, 0, 1, block([["x-a", "1"]]))),
    ],
    expect: connection(CALM),
  },
  {
    clause: "10.5.1",
    name: "a block of more bytes than we take",
    send: [
      frame(HEADERS, END_STREAM, 1, block(GET)),
      ...Array.from({ length: 5 }, () => frame(CONTINUATION, 0, 1, block([["x-a", "y".repeat(16000)]]))),
    ],
    expect: connection(CALM),
  },
];

export const STREAMS: readonly Case[] = [
  {
    clause: "5.1",
    name: "idle: a stream of an even number",
    send: [headers(2, GET)],
    expect: connection(PROTOCOL),
  },
  {
    clause: "5.1",
    name: "half-closed (remote): DATA",
    send: [headers(1, [...GET, ["x-slow", "1"]]), data(1, "x")],
    expect: stream(1, CLOSED),
  },
  {
    clause: "5.1",
    name: "half-closed (remote): HEADERS",
    send: [headers(1, [...GET, ["x-slow", "1"]]), headers(1, GET)],
    expect: stream(1, CLOSED),
  },
  {
    clause: "5.1",
    name: "half-closed (remote): WINDOW_UPDATE is taken",
    send: [headers(1, GET), frame(WINDOW_UPDATE, 0, 1, number32(10)), headers(3, GET)],
    expect: answered(200, 3),
  },
  {
    clause: "5.1",
    name: "closed by the client's reset: DATA",
    send: [OPEN, frame(RST_STREAM, 0, 1, number32(CANCEL)), data(1, "x")],
    expect: stream(1, CLOSED),
  },
  {
    clause: "5.1",
    name: "closed by the client's reset: HEADERS",
    send: [OPEN, frame(RST_STREAM, 0, 1, number32(CANCEL)), headers(1, GET)],
    expect: stream(1, CLOSED),
  },
  {
    clause: "5.1",
    name: "closed by the client's reset: WINDOW_UPDATE is ignored",
    send: [
      OPEN,
      frame(RST_STREAM, 0, 1, number32(CANCEL)),
      frame(WINDOW_UPDATE, 0, 1, number32(1)),
      headers(3, GET),
    ],
    expect: answered(200, 3),
  },
  {
    clause: "5.1",
    name: "closed by the client's reset: PRIORITY is ignored",
    send: [
      OPEN,
      frame(RST_STREAM, 0, 1, number32(CANCEL)),
      frame(PRIORITY, 0, 1, Uint8Array.of(0, 0, 0, 0, 1)),
      headers(3, GET),
    ],
    expect: answered(200, 3),
  },
  {
    clause: "5.1.1",
    name: "a stream whose number is below one seen before",
    send: [headers(5, GET), headers(3, GET)],
    expect: connection(PROTOCOL, CLOSED),
  },
  {
    clause: "5.1.1",
    name: "numbers that are left out are never used again",
    send: [headers(5, GET), headers(7, GET)],
    expect: answered(200, 7),
  },
  {
    clause: "5.4.1",
    name: "a flood of resets ends the connection",
    send: Array.from(
      { length: 1500 },
      (_, i) =>
        join(
          headers(2 * i + 1, [...GET, ["x-slow", "1"]]),
          frame(RST_STREAM, 0, 2 * i + 1, number32(CANCEL)),
        ),
    ),
    expect: connection(CALM),
  },
  {
    clause: "10.5",
    name: "a flood of SETTINGS ends the connection",
    send: Array.from({ length: 1500 }, () => frame(SETTINGS, 0, 0)),
    expect: connection(CALM),
  },
  {
    clause: "10.5",
    name: "a flood of empty DATA ends the connection",
    send: [OPEN, ...Array.from({ length: 1500 }, () => data(1, ""))],
    expect: connection(CALM),
  },
  {
    clause: "10.5",
    name: "a thousand PINGs are answered",
    send: Array.from({ length: 1000 }, () => frame(PING, 0, 0, eight)),
    expect: "alive",
  },
];

export const MESSAGES: readonly Case[] = [
  { clause: "8.1", name: "a request in one frame", send: [headers(1, GET)], expect: answered() },
  {
    clause: "8.1",
    name: "a request with content and trailers",
    send: [OPEN, data(1, "x"), headers(1, [["x-after", "1"]])],
    expect: answered(),
  },
  {
    clause: "8.1",
    name: "trailers without END_STREAM",
    send: [OPEN, data(1, "x"), headers(1, [["x-after", "1"]], END_HEADERS)],
    expect: stream(1, PROTOCOL),
  },
  {
    clause: "8.1",
    name: "trailers with a pseudo-header field",
    send: [OPEN, data(1, "x"), headers(1, [[":path", "/"]])],
    expect: stream(1, PROTOCOL),
  },
  malformed("8.2", "an upper-case field name", withField("X-A", "1")),
  malformed("8.2.1", "a field name with a space", withField("x a", "1")),
  malformed("8.2.1", "a field name with a colon", withField("x:a", "1")),
  malformed("8.2.1", "an empty field name", withField("", "1")),
  malformed("8.2.1", "a field name of 0x7f", withField("x\x7f", "1")),
  malformed("8.2.1", "a field name beyond ASCII", withField("x\xe9", "1")),
  malformed("8.2.1", "a value with CR", withField("x-a", "1\r2")),
  malformed("8.2.1", "a value with LF", withField("x-a", "1\n2")),
  malformed("8.2.1", "a value with CRLF and a field of its own", withField("x-a", "1\r\nevil: 1")),
  malformed("8.2.1", "a value with NUL", withField("x-a", "1\x002")),
  malformed("8.2.1", "a value that begins with a space", withField("x-a", " 1")),
  malformed("8.2.1", "a value that ends with a tab", withField("x-a", "1\t")),
  { clause: "8.2.1", name: "an empty value", send: [withField("x-a", "")], expect: answered() },
  { clause: "8.2.1", name: "a value beyond ASCII", send: [withField("x-a", "\xe9\xff")], expect: answered() },
  malformed("8.2.2", "Connection", withField("connection", "close")),
  malformed("8.2.2", "Keep-Alive", withField("keep-alive", "timeout=5")),
  malformed("8.2.2", "Proxy-Connection", withField("proxy-connection", "close")),
  malformed("8.2.2", "Transfer-Encoding", withField("transfer-encoding", "chunked")),
  malformed("8.2.2", "Upgrade", withField("upgrade", "websocket")),
  malformed("8.2.2", "TE other than trailers", withField("te", "gzip")),
  malformed("8.2.2", "TE with trailers and more", withField("te", "trailers, deflate")),
  { clause: "8.2.2", name: "TE: trailers", send: [withField("te", "trailers")], expect: answered() },
  malformed(
    "8.3",
    "a pseudo-header field after a field",
    request([[":method", "GET"], [":scheme", "http"], ["x-a", "1"], [":path", "/"]]),
  ),
  malformed("8.3", "an unknown pseudo-header field", request([[":unknown", "1"], ...GET])),
  malformed("8.3", "a response's pseudo-header field", request([...GET, [":status", "200"]])),
  malformed(
    "8.3",
    "a pseudo-header field in upper case",
    request([[":METHOD", "GET"], ...without(":method")]),
  ),
  ...[":method", ":scheme", ":path"].map((name) => malformed("8.3.1", `no ${name}`, request(without(name)))),
  ...GET.map(([name, value]) => malformed("8.3.1", `${name} twice`, request([[name, value], ...GET]))),
  malformed("8.3.1", "an empty :path", request([...without(":path"), [":path", ""]])),
  malformed("8.3.1", "an empty :method", request([[":method", ""], ...without(":method")])),
  malformed(
    "8.3.1",
    "a :path that does not begin with a slash",
    request([...without(":path"), [":path", "a"]]),
  ),
  malformed("8.3.1", "a :path with a space", request([...without(":path"), [":path", "/ HTTP/1.1"]])),
  malformed("8.3.1", "a :path with CRLF", request([...without(":path"), [":path", "/\r\nx: y"]])),
  malformed("8.3.1", "an asterisk with GET", request([...without(":path"), [":path", "*"]])),
  {
    clause: "8.3.1",
    name: "an asterisk with OPTIONS",
    send: [request([[":method", "OPTIONS"], [":scheme", "http"], [":path", "*"], [":authority", "web"]])],
    expect: answered(),
  },
  malformed("8.3.1", "a :method with a space", request([[":method", "GET /x"], ...without(":method")])),
  malformed("8.3.1", "a :method with CRLF", request([[":method", "GET\r\n"], ...without(":method")])),
  malformed(
    "8.3.1",
    "a :scheme with a space",
    request([[":method", "GET"], [":scheme", "ht tp"], [":path", "/"]]),
  ),
  malformed(
    "8.3.1",
    "an :authority with user information",
    request([...without(":authority"), [":authority", "user@web"]]),
  ),
  malformed(
    "8.3.1",
    "an :authority with a space",
    request([...without(":authority"), [":authority", "we b"]]),
  ),
  malformed(
    "8.3.1",
    "an :authority with a slash",
    request([...without(":authority"), [":authority", "web/x"]]),
  ),
  malformed(
    "8.3.1",
    "an :authority with CRLF",
    request([...without(":authority"), [":authority", "web\r\nx: y"]]),
  ),
  malformed("8.3.1", "a Host that differs from :authority", withField("host", "other")),
  {
    clause: "8.3.1",
    name: "a Host that agrees with :authority",
    send: [withField("host", "web")],
    expect: answered(),
  },
  {
    clause: "8.3.1",
    name: "a Host and no :authority",
    send: [request([...without(":authority"), ["host", "web"]])],
    expect: answered(),
  },
  {
    clause: "8.3.1",
    name: "https as scheme",
    send: [request([[":method", "GET"], [":scheme", "https"], [":path", "/"], [":authority", "web"]])],
    expect: answered(),
  },
  malformed(
    "8.5",
    "CONNECT with :path",
    request([[":method", "CONNECT"], [":path", "/"], [":authority", "web:80"]]),
  ),
  malformed(
    "8.5",
    "CONNECT with :scheme",
    request([[":method", "CONNECT"], [":scheme", "http"], [":authority", "web:80"]]),
  ),
  malformed("8.5", "CONNECT without :authority", request([[":method", "CONNECT"]])),
  malformed("8.5", "CONNECT without a port", request([[":method", "CONNECT"], [":authority", "web"]])),
  malformed("8.1.1", "content-length that is no number", withField("content-length", "abc")),
  malformed(
    "8.1.1",
    "content-length twice",
    request([...GET, ["content-length", "1"], ["content-length", "1"]]),
  ),
  malformed("8.1.1", "a negative content-length", withField("content-length", "-1")),
  malformed("8.1.1", "a content-length with a plus", withField("content-length", "+1")),
  malformed("8.1.1", "a content-length list", withField("content-length", "1, 1")),
  malformed("8.1.1", "a content-length and no content", withField("content-length", "5")),
  {
    clause: "8.1.1",
    name: "a content-length of zero and no content",
    send: [withField("content-length", "0")],
    expect: answered(),
  },
  {
    clause: "8.1.1",
    name: "content as long as it says",
    send: [
      headers(1, [...POST, ["content-length", "3"]], END_HEADERS),
      data(1, "ab"),
      data(1, "c", END_STREAM),
    ],
    expect: answered(),
  },
  {
    clause: "8.1.1",
    name: "content shorter than it says",
    send: [headers(1, [...POST, ["content-length", "4"]], END_HEADERS), data(1, "abc", END_STREAM)],
    expect: stream(1, PROTOCOL),
  },
  {
    clause: "8.1.1",
    name: "content longer than it says",
    send: [
      headers(1, [...POST, ["content-length", "2"]], END_HEADERS),
      data(1, "ab"),
      data(1, "c", END_STREAM),
    ],
    expect: stream(1, PROTOCOL),
  },
  {
    clause: "8.1.1",
    name: "content longer than it says, in one frame",
    send: [headers(1, [...POST, ["content-length", "2"]], END_HEADERS), data(1, "abc", END_STREAM)],
    expect: stream(1, PROTOCOL),
  },
  {
    clause: "8.1.1",
    name: "content shorter than it says, ended by trailers",
    send: [
      headers(1, [...POST, ["content-length", "4"]], END_HEADERS),
      data(1, "abc"),
      headers(1, [["x-a", "1"]]),
    ],
    expect: stream(1, PROTOCOL),
  },
  {
    clause: "8.1.1",
    name: "a content-length among trailers",
    send: [OPEN, data(1, "x"), headers(1, [["content-length", "1"]])],
    expect: stream(1, PROTOCOL),
  },
  {
    clause: "8.2.3",
    name: "cookies in crumbs",
    send: [request([...GET, ["cookie", "a=1"], ["cookie", "b=2"]])],
    expect: answered(),
  },
  {
    clause: "10.5.1",
    name: "more fields than we take",
    send: [request([...GET, ...Array.from({ length: 200 }, (_, i) => [`x-${i}`, "1"] as const)])],
    expect: stream(1, CALM, PROTOCOL),
  },
  {
    clause: "10.5.1",
    name: "a header list of more bytes than we said",
    send: [
      frame(HEADERS, END_STREAM, 1, block([...GET, ["x-a", "y".repeat(12000)]])),
      frame(CONTINUATION, 0, 1, block([["x-b", "y".repeat(12000)]])),
      frame(CONTINUATION, END_HEADERS, 1, block([["x-c", "y".repeat(12000)]])),
    ],
    expect: stream(1, CALM, PROTOCOL),
  },
  {
    clause: "8.6",
    name: "HEAD",
    send: [request([[":method", "HEAD"], ...without(":method")])],
    expect: answered(),
  },
  {
    clause: "8.8",
    name: "a method of one's own",
    send: [request([[":method", "FROB"], ...without(":method")])],
    expect: answered(),
  },
];

export const CODES = {
  NO_ERROR,
  PROTOCOL,
  FLOW_CONTROL,
  CLOSED,
  FRAME_SIZE,
  REFUSED,
  CANCEL,
  COMPRESSION,
  CALM,
} as const;
