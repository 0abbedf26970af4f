/**
 * One pod's counters between scrapes: turns cumulative series into increments per flow.
 *
 * A counter that went down belongs to a proxy that started anew: all it shows is new. What a proxy had counted before
 * this component first saw it belongs to its totals, and to the window only when the proxy itself is younger than that.
 */
import { ExpositionReader, parseSeriesKey } from "./exposition.ts";
import type { ScrapedPod } from "./flow.ts";
import type { Ledger } from "./ledger.ts";
import type { FlowSample } from "./store.ts";

/** More flows than this of one pod and ledger are counted together, without the labels a client can make up. */
const MAX_FLOWS = 1_000;
const START_TIME = "process_start_time_seconds";

/** What a series counts as in one ledger. */
interface Entry {
  readonly page: Page;
  readonly flow: number;
  readonly field: string | number;
  /** Equal for the buckets of one histogram. */
  readonly histogram: number;
}

interface Series {
  readonly entries: readonly Entry[];
  last: number;
}

/** The pod's part of a ledger. */
class Page {
  readonly flows = new Set<number>();
  samples = new Map<number, FlowSample<string>>();
  /** Cumulative buckets of one series come in order: each one's increment less that of the one before. */
  before = { histogram: -1, increment: 0 };

  constructor(readonly ledger: Ledger) {}

  sampleOf(flow: number): FlowSample<string> {
    let entry = this.samples.get(flow);
    if (entry === undefined) {
      entry = { flow, sample: this.ledger.emptySample(), success: 0, failure: 0 };
      this.samples.set(flow, entry);
    }
    return entry;
  }

  /** A series of a histogram has grown by `increment` at or below its bound. @returns by how much within its bucket */
  within(histogram: number, increment: number): number {
    const own = histogram === this.before.histogram ? increment - this.before.increment : increment;
    this.before = { histogram, increment };
    return own;
  }

  close(at: number): void {
    this.ledger.add(at, this.samples.values());
    this.samples = new Map();
    this.before = { histogram: -1, increment: 0 };
  }
}

export class PodCounters {
  readonly #pages: readonly Page[];
  readonly #pod: ScrapedPod;
  readonly #series = new Map<string, Series | undefined>();
  readonly #histograms = new Map<string, number>();
  readonly #reader: ExpositionReader;
  #startedAt: number | undefined;
  #lastScrapeAt: number | undefined;

  constructor(ledgers: readonly Ledger[], pod: ScrapedPod) {
    this.#pages = ledgers.map((ledger) => new Page(ledger));
    this.#pod = pod;
    const wanted = new Set([START_TIME, ...ledgers.flatMap((ledger) => [...ledger.wanted])]);
    this.#reader = new ExpositionReader((name) => wanted.has(name));
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
    for (const [key, value] of found) {
      const series = this.#seriesOf(key);
      if (series === undefined) continue;
      const increment = value >= series.last ? value - series.last : value;
      series.last = value;
      for (const entry of series.entries) count(entry, value, increment, isYoung);
    }
    this.#lastScrapeAt = at;
    for (const page of this.#pages) page.close(at);
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
    const { name, labels } = parseSeriesKey(key), entries: Entry[] = [];
    for (const page of this.#pages) {
      if (!page.ledger.wanted.has(name)) continue;
      const place = page.ledger.place(name, labels, this.#pod, page.flows.size >= MAX_FLOWS);
      if (place === undefined) continue;
      page.flows.add(place.flow);
      const histogram = typeof place.field === "number" ? this.#histogramOf(key) : -1;
      entries.push({ page, histogram, ...place });
    }
    return entries.length === 0 ? undefined : { entries, last: 0 };
  }
}

/** Counts what a series has grown by, or has, where it belongs. */
function count({ page, flow, field, histogram }: Entry, value: number, increment: number, isYoung: boolean) {
  const entry = page.sampleOf(flow), { counts, latency } = entry.sample;
  if (typeof field === "number") {
    const own = page.within(histogram, increment);
    if (isYoung) latency[field]! += own;
    return;
  }
  if (field === page.ledger.gauge) {
    counts[field]! += value;
    return;
  }
  if (field === "success" || field === "failure") entry[field] += increment;
  if (isYoung) counts[field]! += increment;
}
