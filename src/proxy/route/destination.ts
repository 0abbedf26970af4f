/**
 * One destination of traffic, an address or a name: what the control plane decided for it, as services and
 * endpoints ready to be picked from. Cached while it is used and for a while after.
 */
import type { Dialer } from "../connect/dialer.ts";
import { Endpoint } from "../connect/endpoint.ts";
import {
  type Backend,
  type Distribution,
  formatTarget,
  type OutboundDecision,
  type OutboundTarget,
  type TargetResource,
  type Watch,
} from "../control/plane.ts";
import { type ProxyError, proxyError } from "../error.ts";
import { bestForName, type ServerNameMatch } from "../tls/server_names.ts";
import type { Runtime } from "../runtime.ts";
import { type Choice, chooseBackend } from "./distribution.ts";
import { endpointSeries, Service, type Waiter } from "./service.ts";

/** Services by name, counted by the destinations that lead to them. */
export class Services {
  readonly #services = new Map<string, Service>();

  constructor(private readonly runtime: Runtime, private readonly dialer: Dialer) {}

  use(path: string): Service {
    let service = this.#services.get(path);
    if (service === undefined) {
      this.#services.set(path, service = new Service(this.runtime, this.dialer, path));
    }
    service.users++;
    return service;
  }

  release(service: Service): void {
    if (--service.users > 0) return;
    this.#services.delete(service.path);
    service.close();
  }
}

type Target = Service | Endpoint | ProxyError;
interface Compiled {
  readonly kind: "first-available" | "random";
  readonly choices: readonly Choice<Target>[];
  readonly error: ProxyError | undefined;
}

/** A route of TLS connections, ready to be picked from. */
interface CompiledTlsRoute {
  readonly names: readonly ServerNameMatch[];
  readonly resource: TargetResource;
  readonly compiled: Compiled;
}

const NOTHING: Compiled = { kind: "random", choices: [], error: proxyError("failfast", "not known yet") };

export class Destination implements Waiter {
  readonly key: string;
  decision: OutboundDecision | undefined;
  /** Set when the lookup was refused for good. */
  #refusal: ProxyError | undefined;
  #http: Compiled = NOTHING;
  #opaque: Compiled = NOTHING;
  #tls: readonly CompiledTlsRoute[] = [];
  readonly #waiters = new Set<Waiter>();
  readonly #watch: Watch;
  connections = 0;
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
  }

  /** True when it is known what to do, be it to refuse. */
  get isKnown(): boolean {
    return this.decision !== undefined || this.#refusal !== undefined;
  }

  #decided(decision: OutboundDecision): void {
    const old = this.#all();
    this.decision = decision;
    this.#refusal = undefined;
    this.#http = this.#compile(decision.http, decision.authority);
    this.#opaque = this.#compile(decision.opaque, decision.authority);
    this.#tls = (decision.tls ?? []).map(({ names, resource, distribution }) => ({
      names,
      resource,
      compiled: this.#compile(distribution, decision.authority),
    }));
    for (const compiled of old) this.#release(compiled);
    this.onMayProceed();
  }

  #all(): Compiled[] {
    return [this.#http, this.#opaque, ...this.#tls.map(({ compiled }) => compiled)];
  }

  #refused(reason: string): void {
    if (this.decision === undefined) this.#refusal = proxyError("lookup-refused", `${this.key}: ${reason}`);
    this.onMayProceed();
  }

  #compile(distribution: Distribution, authority: string): Compiled {
    if (distribution.kind === "empty") {
      return {
        kind: "random",
        choices: [],
        error: proxyError(
          distribution.isInvalid ? "invalid-policy" : "forbidden-route",
          `${this.key}: ${distribution.reason}`,
        ),
      };
    }
    const choices = distribution.backends.map(({ backend, weight }) => ({
      backend: this.#target(backend, authority),
      weight,
    }));
    return { kind: distribution.kind, choices, error: undefined };
  }

  #target(backend: Backend, authority: string): Target {
    switch (backend.kind) {
      case "balancer":
        return this.services.use(backend.path);
      case "forward": {
        const isPassed = this.runtime.config.isIngress && !("name" in this.target);
        const reason = isPassed ? "ingress_without_override" : undefined;
        const series = endpointSeries(this.runtime, backend.endpoint, authority, reason);
        return new Endpoint(this.dialer, backend.endpoint, series, { isBackingOff: false });
      }
      case "none":
        return proxyError(
          "no-dispatcher",
          `${this.key}: backend ${backend.resource.name} has no dispatcher`,
        );
    }
  }

  #release(compiled: Compiled): void {
    for (const { backend } of compiled.choices) {
      if (backend instanceof Service) this.services.release(backend);
      else if (backend instanceof Endpoint) backend.retire();
    }
  }

  /** An endpoint, an error, or undefined: wait (`wait` tells when to ask again). */
  pick(isHttp: boolean, failed?: Endpoint): Endpoint | ProxyError | undefined {
    if (this.#refusal !== undefined) return this.#refusal;
    if (this.decision === undefined) return undefined;
    return this.#pickFrom(isHttp ? this.#http : this.#opaque, failed);
  }

  /** The same of a TLS connection that asks for `serverName`. */
  pickTls(serverName: string, failed?: Endpoint): Endpoint | ProxyError | undefined {
    if (this.#refusal !== undefined) return this.#refusal;
    if (this.decision === undefined) return undefined;
    const route = this.#tlsRoute(serverName);
    return route === undefined
      ? proxyError("forbidden-route", `${this.key}: no TLS route for the name ${JSON.stringify(serverName)}`)
      : this.#pickFrom(route.compiled, failed);
  }

  /** The route that `pickTls` takes; undefined when there is none. */
  tlsRouteOf(serverName: string): TargetResource | undefined {
    return this.#tlsRoute(serverName)?.resource;
  }

  /** A connection that names nobody, or is no TLS at all, has no route. */
  #tlsRoute(serverName: string): CompiledTlsRoute | undefined {
    return serverName === "" ? undefined : bestForName(this.#tls, serverName);
  }

  #pickFrom(compiled: Compiled, failed: Endpoint | undefined): Endpoint | ProxyError | undefined {
    if (compiled.error !== undefined) return compiled.error;
    const now = this.runtime.loop.now;
    const target = chooseBackend(
      compiled.kind,
      compiled.choices,
      (backend) => backend instanceof Service ? backend.isAvailable(now) : backend instanceof Endpoint,
      Math.random,
    );
    if (target === undefined) return proxyError("invalid-policy", `${this.key}: its route has no backend`);
    if (!(target instanceof Service)) return target;
    if (target.isAbsent) return target.explain();
    return target.pick(now, failed);
  }

  /** Why `pick` had no answer in time. */
  explain(isHttp: boolean): ProxyError {
    if (!this.isKnown) {
      return proxyError("failfast", `${this.key}: the control plane has not said where it leads`);
    }
    const compiled = isHttp ? this.#http : this.#opaque;
    const service = compiled.choices.find(({ backend }) => backend instanceof Service)?.backend;
    return service instanceof Service
      ? service.explain()
      : proxyError("failfast", `${this.key}: no endpoint is ready`);
  }

  /** Calls `waiter` once when `pick` may know more. */
  wait(waiter: Waiter): void {
    this.#waiters.add(waiter);
    for (const { choices } of this.#all()) {
      for (const { backend } of choices) if (backend instanceof Service) backend.wait(this);
    }
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
    for (const compiled of this.#all()) this.#release(compiled);
  }
}
