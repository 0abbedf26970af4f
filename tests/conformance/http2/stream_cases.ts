/** States of streams, and floods, by clause of RFC 9113 §5 and §10.5. */
import {
  answered,
  CALM,
  CANCEL,
  type Case,
  CLOSED,
  connection,
  eight,
  OPEN,
  PROTOCOL,
  stream,
} from "./case.ts";
import {
  data,
  frame,
  GET,
  headers,
  join,
  number32,
  PING,
  PRIORITY,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from "./peer.ts";

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
