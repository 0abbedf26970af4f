/**
 * The text of /metrics. A generator of pieces, so that a large scrape can be written in slices between turns of the
 * loop and never shows in a request's latency.
 * Source: the Prometheus exposition format 0.0.4.
 */
import type { Arena } from "../worker/arena.ts";
import { type FamilyRow, type HistogramRow, type Row, rowsOf } from "./rows.ts";
import type { Telemetry } from "./telemetry.ts";

function line(name: string, labels: string, value: number): string {
  return labels === "" ? `${name} ${value}\n` : `${name}{${labels}} ${value}\n`;
}

function histogram({ name, bounds }: FamilyRow, { labels, below, count, sum }: HistogramRow): string {
  const before = labels === "" ? "" : `${labels},`;
  let text = "";
  for (const [index, bound] of bounds!.entries()) {
    text += line(`${name}_bucket`, `${before}le="${bound}"`, below[index]!);
  }
  text += line(`${name}_bucket`, `${before}le="+Inf"`, count);
  // Milliseconds are counted in whole ones; seconds to the microsecond.
  const told = name.endsWith("_seconds") ? Number(sum.toFixed(6)) : Math.round(sum);
  return text + line(`${name}_sum`, labels, told) + line(`${name}_count`, labels, count);
}

/** The text of rows, a piece for each. */
export function* renderRows(rows: Iterable<Row>): Generator<string> {
  let family: FamilyRow | undefined;
  for (const row of rows) {
    if (row.kind === "family") {
      family = row;
      yield `# HELP ${row.name} ${row.help}\n# TYPE ${row.name} ${row.type}\n`;
    } else yield row.kind === "value" ? line(family!.name, row.labels, row.value) : histogram(family!, row);
  }
}

/** All metrics of a proxy of one loop. */
export function renderMetrics(telemetry: Telemetry, arena: Arena): Generator<string> {
  return renderRows(rowsOf(telemetry, arena));
}
