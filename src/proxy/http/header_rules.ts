/**
 * What a client asks for by l5d-* headers, where its route allows that: it stands before what the route says.
 * Source: proxy.md §7; config.md (--allow-l5d-request-headers).
 */
import { HeaderName } from "../../wasm/http1.ts";
import { parseDuration } from "../config/duration.ts";
import type { RequestRules } from "../route/request_rules.ts";
import { HEADER_RETRY, type RetryPolicy, type StatusRange } from "../route/retry_policy.ts";
import type { Arena } from "../worker/arena.ts";
import type { DropMask } from "./pipeline.ts";
import { hasHeader, headerText } from "./record.ts";

const LIMITS = [HeaderName.L5dTimeout, HeaderName.L5dRequestTimeout, HeaderName.L5dResponseTimeout] as const;
const RETRIES = [
  HeaderName.L5dRetryHttp,
  HeaderName.L5dRetryGrpc,
  HeaderName.L5dRetryLimit,
  HeaderName.L5dRetryTimeout,
] as const;
const RULE_HEADERS: number = [...LIMITS, ...RETRIES].reduce((mask, id) => mask | 1 << (id & 31), 0);

/** `drops` where these headers end here too. */
export function withRuleHeaders([low, middle, high]: DropMask): DropMask {
  return [low, middle, high | RULE_HEADERS];
}

const GRPC_CODES: Readonly<Record<string, number>> = {
  "cancelled": 1,
  "deadline-exceeded": 4,
  "resource-exhausted": 8,
  "internal": 13,
  "unavailable": 14,
};
const MAX_RETRIES = 65535, MAX_CONDITIONS = 32;

function statusesOf(text: string): readonly StatusRange[] {
  const ranges: StatusRange[] = [];
  for (const part of text.toLowerCase().split(",", MAX_CONDITIONS)) {
    if (part === "5xx") ranges.push({ start: 500, end: 599 });
    else if (part === "gateway-error") ranges.push({ start: 502, end: 504 });
    const [, start, end = start] = /^([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?$/.exec(part) ?? [];
    if (start !== undefined && start <= end!) ranges.push({ start: Number(start), end: Number(end) });
  }
  return ranges;
}

function grpcCodesOf(text: string): number {
  let codes = 0;
  for (const part of text.toLowerCase().split(",", MAX_CONDITIONS)) {
    const code = GRPC_CODES[part];
    if (code !== undefined) codes |= 1 << code;
  }
  return codes;
}

function retryOf(arena: Arena, at: number, base: RetryPolicy): RetryPolicy {
  const text = (id: number) => hasHeader(arena, id) ? headerText(arena, at, id) : undefined;
  const http = text(HeaderName.L5dRetryHttp), grpc = text(HeaderName.L5dRetryGrpc);
  const limit = /^[0-9]{1,9}$/.exec(text(HeaderName.L5dRetryLimit) ?? "")?.[0];
  return {
    ...base,
    statuses: http === undefined ? base.statuses : statusesOf(http),
    grpcCodes: grpc === undefined ? base.grpcCodes : grpcCodesOf(grpc),
    maxRetries: limit === undefined ? base.maxRetries : Math.min(MAX_RETRIES, Number(limit)),
    timeoutMs: parseDuration(text(HeaderName.L5dRetryTimeout) ?? "") ?? base.timeoutMs,
  };
}

/** `rules` as the request in the record (offsets from `at`) has them. What cannot be understood is not there. */
export function withHeaders(rules: RequestRules, arena: Arena, at: number): RequestRules {
  const { limits, retry } = rules, has = (id: number) => hasHeader(arena, id);
  const hasLimits = LIMITS.some(has), hasRetries = RETRIES.some(has);
  if (!rules.allowsHeaders || (!hasLimits && !hasRetries)) return rules;
  const millis = (id: number) => has(id) ? parseDuration(headerText(arena, at, id)) : undefined;
  return {
    ...rules,
    limits: hasLimits
      ? {
        ...limits,
        // Both say the same; the longer name counts.
        requestMs: millis(HeaderName.L5dRequestTimeout) ?? millis(HeaderName.L5dTimeout) ?? limits.requestMs,
        responseMs: millis(HeaderName.L5dResponseTimeout) ?? limits.responseMs,
      }
      : limits,
    retry: hasRetries ? retryOf(arena, at, retry ?? HEADER_RETRY) : retry,
  };
}
