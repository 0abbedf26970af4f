/**
 * One destination of traffic, an address or a name: what the control plane decided for it, as services and
 * endpoints ready to be picked from. Cached while it is used and for a while after.
 */
import type { Dialer } from "../connect/dialer.ts";
import { Endpoint } from "../connect/endpoint.ts";
import {
  type Backend,
  formatTarget,
  type OutboundDecision,
  type OutboundTarget,
  type RuleTarget,
  type TargetResource,
  type Watch,
} from "../control/plane.ts";
import { type ProxyError, proxyError } from "../error.ts";
import { bestForName, type ServerNameMatch } from "../tls/server_names.ts";
import type { Runtime } from "../runtime.ts";
import type { DropMask } from "../http/pipeline.ts";
import type { Arena } from "../worker/arena.ts";
import { type BackendTarget, DestinationRule } from "./destination_rule.ts";
import { HostnameRoutes, type RuleFinder } from "./hostname_routes.ts";
import { asSeenFromHere } from "./local_endpoint.ts";
import { RetryBudget } from "./retry_budget.ts";
import { RouteTable } from "./route_table.ts";
import { ruleCount } from "./rule_count.ts";
import { endpointSeries, Service, type Waiter } from "./service.ts";
import type { Services } from "./services.ts";

const OPAQUE = { group: "", kind: "default", namespace: "", name: "opaque" };

/** What connections that are no HTTP, or TLS that is not opened, are passed on by. */
export interface Passing {
  readonly protocol: "tcp" | "tls";
  readonly rule: DestinationRule;
  /** The route that has the rule; undefined when it is of none that has a name. */
  readonly route: TargetResource | undefined;
}

/** A route of TLS connections, ready to be picked from. */
interface TlsPassing extends Passing {
  readonly names: readonly ServerNameMatch[];
}

/** What is done with a destination's traffic, by the policy of the moment. */
interface Policy {
  readonly decision: OutboundDecision;
  readonly http: RuleFinder;
  readonly opaque: Passing;
  readonly tls: readonly TlsPassing[];
  /** All of them. */
  readonly rules: readonly DestinationRule[];
}

function takesHttp({ protocol }: OutboundDecision): boolean {
  return protocol !== "opaque" && protocol !== "tls";
}

export class Destination implements Waiter {
  readonly key: string;
  /** Set when the lookup was refused for good. */
  #refusal: ProxyError | undefined;
  #policy: Policy | undefined;
  #budget: RetryBudget | undefined;
  readonly #waiters = new Set<Waiter>();
  readonly #watch: Watch;
  connections = 0;
  /**
   * Its port has stopped to speak HTTP: what is open goes on by the policy before, what is new needs another
   * destination (proxy.md §5.4).
   */
  isSuperseded = false;
  lastUsed = 0;

