/**
 * Which protocol do the first bytes of a connection begin? Contract: src/wasm/module.ts.
 *
 * An answer once given stays right for every continuation of the bytes. What looks like HTTP/1 but is malformed is called
 * HTTP/1, so that its parser answers 400: called opaque, it would walk around every HTTP rule. But text of protocols
 * that name themselves otherwise (RTSP, SIP, NATS, RESP, SMTP, memcached ...) stays opaque.
 */
import { Detect, DetectReason, Protocol } from "./detect_layout";
import { isBlank, isDigit, skipText, skipToken } from "./http1/scan";
import { detectTls } from "./detect_tls";

const CR: u32 = 13;
const LF: u32 = 10;
const SPACE: u32 = 32;
const PREFACE_LENGTH: usize = 24;
/** "PRI * HTTP/2.0", after which nothing but HTTP/2 can be meant. */
const PREFACE_LINE: usize = 14;

/** PRI * HTTP/2.0 CRLF CRLF SM CRLF CRLF */
const PREFACE: usize = memory.data<u8>([
  80, 82, 73, 32, 42, 32, 72, 84, 84, 80, 47, 50, 46, 48, 13, 10, 13, 10, 83, 77, 13, 10, 13, 10,
]);

function answer(record: usize, protocol: i32, guess: i32): i32 {
  store<i32>(record, protocol == Protocol.Opaque ? DetectReason.Unknown : DetectReason.None);
  store<i32>(record + (Detect.Guess << 2), guess);
  return protocol;
}

/** Whether the bytes are a method of RFC 9110 or of WebDAV, as written: these are taken for HTTP without seeing a version. */
function isKnownMethod(p: usize, length: usize): bool {
  if (length < 3 || length > 9) return false;
  const word = load<u64>(p) & (length >= 8 ? u64.MAX_VALUE : (<u64> 1 << (<u64> length << 3)) - 1);
  if (length == 9) return word == 0x4843544150504f52 && load<u8>(p + 8) == 72; // PROPPATCH
  return word == 0x544547 || word == 0x545550 || // GET PUT
    word == 0x44414548 || word == 0x54534f50 || word == 0x59504f43 || word == 0x45564f4d || // HEAD POST COPY MOVE
    word == 0x4b434f4c || // LOCK
    word == 0x4543415254 || word == 0x4843544150 || word == 0x4c4f434b4d || // TRACE PATCH MKCOL
    word == 0x4554454c4544 || word == 0x54524f504552 || // DELETE REPORT
    word == 0x5443454e4e4f43 || word == 0x534e4f4954504f || // CONNECT OPTIONS
    word == 0x444e4946504f5250; // PROPFIND
}

/** Whether the word is written like a method: capital letters only. */
function isCapital(p: usize, end: usize): bool {
  for (let c = p; c < end; c++) {
    if (<u32> load<u8>(c) - 65 >= 26) return false;
  }
  return true;
}

/** Whether the text names HTTP as its protocol: blank, "HTTP/" in any case, anywhere. */
function namesHttp(at: usize, end: usize): bool {
  for (let p = at; p + 6 <= end; p++) {
    if (!isBlank(load<u8>(p))) continue;
    if ((load<u32>(p + 1) | 0x20202020) == 0x70747468 && load<u8>(p + 5) == 47) return true;
  }
  return false;
}

/** Whether the last word of the text is that of a protocol: capital letters, "/", digit, ".", digit. */
function namesOther(at: usize, end: usize): bool {
  if (end < at + 6) return false;
  if (!isDigit(load<u8>(end - 1)) || load<u8>(end - 2) != 46 || !isDigit(load<u8>(end - 3))) return false;
  if (load<u8>(end - 4) != 47) return false;
  let p = end - 5;
  while (p > at && <u32> load<u8>(p) - 65 < 26) p--;
  return p < end - 5 && isBlank(load<u8>(p));
}

