/**
 * Everything the proxy counts. The request path holds the series objects themselves and adds to their fields; labels
 * are formatted once, when a series is made. Series that idle longer than METRICS_RETAIN_IDLE are forgotten.
 */
import type { ProfileRoute } from "../route/request_rules.ts";
import { Taps } from "../tap/taps.ts";
import type { Arena } from "../worker/arena.ts";
import { Buckets } from "./buckets.ts";
import { type BalancedProtocol, BalancerSeries, type BalancerState } from "./balancer_series.ts";
import { HistogramPool } from "./histogram_pool.ts";
import { HostnameLabels } from "./hostname_labels.ts";
import { HttpSeries } from "./http_series.ts";
import { formatLabels } from "./labels.ts";
import { ProfileSeries } from "./profile_series.ts";
import { type RouteFamily, RouteSeries } from "./route_series.ts";
import type { Merge } from "./rows.ts";
import { profileLabels } from "./target_labels.ts";
import { TcpSeries } from "./tcp_series.ts";

export type Labels = Readonly<Record<string, string | undefined>>;

/** One value of a family; held by whoever adds to it often. */
export interface Value {
  value: number;
}

/** A counter or gauge that is neither per request nor per connection. */
export interface Family {
  readonly help: string;
  readonly type: "counter" | "gauge";
  /** What several loops' values are together. */
  readonly merge: Merge;
  readonly values: Map<string, Value>;
}

/** Histograms of one name. */
export interface BucketFamily {
  readonly help: string;
  readonly bounds: readonly number[];
  readonly values: Map<string, Buckets>;
}

export class Telemetry {
  readonly http = new Map<string, HttpSeries>();
  readonly tcp = new Map<string, TcpSeries>();
  readonly balancers = new Set<BalancerSeries>();
  readonly families = new Map<string, Family>();
  readonly bucketFamilies = new Map<string, BucketFamily>();
  /** As many as there are routes: they are not forgotten. */
  readonly routes = new Map<RouteFamily, Map<string, RouteSeries>>();
  readonly hostnames = new HostnameLabels();
  /** The same of ServiceProfiles' routes. */
  readonly profiles = new Map<string, ProfileSeries>();
  /** What is observed of requests one by one, while somebody asks. */
  readonly taps = new Taps();
  #httpCursor: Iterator<[string, HttpSeries]> | undefined;
  #tcpCursor: Iterator<[string, TcpSeries]> | undefined;

  readonly #histograms: HistogramPool;

  constructor(arena: Arena) {
    this.#histograms = new HistogramPool(arena);
  }

  httpSeries(labels: Labels): HttpSeries {
    const text = formatLabels(labels);
    let series = this.http.get(text);
    if (series === undefined) {
      series = new HttpSeries(text, this.#histograms, (revived) => this.#revive(revived));
      this.http.set(text, series);
    }
    return series;
  }

  /** The series that is told under the labels of a forgotten one: another that was made since, or itself again. */
  #revive(series: HttpSeries): HttpSeries {
    const other = this.http.get(series.labels);
    if (other !== undefined) return other;
    series.isForgotten = false;
    this.http.set(series.labels, series);
    return series;
  }

  /** @param state asked for when the series is told */
  balancerSeries(
    protocol: BalancedProtocol,
    labels: Labels,
    failfastMs: number,
    state: () => BalancerState,
  ): BalancerSeries {
    const series = new BalancerSeries(protocol, formatLabels(labels), this.#histograms, failfastMs, state);
    this.balancers.add(series);
    return series;
  }

  forgetBalancer(series: BalancerSeries): void {
    this.balancers.delete(series);
    series.forget();
  }

  routeSeries(family: RouteFamily, labels: Labels): RouteSeries {
    const text = formatLabels(labels), all = this.routes.get(family) ?? new Map<string, RouteSeries>();
    this.routes.set(family, all);
    let series = all.get(text);
    if (series === undefined) all.set(text, series = new RouteSeries(family));
    return series;
  }

  /** The latest classes of a route's responses are those that they are told by. */
  profileSeries(route: ProfileRoute, direction: "inbound" | "outbound"): ProfileSeries {
    const text = formatLabels(profileLabels(route, direction)), known = this.profiles.get(text);
    if (known !== undefined) known.failures = route.failures;
    const series = known ?? new ProfileSeries(
      route.failures,
      new HttpSeries(text, this.#histograms, (revived) => revived),
      direction === "outbound",
    );
    this.profiles.set(text, series);
    return series;
  }

  tcpSeries(labels: Labels): TcpSeries {
    const text = formatLabels(labels);
    let series = this.tcp.get(text);
    if (series === undefined) this.tcp.set(text, series = new TcpSeries(text));
    return series;
  }

  #family(name: string, help: string, type: Family["type"], merge: Merge): Family {
    let family = this.families.get(name);
    if (family === undefined) this.families.set(name, family = { help, type, merge, values: new Map() });
    return family;
  }

  #value(family: Family, labels: Labels): Value {
    const text = formatLabels(labels);
    let value = family.values.get(text);
    if (value === undefined) family.values.set(text, value = { value: 0 });
    return value;
  }

  /** A counter to add to: look it up once, keep it. */
  counter(name: string, help: string, labels: Labels = {}): Value {
    return this.#value(this.#family(name, help, "counter", "sum"), labels);
  }

  /** A gauge to set. @param merge what it is for the whole proxy, where each loop has a value of its own */
  gauge(name: string, help: string, labels: Labels = {}, merge: Merge = "sum"): Value {
    return this.#value(this.#family(name, help, "gauge", merge), labels);
  }

  /** A histogram with fixed bounds. */
  buckets(name: string, help: string, bounds: readonly number[], labels: Labels = {}): Buckets {
    let family = this.bucketFamilies.get(name);
    if (family === undefined) this.bucketFamilies.set(name, family = { help, bounds, values: new Map() });
    const text = formatLabels(labels);
    let buckets = family.values.get(text);
    if (buckets === undefined) family.values.set(text, buckets = new Buckets(family.bounds));
    return buckets;
  }

  /** The value of a counter or gauge, 0 when there is none; for tests. */
  value(name: string, labels: Labels = {}): number {
    return this.families.get(name)?.values.get(formatLabels(labels))?.value ?? 0;
  }

  /**
   * Forgets series that were unused for `retain` (microseconds), looking at a part of them each time. Open connections
   * keep theirs.
   */
  forgetIdle(now: number, retain: number): void {
    const before = now - retain;
    this.#httpCursor = sweep(
      this.http,
      this.#httpCursor,
      (series) => series.isIdle(now, before),
      (series) => series.forget(),
    );
    this.#tcpCursor = sweep(
      this.tcp,
      this.#tcpCursor,
      (series) => series.open === 0 && series.lastUsed < before,
      (series) => series.isForgotten = true,
    );
  }
}

/** Series looked at in one go: some tens of microseconds. */
const SWEPT_AT_ONCE = 1000;

/** Deletes what is idle among the next entries. @returns where to go on; undefined: from the beginning */
function sweep<Series>(
  all: Map<string, Series>,
  cursor: Iterator<[string, Series]> | undefined,
  isIdle: (series: Series) => boolean,
  forget: (series: Series) => void,
): Iterator<[string, Series]> | undefined {
  const entries = cursor ?? all.entries();
  for (let i = 0; i < SWEPT_AT_ONCE; i++) {
    const next = entries.next();
    if (next.done === true) return undefined;
    const [key, series] = next.value;
    if (!isIdle(series)) continue;
    all.delete(key);
    forget(series);
  }
  return entries;
}
