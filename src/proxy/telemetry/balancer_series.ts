/**
 * What a balancer and the queue before it tell. The path of a request that need not wait adds to one number. Balancers
 * of connections that are passed on as they come tell the same of their connections.
 * Source: outbound_{http,tcp,tls}_balancer_* of proxy.md §13.
 */
import { Histogram } from "../../wasm/histogram.ts";
import type { Arena } from "../worker/arena.ts";
import { family, join } from "./family.ts";
import type { HistogramPool } from "./histogram_pool.ts";
import type { Row } from "./rows.ts";

/** The balancer's state at the moment it is asked for. */
export interface BalancerState {
  readonly ready: number;
  readonly pending: number;
  readonly added: number;
  readonly removed: number;
  readonly reset: number;
}

/** What is balanced: HTTP requests, connections, or those of TLS that go by their names. */
export type BalancedProtocol = "http" | "tcp" | "tls";
const PROTOCOLS: readonly BalancedProtocol[] = ["http", "tcp", "tls"];

/** Upper bounds of queue_latency_seconds. */
const QUEUE_BOUNDS: readonly number[] = [0.0005, 0.005, 0.05, 0.5, 1, 3];

export class BalancerSeries {
  /** Requests that were given an endpoint, or are waiting for one. */
  requests = 0;
  /** Requests that wait now. */
  queued = 0;
  /** Times that requests were let through again, and were no more; and when last, in seconds since 1970. */
  opened = 1;
  shut = 0;
  openedAt: number;
  shutAt = 0;
  /** Of those that had to wait; 0 when the arena has no room for another. */
  #waits: number;

  constructor(
    readonly protocol: BalancedProtocol,
    readonly labels: string,
    private readonly histograms: HistogramPool,
    readonly failfastMs: number,
    readonly state: () => BalancerState,
    private readonly seconds: () => number = () => Date.now() / 1000,
  ) {
    this.#waits = histograms.take();
    this.openedAt = seconds();
  }

  /** A request waited. @param micros until it had an endpoint, or was refused */
  waited(micros: number): void {
    this.queued--;
    if (this.#waits !== 0) this.histograms.record(this.#waits, micros);
  }

  opens(): void {
    this.opened++;
    this.openedAt = this.seconds();
  }

  shuts(): void {
    this.shut++;
    this.shutAt = this.seconds();
  }

  /** Gives its memory back. */
  forget(): void {
    if (this.#waits !== 0) this.histograms.give(this.#waits);
    this.#waits = 0; // whoever waits still is told of no more
  }

  /** How long requests waited, those included that need not. */
  waits({ memory, wasm }: Arena): Row {
    const at = this.#waits >> 3, hasWaits = this.#waits !== 0;
    const waited = hasWaits ? memory.doubles[at + (Histogram.Count >> 1)]! : 0;
    const straight = Math.max(0, this.requests - this.queued - waited);
    return {
      kind: "histogram",
      labels: this.labels,
      below: QUEUE_BOUNDS.map((bound) =>
        straight + (hasWaits ? wasm.histogramCountAtMost(this.#waits, bound * 1e6) : 0)
      ),
      count: straight + waited,
      sum: hasWaits ? memory.doubles[at + (Histogram.Sum >> 1)]! / 1e6 : 0,
    };
  }
}

type Values = (series: BalancerSeries) => readonly (readonly [labels: string, value: number])[];

/** Loops have the same endpoints, each its own queue. */
const FAMILIES: readonly (readonly [string, "counter" | "gauge", "sum" | "maximum", string, Values])[] = [
  ["endpoints", "gauge", "maximum", "The number of endpoints in the balancer", ({ state }) => {
    const { ready, pending } = state();
    return [['endpoint_state="ready"', ready], ['endpoint_state="pending"', pending]];
  }],
  ["p2c_endpoints", "gauge", "maximum", "The number of endpoints that are chosen from", ({ state }) => {
    const { ready, pending } = state();
    return [["", ready + pending]];
  }],
  ["p2c_updates_total", "counter", "sum", "Changes of the endpoints by discovery", ({ state }) => {
    const { added, removed, reset } = state();
    return [['op="Add"', added], ['op="Remove"', removed], ['op="Reset"', reset]];
  }],
  [
    "queue_length",
    "gauge",
    "sum",
    "Requests or connections that wait for an endpoint",
    ({ queued }) => [["", queued]],
  ],
  [
    "queue_requests_total",
    "counter",
    "sum",
    "Requests or connections to the balancer",
    ({ requests }) => [["", requests]],
  ],
  [
    "queue_gate_open_total",
    "counter",
    "sum",
    "Times that requests were let through again",
    ({ opened }) => [["", opened]],
  ],
  [
    "queue_gate_shut_total",
    "counter",
    "sum",
    "Times that no endpoint became ready in time",
    ({ shut }) => [["", shut]],
  ],
  ["queue_gate_open_time_seconds", "gauge", "maximum", "When requests were let through again last", (
    { openedAt },
  ) => [["", openedAt]]],
  ["queue_gate_shut_time_seconds", "gauge", "maximum", "When requests began to be refused last", (
    { shutAt },
  ) => [["", shutAt]]],
  ["queue_gate_timeout_seconds", "gauge", "maximum", "How long a request may wait for an endpoint", (
    { failfastMs },
  ) => [["", failfastMs / 1000]]],
];

/** All that the balancers of one loop tell. */
export function* balancerRows(all: Iterable<BalancerSeries>, arena: Arena): Generator<Row> {
  for (const protocol of PROTOCOLS) {
    const series = [...all].filter((one) => one.protocol === protocol);
    if (series.length > 0) yield* rowsOfProtocol(`outbound_${protocol}_balancer_`, series, arena);
  }
}

function* rowsOfProtocol(
  prefix: string,
  series: readonly BalancerSeries[],
  arena: Arena,
): Generator<Row> {
  for (const [name, type, merge, help, values] of FAMILIES) {
    yield { kind: "family", name: prefix + name, type, help, merge };
    for (const one of series) {
      for (const [labels, value] of values(one)) {
        yield { kind: "value", labels: join(one.labels, labels), value };
      }
    }
  }
  const name = `${prefix}queue_latency_seconds`, help = "How long requests waited for an endpoint";
  yield family(name, "histogram", help, QUEUE_BOUNDS);
  for (const one of series) yield one.waits(arena);
}
