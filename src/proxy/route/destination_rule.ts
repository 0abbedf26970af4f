/**
 * A rule of a destination's routes, its backends ready to be picked from. The same form serves connections that are no
 * HTTP, whose policy has one rule.
 */
import type { Distribution, RuleTarget, TargetResource } from "../control/plane.ts";
import { Endpoint } from "../connect/endpoint.ts";
import { type ProxyError, proxyError } from "../error.ts";
import type { Counted } from "../telemetry/route_series.ts";
import { type Choice, chooseBackend } from "./distribution.ts";
import { withLine } from "./header_edit.ts";
import type { ProfileRoute } from "./request_rules.ts";
import { compileFilters, type RuleFilters } from "./rule_filters.ts";
import { Service, type Waiter } from "./service.ts";

/** Where a backend's requests go; an error where they cannot go anywhere. */
export type BackendTarget = Service | Endpoint | ProxyError;

export interface RuleBackend {
  readonly target: BackendTarget;
  readonly resource: TargetResource;
  /** The rule's and its own, what they do to heads taken together; `stops` are its own. */
  readonly filters: RuleFilters;
  /** What they do to the heads of requests that are for another name there (an endpoint's `authority`). */
  readonly editBeyond: RuleFilters["requestEdit"];
  /** Made with its first request. */
  series: Counted | undefined;
}

/** The series of a rule's requests, and of what its backends are asked. */
export interface RuleCount {
  ofRoute(rule: RuleTarget, hostname: string): Counted;
  ofBackend(rule: RuleTarget, backend: TargetResource): Counted;
}

/** Tells the server's side whose profile the request is counted by (proxy.md §7). */
function naming(filters: RuleFilters, profile: ProfileRoute | undefined): RuleFilters {
  if (profile === undefined) return filters;
  return { ...filters, requestEdit: withLine(filters.requestEdit, `l5d-dst-canonical: ${profile.dst}`) };
}

/** A backend that fails its requests takes its share of them: it is not passed over. */
function isAvailable({ target }: RuleBackend, now: number): boolean {
  return !(target instanceof Service) || target.isAvailable(now);
}

export class DestinationRule {
  readonly filters: RuleFilters;
  readonly #kind: "first-available" | "random";
  readonly #choices: readonly Choice<RuleBackend>[];
  readonly #error: ProxyError | undefined;
  #series: Counted | undefined;
  /** The rule as requests to one host each have it; see `of`. */
  #ofHosts: Map<string, DestinationRule> | undefined;
  /** The policy that it belongs to is no longer the destination's. */
  isReleased = false;

  /**
   * @param id tells the rule from the others of its policy, and finds it in the next one
   * @param where the destination, for people
   * @param count where its requests are counted
   * @param use takes a backend's endpoints into use
   * @param hostname whom its requests are for, where they are counted by that
   */
  constructor(
    readonly spec: RuleTarget,
    readonly id: string,
    private readonly where: string,
    private readonly count: RuleCount,
    use: (backend: Extract<Distribution, { backends: unknown }>["backends"][number]) => BackendTarget,
    private readonly hostname = "",
  ) {
    const { distribution, filters, profile } = spec;
    this.filters = compileFilters(filters);
    this.#kind = distribution.kind === "empty" ? "random" : distribution.kind;
    this.#error = distribution.kind === "empty"
      ? proxyError(
        distribution.isInvalid ? "invalid-policy" : "forbidden-route",
        `${where}: ${distribution.reason}`,
      )
      : undefined;
    this.#choices = distribution.kind === "empty" ? [] : distribution.backends.map((backend) => {
      const compiled = compileFilters(filters, backend.filters ?? []);
      const named: RuleBackend = {
        target: use(backend),
        resource: backend.backend.resource,
        filters: naming(compiled, profile),
        editBeyond: compiled.requestEdit,
        series: undefined,
      };
      return { backend: named, weight: backend.weight };
    });
  }

  /** Counts whole requests. */
  get series(): Counted {
    return this.#series ??= this.count.ofRoute(this.spec, this.hostname);
  }

  /** The same rule, whose requests are counted as those to `hostname`. */
  of(hostname: string): DestinationRule {
    if (hostname === "") return this;
    const all = this.#ofHosts ??= new Map<string, DestinationRule>();
    let rule = all.get(hostname);
    if (rule === undefined) all.set(hostname, rule = this.#copyFor(hostname));
    return rule;
  }

  #copyFor(hostname: string): DestinationRule {
    const { spec, spec: { rules } } = this, targets = this.#choices.map(({ backend: { target } }) => target);
    const told = rules === undefined ? spec : { ...spec, rules: { ...rules, hostname } };
    const share = () => targets.shift()!;
    return new DestinationRule(told, this.id, this.where, this.count, share, hostname);
  }

  /** Counts what a backend is asked. */
  seriesOf(backend: RuleBackend): Counted {
    return backend.series ??= this.count.ofBackend(this.spec, backend.resource);
  }

  /** The backend of the next request. */
  choose(now: number): RuleBackend | ProxyError {
    if (this.#error !== undefined) return this.#error;
    return chooseBackend(this.#kind, this.#choices, isAvailable, Math.random, now) ??
      proxyError("invalid-policy", `${this.where}: its route has no backend`);
  }

  /** Why there was no endpoint in time. */
  explain(): ProxyError {
    const service = this.#choices.find(({ backend }) => backend.target instanceof Service)?.backend.target;
    return service instanceof Service
      ? service.explain()
      : proxyError("failfast", `${this.where}: no endpoint is ready`);
  }

  /** Calls `waiter` when a backend may have an endpoint. */
  wait(waiter: Waiter): void {
    for (const { backend: { target } } of this.#choices) if (target instanceof Service) target.wait(waiter);
  }

  /** @param release lets go of the endpoints behind a backend */
  release(release: (target: BackendTarget) => void): void {
    this.isReleased = true;
    for (const rule of this.#ofHosts?.values() ?? []) rule.isReleased = true;
    for (const { backend: { target } } of this.#choices) release(target);
  }
}

/** An endpoint of the backend, an error, or undefined: none is ready. @param failed one to avoid where there are others */
export function pickEndpoint(
  { target }: RuleBackend,
  now: number,
  failed?: Endpoint,
): Endpoint | ProxyError | undefined {
  if (!(target instanceof Service)) return target;
  return target.isAbsent ? target.explain() : target.pick(now, failed) ?? target.refusal(now);
}
