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
import { type BackendTarget, DestinationRule, pickEndpoint } from "./destination_rule.ts";
import { asSeenFromHere } from "./local_endpoint.ts";
import { RouteTable } from "./route_table.ts";
import { ruleCount } from "./rule_count.ts";
import { endpointSeries, Service, type Waiter } from "./service.ts";
import type { Services } from "./services.ts";

const OPAQUE = { group: "", kind: "default", namespace: "", name: "opaque" };

/** A route of TLS connections, ready to be picked from. */
interface TlsRule {
  readonly names: readonly ServerNameMatch[];
  readonly resource: TargetResource;
  readonly rule: DestinationRule;
}

/** What is done with a destination's traffic, by the policy of the moment. */
interface Policy {
  readonly decision: OutboundDecision;
  readonly http: RouteTable<DestinationRule>;
  readonly opaque: DestinationRule;
  readonly tls: readonly TlsRule[];
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
        target,
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
    const opaque = compile({ route: OPAQUE, filters: [], distribution: decision.opaque }, "opaque");
    const tls = (decision.tls ?? []).map(({ names, resource, distribution }, index) => {
      const rule = compile({ route: resource, filters: [], distribution }, `tls#${index}`);
      return { names, resource, rule };
    });
    return { decision, http: new RouteTable(compiled, isGrpc), opaque, tls, rules };
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
   * For a connection that is no HTTP: an endpoint, an error, or undefined: wait (`wait` tells when to ask again).
   * @param failed one to avoid where there are others
   */
  pickOpaque(failed?: Endpoint): Endpoint | ProxyError | undefined {
    return this.#pickFrom(this.#policy?.opaque, failed);
  }

  /** The same of a TLS connection that asks for `serverName`. */
  pickTls(serverName: string, failed?: Endpoint): Endpoint | ProxyError | undefined {
    const route = this.#tlsRoute(serverName);
    if (this.#policy !== undefined && route === undefined) {
      return this.#refusal ?? proxyError(
        "forbidden-route",
        `${this.key}: no TLS route for the name ${JSON.stringify(serverName)}`,
      );
    }
    return this.#pickFrom(route?.rule, failed);
  }

  /** The route that `pickTls` takes; undefined when there is none. */
  tlsRouteOf(serverName: string): TargetResource | undefined {
    return this.#tlsRoute(serverName)?.resource;
  }

  /** A connection that names nobody, or is no TLS at all, has no route. */
  #tlsRoute(serverName: string): TlsRule | undefined {
    return serverName === "" ? undefined : bestForName(this.#policy?.tls ?? [], serverName);
  }

  #pickFrom(rule: DestinationRule | undefined, failed: Endpoint | undefined) {
    if (this.#refusal !== undefined) return this.#refusal;
    const { now } = this.runtime.loop, backend = rule?.choose(now);
    return backend === undefined || "code" in backend ? backend : pickEndpoint(backend, now, failed);
  }

  /** Why there was no endpoint in time. @param rule left out for a connection that is no HTTP */
  explain(rule = this.#policy?.opaque): ProxyError {
    if (!this.isKnown) {
      return proxyError("failfast", `${this.key}: the control plane has not said where it leads`);
    }
    return rule?.explain() ?? proxyError("failfast", `${this.key}: no endpoint is ready`);
  }

  /** Calls `waiter` once when there may be an endpoint. @param rule left out for a connection that is no HTTP */
  wait(waiter: Waiter, rule?: DestinationRule): void {
    this.#waiters.add(waiter);
    if (rule !== undefined) return rule.wait(this);
    this.#policy?.opaque.wait(this);
    for (const { rule } of this.#policy?.tls ?? []) rule.wait(this);
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
