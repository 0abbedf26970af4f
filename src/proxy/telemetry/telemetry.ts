/**
 * Everything the proxy counts. The request path holds the series objects themselves and adds to their fields; labels
 * are formatted once, when a series is made. Series that idle longer than METRICS_RETAIN_IDLE are forgotten.
 */
import type { Arena } from "../worker/arena.ts";
import { HttpSeries } from "./http_series.ts";
import { formatLabels } from "./labels.ts";
import type { Merge } from "./rows.ts";
import { TcpSeries } from "./tcp_series.ts";

type Labels = Readonly<Record<string, string | undefined>>;

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

export class Telemetry {
  readonly http = new Map<string, HttpSeries>();
  readonly tcp = new Map<string, TcpSeries>();
  readonly families = new Map<string, Family>();

  constructor(private readonly arena: Arena) {}

  httpSeries(labels: Labels): HttpSeries {
    const text = formatLabels(labels);
    let series = this.http.get(text);
    if (series === undefined) this.http.set(text, series = new HttpSeries(text, this.arena));
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

  /** The value of a counter or gauge, 0 when there is none; for tests. */
  value(name: string, labels: Labels = {}): number {
    return this.families.get(name)?.values.get(formatLabels(labels))?.value ?? 0;
  }

  /** Forgets series unused since `before` (microseconds). Open connections keep theirs. */
  forgetIdle(before: number): void {
    for (const [key, series] of this.http) if (series.lastUsed < before) this.http.delete(key);
    for (const [key, series] of this.tcp) {
      if (series.open === 0 && series.lastUsed < before) this.tcp.delete(key);
    }
  }
}
