/** One way to count what proxies tell: which series are wanted, which flow each belongs to, and as what it counts there. */
import type { ScrapedPod } from "./flow.ts";
import type { Dimensions, FlowSample, Sample, Store } from "./store.ts";

export type Labels = Readonly<Record<string, string>>;

/** A counter of the flow, or the number of a latency bucket. */
export interface Place<Flow, Counter extends string> {
  readonly flow: Flow;
  readonly field: Counter | number;
}

export interface Ledger {
  /** Names of metrics. */
  readonly wanted: ReadonlySet<string>;
  /** The counter that is how many there are now. */
  readonly gauge: string | undefined;
  /** @param isCrowded the pod has so many flows that those to come are to be fewer; undefined: not counted */
  place(
    name: string,
    labels: Labels,
    pod: ScrapedPod,
    isCrowded: boolean,
  ): Place<number, string> | undefined;
  emptySample(): Sample<string>;
  add(at: number, samples: Iterable<FlowSample<string>>): void;
  closePod(namespace: string, pod: string): void;
}

/** A ledger that is kept in a store. */
export class StoredLedger<Dimension extends string, Counter extends string> implements Ledger {
  readonly gauge: string | undefined;

  constructor(
    private readonly store: Store<Dimension, Counter>,
    readonly wanted: ReadonlySet<string>,
    private readonly find: (
      name: string,
      labels: Labels,
      pod: ScrapedPod,
      isCrowded: boolean,
    ) => Place<Dimensions<Dimension>, Counter> | undefined,
  ) {
    this.gauge = store.shape.gauge;
  }

  place(
    name: string,
    labels: Labels,
    pod: ScrapedPod,
    isCrowded: boolean,
  ): Place<number, string> | undefined {
    const found = this.find(name, labels, pod, isCrowded);
    return found && { flow: this.store.flow(found.flow), field: found.field };
  }

  emptySample(): Sample<string> {
    return this.store.emptySample();
  }

  /** @param samples as `emptySample` makes them */
  add(at: number, samples: Iterable<FlowSample<Counter>>): void {
    this.store.add(at, samples);
  }

  closePod(namespace: string, pod: string): void {
    this.store.closePod(namespace, pod);
  }
}
