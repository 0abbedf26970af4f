/** Random sequences of a client's frames: mostly such as a client may send, some that it may not. */
import type { Random } from "../random.ts";

const DATA = 0,
  HEADERS = 1,
  PRIORITY = 2,
  RST_STREAM = 3,
  SETTINGS = 4,
  PUSH_PROMISE = 5,
  PING = 6,
  GOAWAY = 7;
const WINDOW_UPDATE = 8, CONTINUATION = 9;

function number32(value: number): string {
  return String.fromCharCode((value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}

function frame(type: number, flags: number, stream: number, payload: string): string {
  return number32(payload.length << 8 | type) + String.fromCharCode(flags) + number32(stream) + payload;
}

function literal(name: string, value: string): string {
  return `\0${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`;
}

const TRACE = `00-${"4b".repeat(16)}-${"0f".repeat(8)}-01`;

function fields(random: Random, isTrailers: boolean): string {
  const extra = [
    () => literal("x-a", "1"),
    () => literal("content-type", "application/grpc"),
    () => literal("traceparent", TRACE),
    () => literal("content-length", String(random.below(20))),
    () => literal("te", "trailers"),
    () => literal("l5d-orig-proto", "HTTP/1.1"),
    () => literal("cookie", "a=b"),
    () => literal("X-Bad", "1"),
    () => `\x40\x03x-c\x01${String.fromCharCode(97 + random.below(26))}`,
    () => "\xbe",
  ];
  let block = isTrailers
    ? ""
    : random.pick(["\x82", "\x83", literal(":method", "HEAD"), literal(":method", "CONNECT")]) +
      (random.once(20) ? "" : "\x86\x84") + literal(":authority", random.pick(["web", "web:80"]));
  for (let count = random.below(4); count > 0; count--) block += random.pick(extra)();
  return block;
}

/** The frames of a case, beside each other. */
export function frames(random: Random): string {
  let wire = "", next = 1;
  const open: number[] = [];
  const anyStream = () => open.length > 0 && !random.once(6) ? random.pick(open) : random.below(next + 4);
  for (let count = 1 + random.below(25); count > 0; count--) {
    const kind = random.below(20);
    if (kind < 6) {
      const isEnd = random.once(2), isSplit = random.once(8), block = fields(random, false);
      const cut = isSplit ? random.below(block.length) : block.length;
      wire += frame(HEADERS, (isEnd ? 1 : 0) | (isSplit ? 0 : 4), next, block.slice(0, cut));
      if (isSplit) wire += frame(CONTINUATION, 4, next, block.slice(cut));
      open.push(next);
      next += random.once(10) ? 4 : 2;
    } else if (kind < 11) {
      const size = random.once(25) ? random.pick([5000, 16384]) : random.below(60), isPadded = random.once(6);
      const padding = isPadded ? random.below(20) : 0;
      const payload = (isPadded ? String.fromCharCode(padding) : "") + "d".repeat(size) +
        "\0".repeat(padding);
      if (payload.length <= 16384) {
        wire += frame(DATA, (random.once(3) ? 1 : 0) | (isPadded ? 8 : 0), anyStream(), payload);
      }
    } else if (kind < 13) {
      wire += frame(
        WINDOW_UPDATE,
        0,
        random.once(3) ? 0 : anyStream(),
        number32(random.pick([1, 500, 70_000, 0, 0x7fffffff])),
      );
    } else if (kind < 14) wire += frame(RST_STREAM, 0, anyStream(), number32(random.below(14)));
    else if (kind < 15) {
      const name = random.pick([1, 2, 3, 4, 5, 6, 8, 99]);
      wire += frame(
        SETTINGS,
        0,
        0,
        `\0${String.fromCharCode(name)}${number32(random.pick([0, 1, 100, 65535, 70_000]))}`,
      );
    } else if (kind < 16) wire += frame(PING, random.below(2), 0, "12345678");
    else if (kind < 17) wire += frame(HEADERS, 5, anyStream(), fields(random, true));
    else if (kind < 18) wire += frame(PRIORITY, 0, anyStream(), number32(random.below(9)) + "\x01");
    else if (kind < 19) wire += frame(random.below(256), random.below(256), anyStream(), random.bytes(40));
    else {wire += frame(
        random.once(4) ? PUSH_PROMISE : GOAWAY,
        0,
        0,
        number32(random.below(9)) + number32(random.below(4)),
      );}
  }
  return wire;
}

function responseFields(random: Random, isTrailers: boolean): string {
  const extra = [
    () => literal("x-a", "1"),
    () => literal("content-length", String(random.below(20))),
    () => literal("grpc-status", "0"),
    () => literal("connection", "close"),
    () => `\x40\x03x-c\x01${String.fromCharCode(97 + random.below(26))}`,
    () => "\xbe",
  ];
  let block = isTrailers ? "" : random.pick(["\x88", "\x88", "\x89", "\x8b", literal(":status", "103"), ""]);
  for (let count = random.below(3); count > 0; count--) block += random.pick(extra)();
  return block;
}

/** A server's frames: answers to streams that there may be, and what else comes to it. */
export function serverFrames(random: Random): string {
  let wire = frame(SETTINGS, 0, 0, "");
  for (let count = 1 + random.below(25); count > 0; count--) {
    const stream = 1 + 2 * random.below(6), kind = random.below(16);
    if (kind < 6) {
      const isSplit = random.once(8), block = responseFields(random, random.once(4));
      const cut = isSplit ? random.below(block.length + 1) : block.length;
      wire += frame(HEADERS, (random.once(3) ? 1 : 0) | (isSplit ? 0 : 4), stream, block.slice(0, cut));
      if (isSplit) wire += frame(CONTINUATION, 4, stream, block.slice(cut));
    } else if (kind < 11) {
      const size = random.once(20) ? random.pick([5000, 16384]) : random.below(20);
      wire += frame(DATA, random.once(3) ? 1 : 0, stream, "d".repeat(size));
    } else if (kind < 12) {
      wire += frame(
        WINDOW_UPDATE,
        0,
        random.pick([0, stream]),
        number32(random.pick([1, 70_000, 0, 0x7fffffff])),
      );
    } else if (kind < 13) wire += frame(RST_STREAM, 0, stream, number32(random.below(14)));
    else if (kind < 14) {
      const name = random.pick([1, 3, 4, 5, 8, 99]);
      wire += frame(
        SETTINGS,
        0,
        0,
        `\0${String.fromCharCode(name)}${number32(random.pick([0, 1, 100, 65535]))}`,
      );
    } else if (kind < 15) wire += frame(PING, random.below(2), 0, "12345678");
    else if (random.once(2)) {
      wire += frame(GOAWAY, 0, 0, number32(random.below(12)) + number32(random.below(3)));
    } else wire += frame(random.below(256), random.below(256), stream, random.bytes(40));
  }
  return wire;
}
