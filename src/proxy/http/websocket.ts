/**
 * WebSocket between the versions: an extended CONNECT of HTTP/2 is an Upgrade in HTTP/1, and 101 there is 200 here. Heads
 * are changed in the loop's record, where they stand.
 * Source: RFC 8441 §4, §5; RFC 6455 §4.1, §4.2.2.
 */
import { randomBytes, sha1 } from "../../linux/openssl/digest.ts";
import { Body, Head, HeaderEntry, HeaderFlag, Method } from "../../wasm/http1.ts";
import type { Arena } from "../worker/arena.ts";

const KEY_BYTES = 16, GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const KEY = "sec-websocket-key", ACCEPT = "sec-websocket-accept";

/** A nonce as `sec-websocket-key` carries it. */
export function newKey(): string {
  return randomBytes(KEY_BYTES).toBase64();
}

/** What a server that speaks WebSocket answers to `key`. */
export function acceptOf(key: string): string {
  return sha1(new TextEncoder().encode(key + GUID)).toBase64();
}

/** Whether the span says `text` (lower case) in any case. */
function says(arena: Arena, at: number, length: number, text: string): boolean {
  return length === text.length && arena.readAscii(at, length).toLowerCase() === text;
}

/** Where the value of the Upgrade header is that made the head in the record an upgrade: an entry's first word. */
function upgradeEntry(arena: Arena): number {
  const { words } = arena.memory, record = arena.recordAt >> 2;
  return record + Head.Headers + words[record + Head.UpgradeIndex]! * HeaderEntry.Words;
}

/** Whether the tunnel that the request in the record asks for is to speak WebSocket. */
export function isWebSocket(arena: Arena, at: number): boolean {
  const { words } = arena.memory, record = arena.recordAt >> 2;
  if (words[record + Head.Version] === 20) {
    return says(
      arena,
      at + words[record + Head.ProtocolOffset]!,
      words[record + Head.ProtocolLength]!,
      "websocket",
    );
  }
  const entry = upgradeEntry(arena);
  return says(
    arena,
    at + words[entry + HeaderEntry.ValueOffset]!,
    words[entry + HeaderEntry.ValueLength]!,
    "websocket",
  );
}

/** The entry's first word of the field with this name (lower case), which has no id; -1 when there is none. */
function entryNamed(arena: Arena, at: number, name: string): number {
  const { words } = arena.memory, record = arena.recordAt >> 2, count = words[record + Head.HeaderCount]!;
  for (let i = 0, entry = record + Head.Headers; i < count; i++, entry += HeaderEntry.Words) {
    const from = at + words[entry + HeaderEntry.NameOffset]!, length = words[entry + HeaderEntry.NameLength]!;
    if (words[entry + HeaderEntry.Id] === 0 && says(arena, from, length, name)) return entry;
  }
  return -1;
}

/** The field is not forwarded. */
function hide(arena: Arena, entry: number): void {
  if (entry >= 0) arena.memory.words[entry + HeaderEntry.Flags]! |= HeaderFlag.HopByHop;
}

/** A key is ours to choose: HTTP/2 has none (RFC 8441 §5). */
export function hideKey(arena: Arena, at: number): void {
  hide(arena, entryNamed(arena, at, KEY));
}

/** The lines that an Upgrade has and an extended CONNECT has not. */
export function keyLine(key: string): string {
  return `${KEY}: ${key}\r\n`;
}

/** Makes the Upgrade in the record, which had been an extended CONNECT and was held as HTTP/1, what it was. */
export function toExtendedConnect(arena: Arena, at: number): void {
  const { words } = arena.memory, record = arena.recordAt >> 2, entry = upgradeEntry(arena);
  words[record + Head.Method] = Method.Connect;
  words[record + Head.MethodOffset] = arena.connectMethodAt - at;
  words[record + Head.MethodLength] = arena.connectMethodLength;
  words[record + Head.ProtocolOffset] = words[entry + HeaderEntry.ValueOffset]!;
  words[record + Head.ProtocolLength] = words[entry + HeaderEntry.ValueLength]!;
}

/**
 * Makes the 101 in the record the 200 that an HTTP/2 client gets; what follows it goes on until the connection ends.
 * @returns why it does not agree to what was asked; undefined when it does
 */
export function toConnected(arena: Arena, at: number, accept: string): string | undefined {
  const { words } = arena.memory, record = arena.recordAt >> 2;
  if (words[record + Head.UpgradeIndex]! < 0 || !isWebSocket(arena, at)) {
    return "it switched to another protocol";
  }
  const entry = entryNamed(arena, at, ACCEPT);
  const said = entry < 0
    ? ""
    : arena.readAscii(at + words[entry + HeaderEntry.ValueOffset]!, words[entry + HeaderEntry.ValueLength]!);
  if (said !== accept) return "it did not answer the key of the WebSocket handshake";
  hide(arena, entry);
  words[record + Head.Status] = 200;
  words[record + Head.Body] = Body.UntilClose;
  return undefined;
}
