/** Timeouts and retries that annotations of Services and routes ask for. */
import type { Timeouts } from "../../../../proto/gen/http_route.ts";
import type {
  ExponentialBackoff,
  GrpcRoute_Retry,
  GrpcRoute_Retry_Conditions,
  HttpRoute_Retry,
  HttpRoute_Retry_Conditions_StatusRange,
} from "../../../../proto/gen/outbound.ts";
import { parseGoDuration, parseProxyDuration } from "../../../mesh/duration.ts";
import { toDuration } from "../../wire/time.ts";

export type Annotations = Readonly<Record<string, string>>;

/** An annotation that cannot be read is told of and counts as absent. */
export function read<T>(
  annotations: Annotations,
  name: string,
  parse: (text: string) => T | undefined,
): T | undefined {
  const text = annotations[name];
  if (text === undefined) return undefined;
  const value = parse(text.trim());
  if (value === undefined) console.error(`annotation ${name} is ignored: ${JSON.stringify(text)}`);
  return value;
}

export function duration(text: string): number | undefined {
  const milliseconds = parseProxyDuration(text);
  return milliseconds === undefined || milliseconds <= 0 ? undefined : milliseconds;
}

export function number(low: number, high: number, isInteger = true): (text: string) => number | undefined {
  return (text) => {
    const value = Number(text);
    const isFine = text !== "" && value >= low && value <= high && (!isInteger || Number.isInteger(value));
    return isFine ? value : undefined;
  };
}

export function timeoutsOf(annotations: Annotations): Timeouts | undefined {
  const [request, response, idle] = ["request", "response", "idle"].map((name) => {
    const milliseconds = read(annotations, `timeout.linkerd.io/${name}`, duration);
    return milliseconds === undefined ? undefined : toDuration(milliseconds);
  });
  if (request === undefined && response === undefined && idle === undefined) return undefined;
  return { request, response, idle };
}

/**
 * Timeouts of a route's rule: of its own if it has any, else its parent's.
 *
 * @param rule `timeouts.request` of the rule, which the route's annotation replaces; zero is none, whatever the parent says
 */
export function ruleTimeoutsOf(route: Annotations, parent: Annotations, rule?: string): Timeouts | undefined {
  const own = timeoutsOf(route);
  const ruleMs = rule === undefined ? undefined : parseGoDuration(rule);
  if (own === undefined && ruleMs === undefined) return timeoutsOf(parent);
  const request = ruleMs === undefined || ruleMs <= 0 ? undefined : toDuration(ruleMs);
  return { request: own?.request ?? request, response: own?.response, idle: own?.idle };
}

/** `5xx`, `gateway-error`, a code, or `a-b`, comma-separated. */
function statusRanges(text: string): HttpRoute_Retry_Conditions_StatusRange[] | undefined {
  const ranges: HttpRoute_Retry_Conditions_StatusRange[] = [];
  for (const part of text.split(",").map((one) => one.trim())) {
    if (part === "5xx") ranges.push({ start: 500, end: 599 });
    else if (part === "gateway-error") ranges.push({ start: 502, end: 504 });
    else {
      const match = /^(\d{3})(?:-(\d{3}))?$/.exec(part);
      if (match === null) return undefined;
      const start = Number(match[1]);
      const end = Number(match[2] ?? match[1]);
      if (start < 100 || end > 599 || start > end) return undefined;
      ranges.push({ start, end });
    }
  }
  return ranges;
}

/** What retries have in common; undefined when no annotation speaks of them. */
function retryOf<Conditions>(annotations: Annotations, conditions: Conditions | undefined, none: Conditions) {
  const limit = read(annotations, "retry.linkerd.io/limit", number(0, 65_535));
  const timeoutMs = read(annotations, "retry.linkerd.io/timeout", duration);
  if (conditions === undefined && limit === undefined && timeoutMs === undefined) return undefined;
  return {
    maxRetries: limit === undefined || limit === 0 ? 1 : limit,
    maxRequestBytes: 64 * 1024,
    conditions: conditions ?? none,
    timeout: timeoutMs === undefined ? undefined : toDuration(timeoutMs),
    backoff: backoff(25, 250, 1),
  };
}

export function httpRetryOf(annotations: Annotations): HttpRoute_Retry | undefined {
  const ranges = read(annotations, "retry.linkerd.io/http", statusRanges);
  const conditions = ranges === undefined ? undefined : { statusRanges: ranges };
  return retryOf(annotations, conditions, { statusRanges: [] });
}

const NO_CODES: GrpcRoute_Retry_Conditions = {
  cancelled: false,
  deadineExceeded: false,
  resourceExhausted: false,
  internal: false,
  unavailable: false,
};

const CODES: Readonly<Record<string, keyof GrpcRoute_Retry_Conditions>> = {
  "cancelled": "cancelled",
  "deadline-exceeded": "deadineExceeded",
  "resource-exhausted": "resourceExhausted",
  "internal": "internal",
  "unavailable": "unavailable",
};

function grpcCodes(text: string): GrpcRoute_Retry_Conditions | undefined {
  const conditions = { ...NO_CODES };
  for (const part of text.split(",").map((one) => one.trim())) {
    const code = CODES[part];
    if (code === undefined) return undefined;
    conditions[code] = true;
  }
  return conditions;
}

export function grpcRetryOf(annotations: Annotations): GrpcRoute_Retry | undefined {
  return retryOf(annotations, read(annotations, "retry.linkerd.io/grpc", grpcCodes), NO_CODES);
}

export function backoff(minMs: number, maxMs: number, jitterRatio: number): ExponentialBackoff {
  return {
    minBackoff: toDuration(minMs),
    maxBackoff: toDuration(maxMs),
    jitterRatio,
    respectRetryAfterHint: false,
  };
}

/** What routes may carry, and how it is read. */
const OF_ROUTES: Readonly<Record<string, (text: string) => unknown>> = {
  "timeout.linkerd.io/request": duration,
  "timeout.linkerd.io/response": duration,
  "timeout.linkerd.io/idle": duration,
  "retry.linkerd.io/http": statusRanges,
  "retry.linkerd.io/grpc": grpcCodes,
  "retry.linkerd.io/limit": number(0, 65_535),
  "retry.linkerd.io/timeout": duration,
};

/** The first annotation of a route that cannot be read. */
export function badAnnotation(annotations: Annotations): string | undefined {
  return Object.keys(OF_ROUTES).find((name) =>
    annotations[name] !== undefined && OF_ROUTES[name]!(annotations[name].trim()) === undefined
  );
}
