/** Response heads: RFC 9112 §4 (status line), then fields and framing. Contract: src/wasm/module.ts. */
import { Head, Outcome } from "./layout";
import { Reason } from "./reason";
import { FieldsOf, isStillPartial, lineProblem, parseFields, refuse } from "./fields";
import { responseFraming, startFields } from "./framing";
import { isDigit, skipText } from "./scan";
import { clearRecord } from "./request";

const CRLF: u32 = 0x0a0d;
const SPACE: u32 = 32;
const HTTP_10: u64 = 0x302e312f50545448;
const HTTP_11: u64 = 0x312e312f50545448;
const HTTP_SLASH: u64 = 0x0000002f50545448;

@inline
function set(record: usize, word: i32, value: i32): void {
  store<i32>(record + (<usize> word << 2), value);
}

/** Why the complete line at `line` is no status line of HTTP/1. */
function statusLineProblem(line: usize, lineEnd: usize): i32 {
  if (lineEnd < line + 8 || (load<u64>(line) & 0xffffffffff) != HTTP_SLASH) return Reason.BadVersion;
  const version = load<u64>(line);
  if (version != HTTP_10 && version != HTTP_11) {
    const isVersion = isDigit(load<u8>(line + 5)) && load<u8>(line + 6) == 46 && isDigit(load<u8>(line + 7));
    return isVersion ? Reason.UnsupportedVersion : Reason.BadVersion;
  }
  if (lineEnd < line + 9 || load<u8>(line + 8) != SPACE) return Reason.BadStatusLine;
  return Reason.BadStatus;
}

function parseFrom(at: usize, end: usize, record: usize, maxHeaders: i32, method: i32): i32 {
  const lineEnd = skipText(at, end);
  if (lineEnd + 2 > end || load<u16>(lineEnd) != CRLF) return lineProblem(at, end, record, 0);
  const version = load<u64>(at);
  const a = <u32> load<u8>(at + 9) - 48;
  const b = <u32> load<u8>(at + 10) - 48;
  const c = <u32> load<u8>(at + 11) - 48;
  const isRegular = (version == HTTP_11 || version == HTTP_10) && lineEnd >= at + 12 &&
    load<u8>(at + 8) == SPACE &&
    a - 1 < 9 && b < 10 && c < 10 && (lineEnd == at + 12 || load<u8>(at + 12) == SPACE);
  if (!isRegular) return refuse(record, statusLineProblem(at, lineEnd));
  const phrase = lineEnd == at + 12 ? lineEnd : at + 13;
  set(record, Head.Version, version == HTTP_11 ? 11 : 10);
  set(record, Head.Status, a * 100 + b * 10 + c);
  set(record, Head.PhraseOffset, <i32> (phrase - at));
  set(record, Head.PhraseLength, <i32> (lineEnd - phrase));
  set(record, Head.FirstHeaderOffset, <i32> (lineEnd + 2 - at));
  const length = parseFields(at, lineEnd + 2, end, record, maxHeaders, FieldsOf.Response);
  if (length < 0) return length;
  set(record, Head.Length, length);
  const reason = responseFraming(at, record, method);
  return reason ? refuse(record, reason) : length;
}

export function parseResponseHead(
  at: usize,
  end: usize,
  record: usize,
  scanned: i32,
  maxBytes: i32,
  maxHeaders: i32,
  method: i32,
): i32 {
  const limit = end - at > <usize> maxBytes ? at + maxBytes : end;
  let result: i32 = Outcome.Partial;
  if (at < limit && !(scanned > 0 && isStillPartial(at + scanned - 1, limit))) {
    clearRecord(record);
    startFields();
    result = parseFrom(at, limit, record, maxHeaders, method);
  }
  if (result == Outcome.Partial && limit - at >= <usize> maxBytes) return refuse(record, Reason.HeadTooLong);
  return result;
}
