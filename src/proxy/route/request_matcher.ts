/** One match of a rule, compiled: its rank for the request at hand, where it takes it. */
import { HeaderMatcher, QueryMatcher, regexOf } from "./field_matcher.ts";
import { type Bytes, bytesOf, type HeadView } from "./head_view.ts";
import type { Condition, GrpcMatch, HttpMatch, PathMatch, ProfileMatch, RequestMatch } from "./matches.ts";
import { grpcRank, httpRank, LONGEST_PATH, NO_MATCH, pathRank } from "./rank.ts";
import type { Regex } from "./regex.ts";

export interface RequestMatcher {
  /** It takes every request, so that none need be looked at. */
  readonly isUniversal: boolean;
  /** The most that `rank` answers. */
  readonly ceiling: number;
  /** The path's matched prefix, in bytes; -1 for a match that is none by prefix. */
  readonly prefixLength: number;
  /** The rank without the host's; NO_MATCH when the request is not taken. */
  rank(head: HeadView): number;
}

const ROOT = "/", POST = bytesOf("POST");

/** What a rule without matches is: every request, as a prefix of "/" would take it. */
export const EVERYTHING: HttpMatch = { kind: "http", headers: [], queryParams: [] };
/** The same for gRPC, where it has no rank at all. */
export const EVERY_CALL: RequestMatcher = {
  isUniversal: true,
  ceiling: 0,
  prefixLength: -1,
  rank: () => 0,
};

class HttpMatcher implements RequestMatcher {
  readonly isUniversal: boolean;
  readonly ceiling: number;
  readonly prefixLength: number;
  readonly #exact: Bytes | undefined;
  readonly #prefix: Bytes | undefined;
  readonly #regex: Regex | undefined;
  readonly #method: Bytes | undefined;
  readonly #isGet: boolean;
  readonly #headers: readonly HeaderMatcher[];
  readonly #queryParams: readonly QueryMatcher[];
  readonly #rank: number;

  constructor({ path = { kind: "prefix", value: ROOT }, headers, queryParams, method }: HttpMatch) {
    const isAnyPath = path.kind === "prefix" && path.value === ROOT;
    this.#exact = path.kind === "exact" ? bytesOf(path.value) : undefined;
    this.#prefix = path.kind === "prefix" && !isAnyPath ? bytesOf(trimmed(path)) : undefined;
    this.#regex = path.kind === "regex" ? regexOf(path.pattern) : undefined;
    this.#method = method === undefined ? undefined : bytesOf(method);
    this.#isGet = method === "GET";
    this.#headers = headers.map((header) => new HeaderMatcher(header));
    this.#queryParams = queryParams.map((param) => new QueryMatcher(param));
    this.prefixLength = isAnyPath ? 1 : this.#prefix?.length ?? -1;
    const length = this.#exact?.length ?? this.prefixLength;
    const others = httpRank(headers.length, queryParams.length, method !== undefined);
    this.#rank = others + (length < 0 ? 0 : pathRank(length));
    this.ceiling = length < 0 ? others + LONGEST_PATH : this.#rank;
    this.isUniversal = isAnyPath && method === undefined && headers.length + queryParams.length === 0;
  }

  rank(head: HeadView): number {
    if (this.isUniversal) return this.#rank;
    if (this.#method !== undefined && !head.hasMethod(this.#method, this.#isGet)) return NO_MATCH;
    if (this.#exact !== undefined && !head.hasPath(this.#exact)) return NO_MATCH;
    if (this.#prefix !== undefined && !head.hasPathPrefix(this.#prefix)) return NO_MATCH;
    if (this.#regex !== undefined && !this.#regex.matches(head.path)) return NO_MATCH;
    for (const header of this.#headers) if (!header.accepts(head)) return NO_MATCH;
    for (const param of this.#queryParams) if (!param.accepts(head)) return NO_MATCH;
    return this.#regex === undefined ? this.#rank : this.#rank + pathRank(head.matchedLength);
  }
}

function trimmed(path: Extract<PathMatch, { kind: "prefix" }>): string {
  return path.value.replace(/\/+$/, "");
}

/** `/service/method` by POST, which every call of gRPC is. */
class GrpcMatcher implements RequestMatcher {
  readonly isUniversal = false;
  readonly ceiling: number;
  readonly prefixLength = -1;
  readonly #service: Bytes | undefined;
  readonly #method: Bytes | undefined;
  readonly #headers: readonly HeaderMatcher[];

  constructor({ service, method, headers }: GrpcMatch) {
    this.#service = service === "" ? undefined : bytesOf(service);
    this.#method = method === "" ? undefined : bytesOf(method);
    this.#headers = headers.map((header) => new HeaderMatcher(header));
    this.ceiling = pathRank(service.length) + grpcRank(method.length, headers.length);
  }

  rank(head: HeadView): number {
    if (!head.hasMethod(POST, false)) return NO_MATCH;
    const end = head.pathAt + head.pathLength, serviceAt = head.pathAt + 1;
    const serviceEnd = head.segmentEnd(serviceAt);
    if (serviceAt > end || serviceEnd >= end) return NO_MATCH; // no second slash: no method
    if (!isSegment(head, this.#service, serviceAt, serviceEnd)) return NO_MATCH;
    const methodAt = serviceEnd + 1;
    if (!isSegment(head, this.#method, methodAt, head.segmentEnd(methodAt))) return NO_MATCH;
    for (const header of this.#headers) if (!header.accepts(head)) return NO_MATCH;
    return this.ceiling;
  }
}

function isSegment(head: HeadView, expected: Bytes | undefined, at: number, end: number): boolean {
  return expected === undefined || (end - at === expected.length && head.has(at, expected));
}

/** Above a rule without matches. */
const PROFILE_RANK = pathRank(ROOT.length + 1);

class ProfileMatcher implements RequestMatcher {
  readonly isUniversal = false;
  readonly ceiling = PROFILE_RANK;
  readonly prefixLength = -1;
  readonly #holds: (head: HeadView) => boolean;

  constructor({ condition }: ProfileMatch) {
    this.#holds = judgeOf(condition);
  }

  rank(head: HeadView): number {
    return this.#holds(head) ? PROFILE_RANK : NO_MATCH;
  }
}

function judgeOf(condition: Condition): (head: HeadView) => boolean {
  switch (condition.kind) {
    case "all": {
      const all = condition.of.map(judgeOf);
      return (head) => all.every((holds) => holds(head));
    }
    case "any": {
      const any = condition.of.map(judgeOf);
      return (head) => any.some((holds) => holds(head));
    }
    case "not": {
      const holds = judgeOf(condition.of);
      return (head) => !holds(head);
    }
    case "path": {
      const regex = regexOf(condition.pattern);
      return (head) => regex.matches(head.path);
    }
    case "method": {
      const method = bytesOf(condition.method), isGet = condition.method === "GET";
      return (head) => head.hasMethod(method, isGet);
    }
  }
}

export function matcherOf(match: RequestMatch): RequestMatcher {
  switch (match.kind) {
    case "http":
      return new HttpMatcher(match);
    case "grpc":
      return new GrpcMatcher(match);
    case "profile":
      return new ProfileMatcher(match);
  }
}
