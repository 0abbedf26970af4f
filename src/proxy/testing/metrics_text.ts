/** The text of /metrics as one string, for tests that look into it. */
import { renderRows } from "../telemetry/render.ts";
import { type Row, rowsOf } from "../telemetry/rows.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Arena } from "../worker/arena.ts";

export function rowsText(rows: Iterable<Row>): string {
  const decoder = new TextDecoder();
  let text = "";
  for (const slice of renderRows(rows)) text += decoder.decode(slice, { stream: true });
  return text;
}

export function metricsText(telemetry: Telemetry, arena: Arena): string {
  return rowsText(rowsOf(telemetry, arena));
}
