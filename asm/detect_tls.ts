/**
 * A ClientHello (RFC 8446 §4.1.2) that may be spread over several records: is it one, which server does it ask for,
 * which protocols does it offer?
 */
import { Detect, DetectReason, Protocol } from "./detect_layout";
import { lower } from "./http1/scan";

const HANDSHAKE: u32 = 22;
const CLIENT_HELLO: u32 = 1;
const LONGEST_RECORD: i32 = 16384;
const MAXIMUM_NAME: i32 = 255;
const MAXIMUM_ALPN: i32 = 320;
const EXTENSION_SERVER_NAME: i32 = 0;
const EXTENSION_ALPN: i32 = 16;

/** What reading came to: as it should, out of bytes, or broken. One value per call of `detectTls`. */
const GOOD: i32 = 0;
const SHORT: i32 = 1;
const BROKEN: i32 = 2;

let status: i32 = GOOD;
let reason: i32 = 0;
/** The next byte, the end of the bytes, and what is left of this record and of the message. */
let position: usize = 0;
let limit: usize = 0;
let inRecord: i32 = 0;
let inMessage: i32 = 0;

function fail(why: i32): void {
  if (status != GOOD) return;
  status = BROKEN;
  reason = why;
}

/** Steps over the header of a record. Every byte is judged as soon as it is there. */
function enterRecord(): void {
  const given = limit - position;
  if (given > 0 && load<u8>(position) != HANDSHAKE) return fail(DetectReason.BadRecord);
  if (given > 1 && load<u8>(position + 1) != 3) return fail(DetectReason.BadRecord);
  if (given > 2 && load<u8>(position + 2) > 4) return fail(DetectReason.BadRecord);
  if (given < 5) {
    status = SHORT;
    return;
  }
  inRecord = <i32> load<u8>(position + 3) << 8 | <i32> load<u8>(position + 4);
  if (inRecord == 0 || inRecord > LONGEST_RECORD) return fail(DetectReason.BadRecord);
  position += 5;
}

/** The next byte of the message, 0 when there is none. */
function nextByte(): i32 {
  if (inMessage == 0) fail(DetectReason.BadClientHello);
  if (inRecord == 0 && status == GOOD) enterRecord();
  if (status != GOOD) return 0;
  if (position >= limit) {
    status = SHORT;
    return 0;
  }
  inRecord--;
  inMessage--;
  return <i32> load<u8>(position++);
}

function nextShort(): i32 {
  const high = nextByte();
  return high << 8 | nextByte();
}

function skip(length: i32): void {
  let left = length;
  if (left > inMessage) return fail(DetectReason.BadClientHello);
  while (left > 0 && status == GOOD) {
    if (inRecord == 0) {
      enterRecord();
      continue;
    }
    const given = <i32> (limit - position);
    if (given == 0) {
      status = SHORT;
      return;
    }
    const step = min(left, min(inRecord, given));
    position += step;
    inRecord -= step;
    inMessage -= step;
    left -= step;
  }
}

/** server_name (RFC 6066 §3): keeps the first host name. */
function readServerName(record: usize, length: i32): void {
  let left = nextShort();
  if (left != length - 2) return fail(DetectReason.BadClientHello);
  while (left > 0 && status == GOOD) {
    const kind = nextByte();
    const size = nextShort();
    left -= 3 + size;
    if (status == GOOD && (left < 0 || size == 0)) return fail(DetectReason.BadClientHello);
    if (kind != 0 || load<i32>(record + (Detect.ServerNameLength << 2)) != 0) {
      skip(size);
      continue;
    }
    if (size > MAXIMUM_NAME) return fail(DetectReason.BadClientHello);
    const text = record + (Detect.ServerName << 2);
    for (let index = 0; index < size && status == GOOD; index++) {
      const c = nextByte();
      if (status == GOOD && (c <= 32 || c > 126)) return fail(DetectReason.BadClientHello);
      store<u8>(text + index, lower(c));
    }
    store<i32>(record + (Detect.ServerNameLength << 2), size);
  }
}