/** The text from `line` on, whose first word ended at `wordEnd`, goes on with something else than a token. */
function detectLine(record: usize, line: usize, wordEnd: usize, end: usize, isFull: bool): i32 {
  const c = <u32> load<u8>(wordEnd);
  const isKnown = isKnownMethod(line, wordEnd - line);
  const isConnect = isKnown && wordEnd - line == 7 && load<u8>(line) == 67;
  let looksLikeHttp = isKnown && !isConnect;
  if (isBlank(c)) {
    if (wordEnd + 1 < end) {
      const next = load<u8>(wordEnd + 1);
      if (isKnown && next == 47 && c == SPACE) return answer(record, Protocol.Http1, Protocol.Http1);
      // NATS begins with CONNECT and JSON.
      if (isConnect && next == 123) return answer(record, Protocol.Opaque, Protocol.Opaque);
      if (isConnect || (next == 47 && isCapital(line, wordEnd))) looksLikeHttp = true;
    }
  } else if (wordEnd == line) return answer(record, Protocol.Opaque, Protocol.Opaque);
  else if (c == CR || c == LF) {
    const verdict = looksLikeHttp ? Protocol.Http1 : Protocol.Opaque;
    return answer(record, verdict, verdict);
  } else if (c < 32 || c > 126) {
    // A method that NUL or another control follows: its parser must say 400.
    const verdict = looksLikeHttp ? Protocol.Http1 : Protocol.Opaque;
    return answer(record, verdict, verdict);
  } else looksLikeHttp = false;

  const guess = looksLikeHttp ? Protocol.Http1 : Protocol.Opaque;
  const lineEnd = skipText(wordEnd, end);
  if (lineEnd >= end) return answer(record, isFull ? guess : Protocol.NeedMore, guess);
  const last = load<u8>(lineEnd);
  if (last == CR || last == LF) {
    if (namesHttp(line, lineEnd)) return answer(record, Protocol.Http1, Protocol.Http1);
    if (namesOther(line, lineEnd)) return answer(record, Protocol.Opaque, Protocol.Opaque);
  }
  return answer(record, guess, guess);
}

/**
 * Whether the character is one that no grammar of HTTP takes for white space, but a server may: Python's http.server
 * splits request lines at whatever Unicode calls a space.
 */
function isOddSpace(c: u32): bool {
  return c == 11 || c == 12 || c - 28 < 4 || c == 0x85 || c == 0xa0;
}

function detectText(record: usize, at: usize, end: usize, isFull: bool): i32 {
  let line = at;
  let isOdd = false;
  for (; line < end; line++) {
    const c = load<u8>(line);
    if (isOddSpace(c)) isOdd = true;
    else if (!isBlank(c) && c != CR && c != LF) break;
  }
  if (line == end && isOdd) return answer(record, isFull ? Protocol.Opaque : Protocol.NeedMore, Protocol.Opaque);
  if (line == end) return answer(record, isFull ? Protocol.Http1 : Protocol.NeedMore, Protocol.Http1);
  const wordEnd = skipToken(line, end);
  if (wordEnd < end) return detectLine(record, line, wordEnd, end, isFull);
  return answer(record, isFull ? Protocol.Opaque : Protocol.NeedMore, Protocol.Opaque);
}

export function detect(at: usize, end: usize, record: usize, maxBytes: i32): i32 {
  const isFull = end - at >= <usize> maxBytes;
  const limit = isFull ? at + maxBytes : end;
  memory.fill(record, 0, Detect.ServerName << 2);
  if (at >= limit) return answer(record, Protocol.NeedMore, Protocol.Opaque);
  if (load<u8>(at) == 22) return detectTls(record, at, limit, isFull);
  let same: usize = 0;
  while (same < PREFACE_LENGTH && at + same < limit && load<u8>(at + same) == load<u8>(PREFACE + same)) same++;
  if (same == PREFACE_LENGTH) return answer(record, Protocol.Http2, Protocol.Http2);
  if (at + same == limit && !isFull) {
    const guess = same >= PREFACE_LINE ? Protocol.Http2 : same >= 4 ? Protocol.Http1 : Protocol.Opaque;
    return answer(record, Protocol.NeedMore, guess);
  }
  return detectText(record, at, limit, isFull);
}