  constructor(
    private readonly runtime: Runtime,
    private readonly dialer: Dialer,
    private readonly services: Services,
    readonly target: OutboundTarget,
  ) {
    this.key = formatTarget(target);
    this.#watch = runtime.control.watchOutbound(
      target,
      (decision) => this.#decided(decision),
      (reason) => this.#refused(reason),
    );
    runtime.loop.wakeControl(); // the lookup must not wait for the next event
  }

  get decision(): OutboundDecision | undefined {
    return this.#policy?.decision;
  }

  /** True when it is known what to do, be it to refuse. */
  get isKnown(): boolean {
    return this.#policy !== undefined || this.#refusal !== undefined;
  }

  #decided(decision: OutboundDecision): void {
    const old = this.#policy;
    if (old !== undefined && this.connections > 0 && takesHttp(old.decision) && !takesHttp(decision)) {
      this.isSuperseded = true;
      return;
    }
    this.#refusal = undefined;
    this.#policy = this.#compile(decision);
    if (old !== undefined) this.#release(old);
    this.onMayProceed();
  }

  #refused(reason: string): void {
    if (this.decision === undefined) this.#refusal = proxyError("lookup-refused", `${this.key}: ${reason}`);
    this.onMayProceed();
  }

  #compile(decision: OutboundDecision): Policy {
    const { isGrpc, routes } = decision.http, rules: DestinationRule[] = [];
    const count = ruleCount(this.runtime.telemetry, decision.parent, isGrpc);
    const compile = (target: RuleTarget, id: string) => {
      const rule = new DestinationRule(
        this.#withBudget(target),
        id,
        this.key,
        count,
        ({ backend }) => this.#target(backend, decision),
      );
      rules.push(rule);
      return rule;
    };
    const compiled = routes.map(({ hosts, rules: all }) => ({
      hosts,
      rules: all.map(({ matches, target }, index) => {
        const { group, kind, namespace, name } = target.route;
        return { matches, target: compile(target, `${group}/${kind}/${namespace}/${name}#${index}`) };
      }),
    }));
    const opaque: Passing = {
      protocol: "tcp",
      rule: compile({ route: OPAQUE, filters: [], distribution: decision.opaque }, "opaque"),
      route: decision.opaqueRoute,
    };
    const tls = (decision.tls ?? []).map(({ names, resource: route, distribution }, index): TlsPassing => {
      const rule = compile({ route, filters: [], distribution }, `tls#${index}`);
      return { protocol: "tls", names, rule, route };
    });
    const table = new RouteTable(compiled, isGrpc), { config, telemetry } = this.runtime;
    const http = config.isHostnameLabelled ? new HostnameRoutes(table, telemetry.hostnames) : table;
    return { decision, http, opaque, tls, rules };
  }

  /** All routes that have one share it, and keep it while it is the same. */
  #withBudget(target: RuleTarget): RuleTarget {
    const { rules } = target, limits = rules?.retry?.budget;
    if (rules === undefined || limits === undefined) return target;
    const { ratio, minPerSecond, ttlMs } = this.#budget?.limits ?? {};
    if (limits.ratio !== ratio || limits.minPerSecond !== minPerSecond || limits.ttlMs !== ttlMs) {
      this.#budget = new RetryBudget(limits);
    }
    return { ...target, rules: { ...rules, budget: this.#budget! } };
  }

  #target(backend: Backend, { authority, parent }: OutboundDecision): BackendTarget {
    switch (backend.kind) {
      case "balancer":
        return this.services.use(backend, parent);
      case "forward": {
        const isPassed = this.runtime.config.isIngress && !("name" in this.target);
        const reason = isPassed ? "ingress_without_override" : undefined;
        const info = asSeenFromHere(backend.endpoint, this.runtime.config);
        const series = endpointSeries(this.runtime, info, authority, reason);
        return new Endpoint(this.dialer, info, series, { isBackingOff: false });
      }
      case "none":
        return proxyError(
          "no-dispatcher",
          `${this.key}: backend ${backend.resource.name} has no dispatcher`,
        );
    }
  }

  #release({ rules }: Policy): void {
    for (const rule of rules) {
      rule.release((target) => {
        if (target instanceof Service) this.services.release(target);
        else if (target instanceof Endpoint) target.retire();
      });
    }
  }

  /**
   * The rule that takes the HTTP request in the record (offsets from `at`).
   * @param drops headers that a client cannot set
   * @returns undefined while it is not known where the destination leads
   */
  find(arena: Arena, at: number, drops: DropMask): DestinationRule | ProxyError | undefined {
    const policy = this.#policy;
    if (this.#refusal !== undefined || policy === undefined) return this.#refusal;
    return policy.http.find(arena, at, drops) ??
      proxyError("route-not-found", `${this.key}: no route takes the request`);
  }

  /** Of the path of the request that `find` took last: see `RouteTable`. */
  get prefixLength(): number {
    return this.#policy?.http.prefixLength ?? -1;
  }

  /** The rule as the policy of the moment has it; undefined when it is gone. */
  presentRule(rule: DestinationRule): DestinationRule | undefined {
    return rule.isReleased ? this.#policy?.rules.find(({ id }) => id === rule.id) : rule;
  }

  /**
   * What a connection is passed on by whose requests, if any, are not looked at.
   * @param serverName what its ClientHello asks for; "" when it is none, or nobody looked
   * @returns undefined while it is not known where the destination leads (`wait` tells when to ask again)
   */
  passing(serverName: string): Passing | ProxyError | undefined {
    const policy = this.#policy;
    if (this.#refusal !== undefined || policy === undefined) return this.#refusal;
    if (policy.decision.protocol !== "tls") return policy.opaque;
    // A connection that names nobody, or is no TLS at all, has no route.
    const route = serverName === "" ? undefined : bestForName(policy.tls, serverName);
    return route ?? proxyError(
      "forbidden-route",
      `${this.key}: no TLS route for the name ${JSON.stringify(serverName)}`,
    );
  }

  /** Why there was no endpoint in time. @param rule what would have picked one, where that is known */
  explain(rule?: DestinationRule): ProxyError {
    if (!this.isKnown) {
      return proxyError("failfast", `${this.key}: the control plane has not said where it leads`);
    }
    return rule?.explain() ?? proxyError("failfast", `${this.key}: no endpoint is ready`);
  }

  /** Calls `waiter` once when there may be an endpoint. @param rule what picks one, where that is known */
  wait(waiter: Waiter, rule?: DestinationRule): void {
    this.#waiters.add(waiter);
    rule?.wait(this);
  }

  stopWaiting(waiter: Waiter): void {
    this.#waiters.delete(waiter);
  }

  onMayProceed(): void {
    for (const waiter of [...this.#waiters]) {
      this.#waiters.delete(waiter);
      waiter.onMayProceed();
    }
  }

  close(): void {
    this.#watch.cancel();
    if (this.#policy !== undefined) this.#release(this.#policy);
  }
}
