/**
 * A connection that is passed on as it comes, bytes or TLS: the endpoint that it is given by its destination, where it
 * waits for one, and where all of that is counted, once for the connection.
 * Source: proxy.md §5 (TLS routes, TCP routes), §13 (outbound_{tcp,tls}_balancer_*, outbound_{tcp,tls}_route_*).
 */
import type { Endpoint } from "../connect/endpoint.ts";
import type { ProxyError } from "../error.ts";
import type { ForwardQueue } from "../opaque/forward.ts";
import type { Destination, Passing } from "../route/destination.ts";
import { pickEndpoint } from "../route/destination_rule.ts";
import { Service, type Waiter } from "../route/service.ts";
import type { Runtime } from "../runtime.ts";
import type { BalancerSeries } from "../telemetry/balancer_series.ts";
import type { ConnectionCounters, RouteCount } from "./connection_counters.ts";

export class PassedConnection implements ForwardQueue {
  readonly failfastMs: number;
  #passing: Passing | undefined;
  #route: RouteCount | undefined;
  /** Who was asked for an endpoint first: there the connection is counted, and waits. */
  #balancer: BalancerSeries | undefined;
  /** In whose queue it waits, and since when, in microseconds. */
  #queuedBefore: BalancerSeries | undefined;
  #queuedAt = 0;

  /**
   * @param serverName what a ClientHello asks for; "" when it is none, or nobody looked
   * @param counters where its route is counted; left out: nowhere
   */
  constructor(
    private readonly runtime: Runtime,
    private readonly destination: Destination,
    private readonly serverName: string,
    private readonly counters?: ConnectionCounters,
  ) {
    this.failfastMs = runtime.config.outbound.failfastMs;
  }

  /** As `ForwardOptions.pick`. */
  pick(failed: Endpoint | undefined): Endpoint | ProxyError | undefined {
    const { destination, runtime: { loop: { now } } } = this, passing = destination.passing(this.serverName);
    if (passing === undefined || "code" in passing) return passing;
    const { authority, parent } = destination.decision!; // it says what passes
    this.#passing = passing;
    this.#route ??= this.counters?.opened(passing.protocol, parent, passing.route, this.serverName);
    const backend = passing.rule.choose(now);
    if ("code" in backend) return backend;
    if (this.#balancer === undefined && backend.target instanceof Service) {
      this.#balancer = backend.target.connectionSeries(passing.protocol, authority);
      this.#balancer.requests++;
    }
    const picked = pickEndpoint(backend, now, failed);
    if (picked !== undefined) this.#leave();
    return picked;
  }

  wait(waiter: Waiter): void {
    if (this.#queuedBefore === undefined && this.#balancer !== undefined) {
      this.#queuedBefore = this.#balancer;
      this.#queuedBefore.queued++;
      this.#queuedAt = this.runtime.loop.now;
    }
    this.destination.wait(waiter, this.#passing?.rule);
  }

  stopWaiting(waiter: Waiter): void {
    this.#leave();
    this.destination.stopWaiting(waiter);
  }

  #leave(): void {
    this.#queuedBefore?.waited(this.runtime.loop.now - this.#queuedAt);
    this.#queuedBefore = undefined;
  }

  explain(): ProxyError {
    return this.destination.explain(this.#passing?.rule);
  }

  /** It is over. @param error why it could not be passed on */
  ended(error: ProxyError | undefined): void {
    this.#route?.closed(error);
  }
}
