/**
 * The rows of several loops as those of one: counters and histograms are added, label by label. What is added is what
 * each loop counted, bucket by bucket, so the sum is exact; nothing is estimated from quantiles.
 */
import type { FamilyRow, HistogramRow, Row, ValueRow } from "./rows.ts";

type Sample = ValueRow | HistogramRow;

function merged(family: FamilyRow, a: Sample, b: Sample): Sample {
  if (a.kind === "histogram" && b.kind === "histogram") {
    return {
      kind: "histogram",
      labels: a.labels,
      below: a.below.map((count, index) => count + b.below[index]!),
      count: a.count + b.count,
      sum: a.sum + b.sum,
    };
  }
  if (a.kind !== "value" || b.kind !== "value") throw new TypeError(`${family.name}: two kinds of values`);
  const value = family.merge === "sum" ? a.value + b.value : Math.max(a.value, b.value);
  return { kind: "value", labels: a.labels, value };
}

export class MergedRows {
  readonly #families = new Map<string, { readonly head: FamilyRow; readonly samples: Map<string, Sample> }>();

  /** Adds the rows of one loop, one at a time: a step of the generator is a row. */
  *add(rows: Iterable<Row>): Generator<void> {
    let family: { readonly head: FamilyRow; readonly samples: Map<string, Sample> } | undefined;
    for (const row of rows) {
      if (row.kind === "family") {
        family = this.#families.get(row.name);
        if (family === undefined) this.#families.set(row.name, family = { head: row, samples: new Map() });
      } else {
        const { head, samples } = family!, known = samples.get(row.labels);
        samples.set(row.labels, known === undefined ? row : merged(head, known, row));
      }
      yield;
    }
  }

  *rows(): Generator<Row> {
    for (const { head, samples } of this.#families.values()) {
      yield head;
      yield* samples.values();
    }
  }

  /** What a loop that is gone leaves behind: its counts stay, its present state (gauges) does not. */
  *lasting(): Generator<Row> {
    for (const { head, samples } of this.#families.values()) {
      if (head.type === "gauge") continue;
      yield head;
      yield* samples.values();
    }
  }
}
