/**
 * What an overloaded server's answer counts as in the estimate of its load, instead of how quickly it came: an endpoint
 * that refuses at once would look like the best of all.
 * Source: proxy.md §8 (penalty variant); protocol-api.md §10 (PenaltyPeakEwma).
 */
import { Head, HeaderEntry, HeaderName } from "../../wasm/http1.ts";
import type { LoadEstimate } from "../balance/balancing.ts";
import type { Arena } from "../worker/arena.ts";
import { headerText } from "./record.ts";

/** UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, INTERNAL, UNAVAILABLE, DATA_LOSS. */
const OVERLOADED_GRPC = 1 << 2 | 1 << 4 | 1 << 8 | 1 << 13 | 1 << 14 | 1 << 15;
const PUSHBACK = "grpc-retry-pushback-ms";
const DIGITS = /^[0-9]{1,9}$/;

/** Milliseconds that Retry-After asks for: seconds, or a date (RFC 9110 §10.2.3); 0 when it does not. */
function retryAfterMs(arena: Arena, at: number): number {
  const text = headerText(arena, at, HeaderName.RetryAfter);
  if (DIGITS.test(text)) return Number(text) * 1000;
  const date = text === "" ? Number.NaN : Date.parse(text);
  return Number.isNaN(date) ? 0 : Math.max(0, date - Date.now());
}

/** The same of gRPC. Its name has no id, so all that have none are looked at. */
function pushbackMs(arena: Arena, at: number): number {
  const { words } = arena.memory, record = arena.recordAt >> 2, count = words[record + Head.HeaderCount]!;
  for (let i = 0, entry = record + Head.Headers; i < count; i++, entry += HeaderEntry.Words) {
    if (words[entry + HeaderEntry.Id] !== 0 || words[entry + HeaderEntry.NameLength] !== PUSHBACK.length) {
      continue;
    }
    const name = arena.readAscii(at + words[entry + HeaderEntry.NameOffset]!, PUSHBACK.length);
    if (name.toLowerCase() !== PUSHBACK) continue;
    const text = arena.readAscii(
      at + words[entry + HeaderEntry.ValueOffset]!,
      words[entry + HeaderEntry.ValueLength]!,
    );
    return DIGITS.test(text) ? Number(text) : 0;
  }
  return 0;
}

/**
 * Microseconds that the response whose head stands in the record (offsets from `at`) counts as; -1: as it was.
 * @param grpcStatus of a response that is only trailers; -1 for others
 */
export function penaltyMicros(
  penalty: NonNullable<LoadEstimate["penalty"]>,
  arena: Arena,
  at: number,
  status: number,
  grpcStatus: number,
): number {
  const isGrpc = grpcStatus >= 0 && grpcStatus < 32 && (OVERLOADED_GRPC >> grpcStatus & 1) !== 0;
  if (!isGrpc && status !== 429 && status < 500) return -1;
  const asked = isGrpc
    ? pushbackMs(arena, at)
    : status === 429 || status === 503
    ? retryAfterMs(arena, at)
    : 0;
  return Math.max(penalty.ms, Math.min(asked, penalty.maxRetryAfterMs)) * 1000;
}
