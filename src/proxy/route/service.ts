/**
 * A name that requests are balanced over: its endpoints as discovery tells them, the balancer, and those that wait
 * for an endpoint to become ready. One per name, shared by all destinations that lead to it.
 * Source: protocol-api.md §7 (semantics of Get); proxy.md §8 (queue, failfast).
 */
import { formatAddress } from "../../linux/address.ts";
import type { Balancer } from "../balance/balancer.ts";
import { PowerOfTwoChoices } from "../balance/power_of_two.ts";
import { Endpoint } from "../connect/endpoint.ts";
import type { Dialer } from "../connect/dialer.ts";
import type { EndpointInfo, EndpointUpdate, Watch } from "../control/plane.ts";
import { type ProxyError, proxyError } from "../error.ts";
import type { Runtime } from "../runtime.ts";
import { asSeenFromHere, isLocal } from "./local_endpoint.ts";
import { EndpointSeries } from "../telemetry/endpoint_series.ts";

/** Whoever waits for an endpoint; it is called when there may be one. */
export interface Waiter {
  onMayProceed(): void;
}

/** How often those that wait look whether an endpoint's back-off is over. */
const RECHECK_MS = 50;

/** Labels of what goes to `info` (proxy.md §13, outbound). */
export function endpointLabels(
  info: EndpointInfo,
  authority: string,
  noTlsReason = "not_provided_by_service_discovery",
): Record<string, string | undefined> {
  const { address, identity, labels } = info, dst: Record<string, string> = {};
  for (const [name, value] of Object.entries(labels)) dst[`dst_${name}`] = value;
  return {
    direction: "outbound",
    authority: authority === "" ? undefined : authority,
    target_addr: formatAddress(address),
    target_ip: address.ip,
    target_port: String(address.port),
    ...(identity === undefined
      ? { tls: "no_identity", no_tls_reason: noTlsReason }
      : { tls: "true", server_id: identity.name }),
    ...dst,
  };
}

export function endpointSeries(
  runtime: Runtime,
  info: EndpointInfo,
  authority: string,
  noTlsReason?: string,
): EndpointSeries {
  const reason = isLocal(info, runtime.config) ? "loopback" : noTlsReason;
  return new EndpointSeries(runtime.telemetry, () => endpointLabels(info, authority, reason));
}

/** True when nothing about how to talk to an endpoint has changed. */
function isSame(a: EndpointInfo, b: EndpointInfo): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

export class Service {
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #balancer: Balancer<Endpoint> = new PowerOfTwoChoices();
  readonly #waiters = new Set<Waiter>();
  readonly #watch: Watch;
  #isBalancerStale = false;
  #isAbsent = false;
  #isRecheckArmed = false;
  /** Destinations that lead here. */
  users = 0;
  lastUsed = 0;

  constructor(
    private readonly runtime: Runtime,
    private readonly dialer: Dialer,
    readonly path: string,
  ) {
    this.#watch = runtime.control.resolve(path, (update) => this.#update(update));
  }

  #update(update: EndpointUpdate): void {
    switch (update.kind) {
      case "replace": {
        const kept = new Set(update.endpoints.map((info) => formatAddress(info.address)));
        for (const key of [...this.#endpoints.keys()]) if (!kept.has(key)) this.#remove(key);
        this.#isAbsent = false;
        for (const info of update.endpoints) this.#add(info);
        break;
      }
      case "add":
        this.#isAbsent = false;
        for (const info of update.endpoints) this.#add(info);
        break;
      case "remove":
        for (const address of update.addresses) this.#remove(formatAddress(address));
        break;
      case "absent":
      case "reset":
        this.#isAbsent = update.kind === "absent";
        for (const key of [...this.#endpoints.keys()]) this.#remove(key);
    }
    // A large set comes in many small updates: the balancer is told before the next pick, not after each of them.
    this.#isBalancerStale = true;
    this.#wake();
  }

  #add(told: EndpointInfo): void {
    const info = asSeenFromHere(told, this.runtime.config);
    const key = formatAddress(info.address), known = this.#endpoints.get(key);
    if (known !== undefined) {
      if (isSame(known.info, info)) return;
      known.retire();
    }
    const series = endpointSeries(this.runtime, info, this.path);
    this.#endpoints.set(key, new Endpoint(this.dialer, info, series, { isBackingOff: true }));
  }

  #remove(key: string): void {
    this.#endpoints.get(key)?.retire();
    this.#endpoints.delete(key);
  }

  #wake(): void {
    for (const waiter of [...this.#waiters]) {
      this.#waiters.delete(waiter);
      waiter.onMayProceed();
    }
  }

  /** How many endpoints there are, ready or not. */
  get size(): number {
    return this.#endpoints.size;
  }

  isAvailable(now: number): boolean {
    for (const endpoint of this.#endpoints.values()) if (endpoint.isReady(now)) return true;
    return false;
  }

  pick(now: number, avoid?: Endpoint): Endpoint | undefined {
    if (this.#isBalancerStale) {
      this.#isBalancerStale = false;
      this.#balancer.update([...this.#endpoints.values()]);
    }
    return this.#balancer.pick(now, avoid);
  }

  /** Calls `waiter` once when an endpoint may be ready. */
  wait(waiter: Waiter): void {
    this.#waiters.add(waiter);
    this.#armRecheck();
  }

  #armRecheck(): void {
    if (this.#isRecheckArmed) return;
    this.#isRecheckArmed = true;
    this.runtime.loop.after(RECHECK_MS, () => {
      this.#isRecheckArmed = false;
      if (this.#waiters.size === 0) return;
      if (this.isAvailable(this.runtime.loop.now)) this.#wake();
      else this.#armRecheck();
    });
  }

  stopWaiting(waiter: Waiter): void {
    this.#waiters.delete(waiter);
  }

  /** Why there is no endpoint now. */
  explain(): ProxyError {
    const detail = this.#isAbsent
      ? `${this.path} does not exist`
      : this.size === 0
      ? `${this.path} has no endpoints`
      : `${this.path}: none of its ${this.size} endpoints can be reached`;
    return proxyError(this.size === 0 ? "no-endpoints" : "failfast", detail);
  }

  get isAbsent(): boolean {
    return this.#isAbsent;
  }

  close(): void {
    this.#watch.cancel();
    for (const endpoint of this.#endpoints.values()) endpoint.retire();
    this.#endpoints.clear();
  }
}
