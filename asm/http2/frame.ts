/** Frame heads of HTTP/2 (RFC 9113 sections 4.1 and 6). Contract: src/wasm/module.ts. */
import { Frame, FrameFlag, FrameType, Http2Error } from "./layout";
import { Outcome } from "../http1/layout";

const HEAD: i32 = 9;

@inline
function set(record: usize, word: i32, value: i32): void {
  store<i32>(record + (<usize> word << 2), value);
}

@inline
function bigEndian(p: usize): u32 {
  return bswap<u32>(load<u32>(p));
}

function fail(record: usize, error: i32, isConnectionError: bool): i32 {
  set(record, Frame.Error, error);
  set(record, Frame.IsConnectionError, isConnectionError ? 1 : 0);
  return Outcome.Bad;
}

/** What of a frame its head alone shows to be wrong: an error, 0 when nothing. Stream errors are 256 more. */
function headProblem(type: i32, flags: i32, length: i32, stream: i32): i32 {
  const isOnStream = stream != 0;
  if (type == FrameType.Data || type == FrameType.Continuation) return isOnStream ? 0 : Http2Error.Protocol;
  if (type == FrameType.Headers || type == FrameType.PushPromise) {
    if (!isOnStream) return Http2Error.Protocol;
    let least = flags & FrameFlag.Padded ? 1 : 0;
    if (type == FrameType.PushPromise) least += 4;
    else if (flags & FrameFlag.Priority) least += 5;
    return length < least ? Http2Error.FrameSize : 0;
  }
  if (type == FrameType.Priority) {
    if (!isOnStream) return Http2Error.Protocol;
    return length != 5 ? 256 + Http2Error.FrameSize : 0;
  }
  if (type == FrameType.ResetStream) {
    if (!isOnStream) return Http2Error.Protocol;
    return length != 4 ? Http2Error.FrameSize : 0;
  }
  if (type == FrameType.Settings) {
    if (isOnStream) return Http2Error.Protocol;
    if (flags & FrameFlag.Acknowledge) return length ? Http2Error.FrameSize : 0;
    return length % 6 ? Http2Error.FrameSize : 0;
  }
  if (type == FrameType.Ping) {
    if (isOnStream) return Http2Error.Protocol;
    return length != 8 ? Http2Error.FrameSize : 0;
  }
  if (type == FrameType.GoAway) {
    if (isOnStream) return Http2Error.Protocol;
    return length < 8 ? Http2Error.FrameSize : 0;
  }
  if (type == FrameType.WindowUpdate) return length != 4 ? Http2Error.FrameSize : 0;
  return 0;
}

export function readFrameHead(at: usize, end: usize, record: usize, maxFrameSize: i32): i32 {
  if (at + HEAD > end) return Outcome.Partial;
  const first = bigEndian(at);
  const length = <i32> (first >> 8);
  const type = <i32> (first & 255);
  const flags = <i32> load<u8>(at + 4);
  const stream = <i32> (bigEndian(at + 5) & 0x7fffffff);
  set(record, Frame.Type, type);
  set(record, Frame.Flags, flags);
  set(record, Frame.StreamId, stream);
  set(record, Frame.Length, length);
  set(record, Frame.Error, 0);
  set(record, Frame.PaddingLength, 0);
  set(record, Frame.Dependency, -1);
  if (length > maxFrameSize) return fail(record, Http2Error.FrameSize, true);
  const problem = headProblem(type, flags, length, stream);
  if (problem) return fail(record, problem & 255, problem < 256);
  let before: i32 = 0;
  const mayBePadded = type == FrameType.Data || type == FrameType.Headers || type == FrameType.PushPromise;
  const isPadded = mayBePadded && (flags & FrameFlag.Padded) != 0;
  if (isPadded) before = 1;
  if (isPadded && length == 0) return fail(record, Http2Error.FrameSize, true);
  if (type == FrameType.Priority) {
    if (at + HEAD + 4 > end) return Outcome.Partial;
    if ((bigEndian(at + HEAD) & 0x7fffffff) == stream) return fail(record, Http2Error.Protocol, false); // RFC 7540 section 5.3.1
  }
  const hasPriority = type == FrameType.Headers && (flags & FrameFlag.Priority) != 0;
  if (hasPriority) before += 5;
  if (at + HEAD + before > end) return Outcome.Partial;
  const padding = isPadded ? <i32> load<u8>(at + HEAD) : 0;
  if (before + padding > length) return fail(record, Http2Error.Protocol, true);
  if (hasPriority) {
    const dependency = <i32> (bigEndian(at + HEAD + before - 5) & 0x7fffffff);
    set(record, Frame.Dependency, dependency);
    if (dependency == stream) return fail(record, Http2Error.Protocol, false);
  }
  set(record, Frame.PaddingLength, padding);
  set(record, Frame.ContentLength, length - before - padding);
  return HEAD + before;
}

export function writeFrameHead(at: usize, length: i32, type: i32, flags: i32, streamId: i32): void {
  store<u32>(at, bswap<u32>(<u32> length << 8 | <u32> type));
  store<u8>(at + 4, <u8> flags);
  store<u32>(at + 5, bswap<u32>(<u32> streamId));
}
