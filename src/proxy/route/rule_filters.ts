/**
 * A rule's filters made ready: what they do to the heads that pass, and what they answer instead of passing a request
 * on. Whatever cannot be done as it is asked for fails its requests with 500: a route that silently does something
 * else would be worse.
 * Source: protocol-api.md §4, §5, §9; proxy.md §10.
 */
import { type ProxyError, proxyError } from "../error.ts";
import type { Random } from "../balance/balancer.ts";
import type { Arena } from "../worker/arena.ts";
import type { FailureFilter, Filter, HeaderChanges, RedirectFilter } from "./filters.ts";
import { type HeaderEdit, headerEditOf } from "./header_edit.ts";
import { redirect, redirectProblem } from "./redirect.ts";

type Stop =
  | { readonly kind: "redirect"; readonly filter: RedirectFilter }
  | { readonly kind: "failure"; readonly error: ProxyError; readonly share: number };

export interface RuleFilters {
  readonly requestEdit: HeaderEdit | undefined;
  readonly responseEdit: HeaderEdit | undefined;
  /** What may answer a request, in order. */
  readonly stops: readonly Stop[];
}

const NO_FILTERS: RuleFilters = { requestEdit: undefined, responseEdit: undefined, stops: [] };

function failureOf({ kind, status, message, ratio }: FailureFilter): Stop | string {
  const isGrpc = kind === "grpc-failure";
  if (isGrpc ? status > 65535 : status < 200 || status > 999) return `${status} is no status to fail with`;
  if (ratio?.denominator === 0) return "a ratio has no denominator";
  const share = ratio === undefined ? 1 : ratio.numerator / ratio.denominator;
  const detail = message === "" ? "the route fails this request" : message;
  const error = isGrpc
    ? { ...proxyError("injected-failure", detail, 200), grpcCode: status }
    : proxyError("injected-failure", detail, status);
  return { kind: "failure", error, share };
}

const invalid = (problem: string): Stop => ({
  kind: "failure",
  error: proxyError("invalid-policy", `a filter of the route is invalid: ${problem}`),
  share: 1,
});

/**
 * @param backend the filters of the backend that was chosen, which act after the rule's
 * @returns of `stops` only the backend's when there is one: the rule's have been asked before it was chosen
 */
export function compileFilters(rule: readonly Filter[], backend?: readonly Filter[]): RuleFilters {
  if (rule.length === 0 && (backend ?? []).length === 0) return NO_FILTERS;
  const stops: Stop[] = [], all = [...rule, ...backend ?? []];
  const changes = (kind: "request-headers" | "response-headers"): HeaderChanges[] =>
    all.flatMap((filter) => filter.kind === kind ? [filter.changes] : []);
  const edit = (kind: "request-headers" | "response-headers"): HeaderEdit | undefined => {
    const edit = headerEditOf(changes(kind));
    if (typeof edit !== "string") return edit;
    stops.push(invalid(edit));
    return undefined;
  };
  const requestEdit = edit("request-headers"), responseEdit = edit("response-headers");
  for (const filter of backend ?? rule) {
    if (filter.kind === "invalid") stops.push(invalid(filter.message));
    else if (filter.kind === "redirect") {
      const problem = redirectProblem(filter);
      stops.push(problem === undefined ? { kind: "redirect", filter } : invalid(problem));
    } else if (filter.kind === "http-failure" || filter.kind === "grpc-failure") {
      const failure = failureOf(filter);
      stops.push(typeof failure === "string" ? invalid(failure) : failure);
    }
  }
  return { requestEdit, responseEdit, stops };
}

/**
 * What the filters answer the request in the record (offsets from `at`) with; undefined: it goes on.
 * @param at -1 when the head no longer stands there, since it was sent once already: then it is not redirected any more
 * @param prefixLength of the path, as `RouteTable` says
 */
export function answerOf(
  { stops }: RuleFilters,
  arena: Arena,
  at: number,
  prefixLength: number,
  random: Random,
): ProxyError | undefined {
  for (let i = 0; i < stops.length; i++) {
    const stop = stops[i]!;
    if (stop.kind === "redirect") {
      if (at < 0) continue;
      const answer = redirect(stop.filter, arena, at, prefixLength);
      if (answer !== undefined) return answer;
    } else if (stop.share >= 1 || random() < stop.share) return stop.error;
  }
  return undefined;
}
