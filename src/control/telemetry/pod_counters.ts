/**
 * One pod's counters between scrapes: turns cumulative series into increments per flow.
 *
 * A counter that went down belongs to a proxy that started anew: all it shows is new. What a proxy had counted before
 * this component first saw it belongs to its totals, and to the window only when the proxy itself is younger than that.
 */
import { ExpositionReader, parseSeriesKey } from "./exposition.ts";
import { type FlowDimensions, flowOf, type ScrapedPod } from "./flow.ts";
import { bucketOf } from "./histogram.ts";
import { emptySample, type Sample, type Store } from "./store.ts";

/** More flows than this of one pod are counted together, without the labels a client can make up. */
const MAX_FLOWS = 1_000;

type Field = "success" | "failure" | "opened" | "read" | "written" | "open" | number;

interface Series {
  readonly flow: number;
  readonly field: Field;
  /** Equal for the buckets of one histogram. */
  readonly histogram: number;
  last: number;
}

const TCP_FIELDS: Readonly<Record<string, Field>> = {
  tcp_open_total: "opened",
  tcp_read_bytes_total: "read",
  tcp_write_bytes_total: "written",
  tcp_open_connections: "open",
};
const START_TIME = "process_start_time_seconds";
const WANTED = new Set([
  ...Object.keys(TCP_FIELDS),
  "response_total",
  "response_latency_ms_bucket",
  START_TIME,
]);

export class PodCounters {
  readonly #store: Store;
  readonly #pod: ScrapedPod;
  readonly #series = new Map<string, Series | undefined>();
  readonly #flows = new Set<number>();
  readonly #histograms = new Map<string, number>();
  readonly #reader = new ExpositionReader((name) => WANTED.has(name));
  #startedAt: number | undefined;
  #lastScrapeAt: number | undefined;

  constructor(store: Store, pod: ScrapedPod) {
    this.#store = store;
    this.#pod = pod;
  }

  /**
   * Takes in one scrape.
   *
   * @param at when it was made, in milliseconds
   * @param since what a proxy that is younger than this shows at its first scrape, it counted in our time
   * @param containerStartedAt when the proxy's container started, for proxies that do not say it themselves
   */
  take(text: string, at: number, since: number, containerStartedAt = 0): void {
    // A series that stands twice in one scrape counts as the sum of both.
    const found = new Map<string, number>();
    let startedAt: number | undefined;
    this.#reader.read(text, (key, value) => {
      if (key === START_TIME) startedAt = value * 1000;
      else found.set(key, (found.get(key) ?? 0) + value);
    });
    if (startedAt !== undefined && startedAt !== this.#startedAt) this.#forgetLast();
    this.#startedAt = startedAt ?? this.#startedAt;
    const isFirst = this.#lastScrapeAt === undefined;
    const isYoung = !isFirst || (this.#startedAt ?? containerStartedAt) >= since;
    const samples = new Map<number, { flow: number; sample: Sample; success: number; failure: number }>();
    // Cumulative buckets of one series come in order: each one's increment less that of the one before.
    let before = { histogram: -1, increment: 0 };
    for (const [key, value] of found) {
      const series = this.#seriesOf(key);
      if (series === undefined) continue;
      const entry = entryOf(samples, series.flow);
      if (series.field === "open") {
        entry.sample.open += value;
        continue;
      }
      const increment = value >= series.last ? value - series.last : value;
      series.last = value;
      if (series.field === "success" || series.field === "failure") entry[series.field] += increment;
      if (typeof series.field === "number") {
        const own = series.histogram === before.histogram ? increment - before.increment : increment;
        before = { histogram: series.histogram, increment };
        if (isYoung) entry.sample.latency[series.field]! += own;
      } else if (isYoung) entry.sample[series.field] += increment;
    }
    this.#lastScrapeAt = at;
    this.#store.add(at, samples.values());
  }

  /** The proxy is another process: its counters begin at 0. */
  #forgetLast(): void {
    for (const series of this.#series.values()) if (series !== undefined) series.last = 0;
  }

  #seriesOf(key: string): Series | undefined {
    if (this.#series.has(key)) return this.#series.get(key);
    const series = this.#newSeries(key);
    this.#series.set(key, series);
    return series;
  }

  /** The number of a bucket's histogram: its key without the bound. */
  #histogramOf(key: string): number {
    const base = key.replace(/le="[^"]*"/, "");
    let number = this.#histograms.get(base);
    if (number === undefined) this.#histograms.set(base, number = this.#histograms.size);
    return number;
  }

  #newSeries(key: string): Series | undefined {
    const { name, labels } = parseSeriesKey(key);
    let field: Field | undefined = TCP_FIELDS[name];
    let kind: FlowDimensions["kind"] = "tcp";
    if (name === "response_total") {
      kind = "http";
      field = labels.classification === "failure" ? "failure" : "success";
    } else if (name === "response_latency_ms_bucket") {
      kind = "http";
      field = bucketOf(labels.le ?? "");
    }
    if (field === undefined) return undefined;
    // A proxy counts both halves of what it carries; the half towards its peer is the one asked about.
    if (kind === "tcp" && labels.peer !== (labels.direction === "inbound" ? "src" : "dst")) return undefined;
    let dimensions = flowOf(kind, this.#pod, labels);
    if (dimensions === undefined) return undefined;
    if (this.#flows.size >= MAX_FLOWS) dimensions = { ...dimensions, authority: "", clientId: "" };
    const flow = this.#store.flow(dimensions);
    this.#flows.add(flow);
    return { flow, field, histogram: this.#histogramOf(key), last: 0 };
  }
}

function entryOf(
  samples: Map<number, { flow: number; sample: Sample; success: number; failure: number }>,
  flow: number,
) {
  let entry = samples.get(flow);
  if (entry === undefined) {
    entry = { flow, sample: emptySample(), success: 0, failure: 0 };
    samples.set(flow, entry);
  }
  return entry;
}
