/**
 * A name that requests are balanced over: its endpoints as discovery tells them, the balancer, and those that wait
 * for an endpoint to become ready. One per name, shared by all destinations that lead to it.
 * When none has become ready for as long as a request may wait, those that wait and those that come are refused at once,
 * until one is (failfast). State is of one loop: each has connections, loads and breakers of its own.
 * Source: protocol-api.md §7 (semantics of Get); proxy.md §8 (queue, failfast).
 */
import { formatAddress } from "../../linux/address.ts";
import type { Balancer } from "../balance/balancer.ts";
import { DEFAULT_BALANCING } from "../balance/balancing.ts";
import { PowerOfTwoChoices } from "../balance/power_of_two.ts";
import { Endpoint } from "../connect/endpoint.ts";
import type { Dialer } from "../connect/dialer.ts";
import type { EndpointInfo, EndpointUpdate, TargetResource, Watch } from "../control/plane.ts";
import { type ProxyError, proxyError } from "../error.ts";
import type { Runtime } from "../runtime.ts";
import { asSeenFromHere, isLocal } from "./local_endpoint.ts";
import type { BalancedProtocol, BalancerSeries, BalancerState } from "../telemetry/balancer_series.ts";
import { EndpointSeries } from "../telemetry/endpoint_series.ts";
import { targetLabels } from "../telemetry/target_labels.ts";
import type { Labels } from "../telemetry/telemetry.ts";
import { Candidate, type EndpointMaker } from "./candidate.ts";
import type { BalancedBackend } from "./services.ts";

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
  readonly path: string;
  readonly #candidates = new Map<string, Candidate>();
  /** The same, as the balancer is given them. */
  readonly #list: Candidate[] = [];
  readonly #balancer: Balancer<Candidate> = new PowerOfTwoChoices();
  readonly #waiters = new Set<Waiter>();
  readonly #watch: Watch;
  readonly #maker: EndpointMaker;
  #isBalancerStale = false;
  #isAbsent = false;
  #isRecheckArmed = false;
  #isClosed = false;
  /** Since when no endpoint has been ready for anybody, in microseconds; 0 while one is. */
  #unreadySince = 0;
  #isShut = false;
  /** Made when something is first counted in them. */
  readonly #series: Partial<Record<BalancedProtocol, BalancerSeries>> = {};
  #added = 0;
  #removed = 0;
  #reset = 0;
  /** Destinations that lead here. */
  users = 0;
  lastUsed = 0;

  constructor(
    private readonly runtime: Runtime,
    private readonly dialer: Dialer,
    /** Tells it from others of its loop. */
    readonly key: string,
    private readonly backend: BalancedBackend,
    private readonly parent: TargetResource,
  ) {
    this.path = backend.path;
    const { balancing = DEFAULT_BALANCING } = backend;
    this.#maker = {
      load: balancing.load,
      create: (info, toldAt) =>
        new Endpoint(this.dialer, info, endpointSeries(runtime, info, this.path), {
          isBackingOff: true,
          balancing,
          toldAt,
        }),
    };
    this.#watch = runtime.control.resolve(backend.path, (update) => this.#update(update));
    runtime.loop.wakeControl(); // the lookup must not wait for the next event
  }

  #update(update: EndpointUpdate): void {
    switch (update.kind) {
      case "replace": {
        this.#reset++;
        const kept = new Set(update.endpoints.map((info) => formatAddress(info.address)));
        for (const key of [...this.#candidates.keys()]) if (!kept.has(key)) this.#remove(key);
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
        this.#reset++;
        this.#isAbsent = update.kind === "absent";
        for (const key of [...this.#candidates.keys()]) this.#remove(key);
    }
    // A large set comes in many small updates: the balancer is told before the next pick, not after each of them.
    this.#isBalancerStale = true;
    this.#wake();
  }

  #add(told: EndpointInfo): void {
    const info = asSeenFromHere(told, this.runtime.config);
    const key = formatAddress(info.address), known = this.#candidates.get(key);
    if (known !== undefined) {
      if (isSame(known.info, info)) return;
      this.#drop(known);
    }
    const candidate = new Candidate(info, this.#list.length, this.runtime.loop.now, this.#maker);
    this.#candidates.set(key, candidate);
    this.#list.push(candidate);
    this.#added++;
  }

  #remove(key: string): void {
    const known = this.#candidates.get(key);
    if (known === undefined) return;
    this.#drop(known);
    this.#candidates.delete(key);
    this.#removed++;
  }

  /** Takes it from the list; the last one comes where it stood. */
  #drop(candidate: Candidate): void {
    candidate.retire();
    const last = this.#list.pop()!;
    if (last === candidate) return;
    last.index = candidate.index;
    this.#list[candidate.index] = last;
  }

  #wake(): void {
    for (const waiter of [...this.#waiters]) {
      this.#waiters.delete(waiter);
      waiter.onMayProceed();
    }
  }

  /** How many endpoints there are, ready or not. */
  get size(): number {
    return this.#list.length;
  }

  isAvailable(now: number): boolean {
    for (const candidate of this.#list) if (candidate.isReady(now)) return true;
    return false;
  }

  pick(now: number, avoid?: Endpoint): Endpoint | undefined {
    if (this.#isBalancerStale) {
      this.#isBalancerStale = false;
      this.#balancer.update(this.#list);
    }
    const candidate = this.#balancer.pick(now, avoid && this.#candidateOf(avoid));
    if (candidate === undefined) this.#isUnready(now);
    else if (this.#unreadySince !== 0) this.#open();
    return candidate?.endpoint;
  }

  /** Undefined when discovery has taken it back, or told of another in its place. */
  #candidateOf(endpoint: Endpoint): Candidate | undefined {
    const candidate = this.#candidates.get(formatAddress(endpoint.info.address));
    return candidate?.is(endpoint) ? candidate : undefined;
  }

  #isUnready(now: number): void {
    if (this.#unreadySince !== 0) return;
    this.#unreadySince = now;
    this.#armRecheck();
  }

  #open(): void {
    this.#unreadySince = 0;
    if (this.#isShut) { for (const series of this.#allSeries()) series.opens(); }
    this.#isShut = false;
  }

  /** Why a request is not even to wait; undefined when it may. @param now microseconds */
  refusal(now: number): ProxyError | undefined {
    if (this.#unreadySince === 0 || now - this.#unreadySince < this.#failfastMs * 1000) return undefined;
    if (!this.#isShut) { for (const series of this.#allSeries()) series.shuts(); }
    this.#isShut = true;
    return this.explain();
  }

  get #failfastMs(): number {
    return this.runtime.config.outbound.failfastMs;
  }

  /** Where its HTTP requests are counted. */
  get series(): BalancerSeries {
    return this.#series.http ??= this.#newSeries("http", {});
  }

  /**
   * Where connections are counted that are passed on as they come.
   * @param logical the name that they were addressed to, as far as it is known; the first counts
   */
  connectionSeries(protocol: "tcp" | "tls", logical: string): BalancerSeries {
    return protocol === "tls"
      ? this.#series.tls ??= this.#newSeries("tls", {})
      : this.#series.tcp ??= this.#newSeries("tcp", { logical, concrete: this.path });
  }

  #newSeries(protocol: BalancedProtocol, more: Labels): BalancerSeries {
    return this.runtime.telemetry.balancerSeries(
      protocol,
      { ...more, ...targetLabels("parent", this.parent), ...targetLabels("backend", this.backend.resource) },
      this.#failfastMs,
      () => this.#state(),
    );
  }

  #allSeries(): BalancerSeries[] {
    return Object.values(this.#series);
  }

  #state(): BalancerState {
    const { now } = this.runtime.loop;
    let ready = 0;
    for (const candidate of this.#list) if (candidate.isReady(now)) ready++;
    const pending = this.#list.length - ready;
    return { ready, pending, added: this.#added, removed: this.#removed, reset: this.#reset };
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
      if (this.#isClosed || (this.#waiters.size === 0 && this.#unreadySince === 0)) return;
      if (!this.isAvailable(this.runtime.loop.now)) return this.#armRecheck();
      if (this.#unreadySince !== 0) this.#open();
      this.#wake();
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
    this.#isClosed = true;
    this.#watch.cancel();
    for (const series of this.#allSeries()) this.runtime.telemetry.forgetBalancer(series);
    for (const candidate of this.#list) candidate.retire();
    this.#candidates.clear();
    this.#list.length = 0;
  }
}
