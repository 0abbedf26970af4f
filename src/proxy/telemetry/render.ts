/**
 * The text of /metrics, a slice at a time, so that a large scrape can be made and written between turns of the loop and
 * never shows in a request's latency.
 * Source: the Prometheus exposition format 0.0.4.
 */
import type { FamilyRow, HistogramRow, Row } from "./rows.ts";
import { TextBuffer } from "./text_buffer.ts";

/** A slice ends with the row that makes it so long, or with so many rows. */
export const ROWS_PER_SLICE = 32, BYTES_PER_SLICE = 4096;

function addLine(text: TextBuffer, name: string, suffix: string, labels: string, value: number): void {
  text.add(name).add(suffix);
  if (labels !== "") text.add("{").add(labels).add("}");
  text.add(" ").addNumber(value).add("\n");
}

function addHistogram(text: TextBuffer, { name, bounds }: FamilyRow, row: HistogramRow): void {
  const { labels, below, count, sum } = row, from = text.length;
  text.add(name).add("_bucket{").add(labels).add(labels === "" ? 'le="' : ',le="');
  const to = text.length;
  for (const [index, bound] of bounds!.entries()) {
    if (index > 0) text.repeat(from, to);
    text.addNumber(bound).add('"} ').addNumber(below[index]!).add("\n");
  }
  if (bounds!.length > 0) text.repeat(from, to);
  text.add('+Inf"} ').addNumber(count).add("\n");
  // Milliseconds are counted in whole ones; seconds to the microsecond.
  const told = name.endsWith("_seconds") ? Number(sum.toFixed(6)) : Math.round(sum);
  addLine(text, name, "_sum", labels, told);
  addLine(text, name, "_count", labels, count);
}

/** The text of rows. What is yielded holds until the next is asked for. */
export function* renderRows(rows: Iterable<Row>): Generator<Uint8Array> {
  const text = new TextBuffer();
  let family: FamilyRow | undefined, count = 0;
  for (const row of rows) {
    if (row.kind === "family") {
      family = row;
      text.add("# HELP ").add(row.name).add(" ").add(row.help).add("\n# TYPE ").add(row.name).add(" ");
      text.add(row.type).add("\n");
    } else if (row.kind === "value") addLine(text, family!.name, "", row.labels, row.value);
    else addHistogram(text, family!, row);
    if (++count < ROWS_PER_SLICE && text.length < BYTES_PER_SLICE) continue;
    yield text.bytes.subarray(0, text.length);
    text.length = count = 0;
  }
  if (text.length > 0) yield text.bytes.subarray(0, text.length);
}
