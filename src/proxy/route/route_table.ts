/**
 * A policy's routes in the form that the data path asks: which rule takes the request whose head stands in the record.
 * Compiled once for each policy. A table whose only rule takes everything answers without a look at the request;
 * others compare bytes where they stand, and allocate only for regular expressions and queries.
 * Source: proxy.md §3 (route selection).
 */
import type { DropMask } from "../http/pipeline.ts";
import type { Arena } from "../worker/arena.ts";
import { type Bytes, bytesOf, HeadView } from "./head_view.ts";
import type { HostMatch, MatchedRoute } from "./matches.ts";
import { hostRank, NO_MATCH } from "./rank.ts";
import { EVERY_CALL, EVERYTHING, matcherOf, type RequestMatcher } from "./request_matcher.ts";

interface Host {
  readonly kind: "exact" | "suffix";
  readonly text: Bytes;
  readonly rank: number;
}

/** A rule's match under one of its route's hosts. */
interface Candidate<Target> {
  readonly host: Host | undefined;
  readonly matcher: RequestMatcher;
  readonly ceiling: number;
  readonly target: Target;
}

function hostOf(host: HostMatch): Host {
  const text = host.kind === "exact" ? host.name : ["", ...host.reverseLabels.toReversed()].join(".");
  return { kind: host.kind, text: bytesOf(text.toLowerCase()), rank: hostRank(host.kind, text.length) };
}

/** @param isGrpc the routes are GRPCRoutes, whose rules without matches rank below any that has one */
function* candidatesOf<Target>(
  routes: readonly MatchedRoute<Target>[],
  isGrpc: boolean,
): Generator<Candidate<Target>> {
  for (const { hosts, rules } of routes) {
    const named = hosts.length === 0 ? [undefined] : hosts.map(hostOf);
    for (const { matches, target } of rules) {
      const implied = isGrpc ? EVERY_CALL : matcherOf(EVERYTHING);
      for (const matcher of matches.length === 0 ? [implied] : matches.map(matcherOf)) {
        for (const host of named) {
          yield { host, matcher, ceiling: matcher.ceiling + (host?.rank ?? 0), target };
        }
      }
    }
  }
}

export class RouteTable<Target> {
  readonly #candidates: readonly Candidate<Target>[];
  /** The first rule takes every request, and no other could be preferred. */
  readonly #only: Candidate<Target> | undefined;
  readonly #head = new HeadView();
  /** Of the path of the request found last: bytes that its rule's match took as a prefix; -1: none by prefix. */
  prefixLength = -1;

  constructor(routes: readonly MatchedRoute<Target>[], isGrpc = false) {
    this.#candidates = [...candidatesOf(routes, isGrpc)];
    const [first] = this.#candidates;
    const isOnly = first !== undefined && first.host === undefined && first.matcher.isUniversal &&
      this.#candidates.every(({ ceiling }) => ceiling <= first.ceiling);
    this.#only = isOnly ? first : undefined;
  }

  /**
   * The target of the rule that takes the request in the record (offsets from `at`); the earliest among equals.
   * @param drops headers that a client cannot set, which no rule sees
   */
  find(arena: Arena, at: number, drops: DropMask): Target | undefined {
    const only = this.#only;
    if (only !== undefined) {
      this.prefixLength = only.matcher.prefixLength;
      return only.target;
    }
    const head = this.#head, candidates = this.#candidates;
    head.open(arena, at, drops);
    let best = NO_MATCH, found: Candidate<Target> | undefined;
    for (let i = 0; i < candidates.length; i++) {
      const candidate = candidates[i]!, { host, matcher } = candidate;
      if (candidate.ceiling <= best) continue;
      if (host !== undefined && !isHost(head, host)) continue;
      const own = matcher.rank(head);
      if (own === NO_MATCH) continue;
      const rank = own + (host === undefined ? 0 : host.rank);
      if (rank <= best) continue;
      best = rank;
      found = candidate;
    }
    this.prefixLength = found === undefined ? -1 : found.matcher.prefixLength;
    return found?.target;
  }
}

function isHost(head: HeadView, { kind, text }: Host): boolean {
  return kind === "exact" ? head.hasHost(text) : head.hasHostSuffix(text);
}
