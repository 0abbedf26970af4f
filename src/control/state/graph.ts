/**
 * Values derived from what is watched, recomputed when what they read has changed.
 *
 * A computation notes what it reads by itself, so that nobody lists dependencies by hand and forgets one. Changes are
 * gathered for a turn of the event loop: a Deployment of ten pods that appears costs one recomputation, not thirty.
 * Results that are the same as before go no further.
 */
import type { Watched } from "../grpc/watched.ts";

/** A key in a collection, or a derived value that others read. */
export type Topic = string | Derived<unknown>;

export class Graph {
  readonly #readers = new Map<Topic, Set<Derived<unknown>>>();
  readonly #dirty = new Set<Derived<unknown>>();
  #reading: Set<Topic> | undefined;
  #isScheduled = false;

  /** Notes that the computation running now depends on `topic`; does nothing outside of one. */
  read(topic: Topic): void {
    this.#reading?.add(topic);
  }

  /** Marks whatever read `topic` for recomputation. */
  touch(topic: Topic): void {
    const readers = this.#readers.get(topic);
    if (readers === undefined) return;
    for (const reader of readers) this.#dirty.add(reader);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setTimeout(() => this.flush(), 0);
  }

  /** Recomputes what is marked, now. */
  flush(): void {
    this.#isScheduled = false;
    while (this.#dirty.size > 0) {
      const batch = [...this.#dirty];
      this.#dirty.clear();
      for (const derived of batch) derived.refresh();
    }
  }

  /**
   * @param compute a pure function of what it reads through collections and other derived values of this graph
   * @param isSame results that are the same are not announced
   */
  derive<T>(
    compute: (previous: T | undefined) => T,
    options: { isSame?: (before: T, after: T) => boolean; onIdle?: () => void } = {},
  ): Derived<T> {
    return new Derived(this, compute, options.isSame ?? Object.is, options.onIdle);
  }

  /** Runs `compute` and returns what it read beside its result. */
  observe<T>(compute: () => T): { value: T; topics: Set<Topic> } {
    const outer = this.#reading;
    const topics = this.#reading = new Set<Topic>();
    try {
      return { value: compute(), topics };
    } finally {
      this.#reading = outer;
    }
  }

  /** Moves a reader from the topics it read before to those it reads now. */
  rewire(reader: Derived<unknown>, before: ReadonlySet<Topic>, after: ReadonlySet<Topic>): void {
    for (const topic of before) {
      if (after.has(topic)) continue;
      const readers = this.#readers.get(topic);
      readers?.delete(reader);
      if (readers?.size !== 0) continue;
      this.#readers.delete(topic);
      if (topic instanceof Derived) topic.sleepIfUnused();
    }
    for (const topic of after) {
      if (before.has(topic)) continue;
      let readers = this.#readers.get(topic);
      if (readers === undefined) this.#readers.set(topic, readers = new Set());
      readers.add(reader);
    }
  }

  forget(reader: Derived<unknown>): void {
    this.#dirty.delete(reader);
  }

  get isReading(): boolean {
    return this.#reading !== undefined;
  }

  hasReaders(topic: Topic): boolean {
    return this.#readers.has(topic);
  }
}

const NOTHING: ReadonlySet<Topic> = new Set();

/** Computed while somebody listens or reads; asleep otherwise, without a place in the graph. */
export class Derived<T> implements Watched<T> {
  readonly #graph: Graph;
  readonly #compute: (previous: T | undefined) => T;
  readonly #isSame: (before: T, after: T) => boolean;
  readonly #onIdle: (() => void) | undefined;
  readonly #listeners = new Set<() => void>();
  #topics: ReadonlySet<Topic> = NOTHING;
  #value: T | undefined;
  #isAwake = false;

  constructor(
    graph: Graph,
    compute: (previous: T | undefined) => T,
    isSame: (before: T, after: T) => boolean,
    onIdle: (() => void) | undefined,
  ) {
    this.#graph = graph;
    this.#compute = compute;
    this.#isSame = isSame;
    this.#onIdle = onIdle;
  }

  get value(): T {
    this.#graph.read(this as Derived<unknown>);
    if (!this.#isAwake) this.#run();
    const value = this.#value!;
    if (!this.#graph.isReading) this.sleepIfUnused();
    return value;
  }

  subscribe(listener: () => void): () => void {
    if (!this.#isAwake) this.#run();
    this.#listeners.add(listener);
    return () => {
      if (this.#listeners.delete(listener)) this.sleepIfUnused();
    };
  }

  /** Called by the graph. A computation that fails leaves the value there was. */
  refresh(): void {
    if (!this.#isAwake) return;
    const before = this.#value!;
    try {
      this.#run();
    } catch (error) {
      console.error(`recomputation failed: ${error instanceof Error ? error.stack : error}`);
      return;
    }
    if (this.#value === before) return;
    this.#graph.touch(this as Derived<unknown>);
    for (const listener of [...this.#listeners]) listener();
  }

  /** Called by the graph when a reader has gone. */
  sleepIfUnused(): void {
    if (!this.#isAwake || this.#listeners.size > 0 || this.#graph.hasReaders(this as Derived<unknown>)) {
      return;
    }
    this.#isAwake = false;
    this.#value = undefined;
    this.#graph.forget(this as Derived<unknown>);
    const topics = this.#topics;
    this.#topics = NOTHING;
    this.#graph.rewire(this as Derived<unknown>, topics, NOTHING);
    this.#onIdle?.();
  }

  #run(): void {
    const before = this.#value;
    let observed;
    try {
      observed = this.#graph.observe(() => this.#compute(before));
    } catch (error) {
      if (!this.#isAwake) this.#onIdle?.();
      throw error;
    }
    const { value, topics } = observed;
    this.#graph.rewire(this as Derived<unknown>, this.#topics, topics);
    this.#topics = topics;
    this.#value = before !== undefined && this.#isSame(before, value) ? before : value;
    this.#isAwake = true;
  }
}

/** Derived values by key, each made on first use and dropped with its last listener. */
export class DerivedMap<T> {
  readonly #entries = new Map<string, Derived<T>>();

  get size(): number {
    return this.#entries.size;
  }

  get(key: string, make: (onIdle: () => void) => Derived<T>): Derived<T> {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = make(() => this.#entries.delete(key));
      this.#entries.set(key, entry);
    }
    return entry;
  }
}