/** application_layer_protocol_negotiation (RFC 7301): keeps the names that fit. */
function readAlpn(record: usize, length: i32): void {
  let left = nextShort();
  if (left != length - 2) return fail(DetectReason.BadClientHello);
  const list = record + (Detect.Alpn << 2);
  let kept: i32 = 0;
  while (left > 0 && status == GOOD) {
    const size = nextByte();
    left -= 1 + size;
    if (status == GOOD && (left < 0 || size == 0)) return fail(DetectReason.BadClientHello);
    if (kept + 1 + size > MAXIMUM_ALPN) {
      skip(size);
      continue;
    }
    store<u8>(list + kept, <u8> size);
    for (let index = 1; index <= size && status == GOOD; index++) store<u8>(list + kept + index, <u8> nextByte());
    kept += 1 + size;
  }
  store<i32>(record + (Detect.AlpnLength << 2), kept);
}

function readExtensions(record: usize): void {
  if (inMessage == 0) return;
  if (nextShort() != inMessage && status == GOOD) return fail(DetectReason.BadClientHello);
  let seen: i32 = 0;
  while (inMessage > 0 && status == GOOD) {
    const kind = nextShort();
    const length = nextShort();
    if (status != GOOD) return;
    if (length > inMessage) return fail(DetectReason.BadClientHello);
    if (kind == EXTENSION_SERVER_NAME || kind == EXTENSION_ALPN) {
      const bit = kind == EXTENSION_ALPN ? 2 : 1;
      if (seen & bit || length < 2) return fail(DetectReason.BadClientHello);
      seen |= bit;
      if (bit == 1) readServerName(record, length);
      else readAlpn(record, length);
    } else skip(length);
  }
}

function readHello(record: usize, isFull: bool, at: usize): void {
  inMessage = 4;
  if (nextByte() != CLIENT_HELLO && status == GOOD) return fail(DetectReason.BadClientHello);
  const high = nextByte();
  const length = high << 16 | nextShort();
  if (status != GOOD) return;
  if (length < 41) return fail(DetectReason.BadClientHello);
  inMessage = length;
  if (nextByte() != 3 && status == GOOD) return fail(DetectReason.BadClientHello);
  skip(33); // minor version, random
  const session = nextByte();
  if (session > 32) return fail(DetectReason.BadClientHello);
  skip(session);
  const suites = nextShort();
  if (status == GOOD && (suites < 2 || suites & 1)) return fail(DetectReason.BadClientHello);
  skip(suites);
  const compressions = nextByte();
  if (status == GOOD && compressions == 0) return fail(DetectReason.BadClientHello);
  skip(compressions);
  if (status == GOOD) readExtensions(record);
}

/** @param end respects the limit, which was reached when `isFull`. @returns a `Protocol` */
export function detectTls(record: usize, at: usize, end: usize, isFull: bool): i32 {
  status = GOOD;
  reason = DetectReason.None;
  position = at;
  limit = end;
  inRecord = 0;
  readHello(record, isFull, at);
  if (status == SHORT && isFull) {
    status = BROKEN;
    reason = DetectReason.ClientHelloTooLong;
  }
  store<i32>(record + (Detect.Guess << 2), status == BROKEN ? Protocol.Opaque : Protocol.Tls);
  store<i32>(record + (Detect.Reason << 2), reason);
  if (status == BROKEN) {
    store<i32>(record + (Detect.ServerNameLength << 2), 0);
    store<i32>(record + (Detect.AlpnLength << 2), 0);
    return Protocol.Opaque;
  }
  if (status == SHORT) return Protocol.NeedMore;
  store<i32>(record + (Detect.HelloLength << 2), <i32> (position - at));
  return Protocol.Tls;
}
