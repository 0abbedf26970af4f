/** A resource's figures over time, for graphs. */
import type { SeriesPoint, SeriesQuery, SeriesResponse } from "../../../mesh/api.ts";
import { parseWindow } from "../../../mesh/duration.ts";
import { badRequest, type StatisticsContext, windowOf } from "./context.ts";
import { allOf, columns, type Condition, requestStats, type Row, tcpStats } from "./rows.ts";

/** A step that is made of whole steps of what is kept: of seconds for 5 minutes, of ten for an hour, of minutes beyond. */
function wholeSteps(atLeastMs: number, windowMs: number): number {
  const unit = windowMs > 3_600_000 ? 60_000 : windowMs > 300_000 ? 10_000 : 1_000;
  return Math.ceil(atLeastMs / unit) * unit;
}

/** Points of equal distance, oldest first. */
export function series(context: StatisticsContext, query: SeriesQuery): SeriesResponse {
  const windowMs = windowOf(context, query.window, "10m");
  const finest = Math.max(1_000, context.intervalMs);
  const chosen = query.step === undefined
    ? wholeSteps(Math.max(finest, windowMs / 120), windowMs)
    : parseWindow(query.step) ?? 0;
  if (chosen < 1_000 || windowMs / chosen > 2_000) {
    throw badRequest("step-invalid", `a step of ${query.step} does not suit a window of ${query.window}`);
  }
  const stepMs = Math.ceil(chosen / 1000) * 1000;
  const direction = query.kind === "service" || query.kind === "authority"
    ? "outbound"
    : query.direction ?? "inbound";
  const own = columns(query.kind, "own");
  const until = Math.floor(context.now() / stepMs) * stepMs;
  const from = until - Math.floor(windowMs / stepMs) * stepMs;
  const conditions: Condition[] = [
    { sql: "f.direction = ?", parameters: [direction] },
    own.condition,
    { sql: `${own.name} = ?`, parameters: [query.name] },
  ];
  if (query.namespace !== undefined && query.namespace !== "" && query.kind !== "namespace") {
    conditions.push({ sql: `${own.namespace} = ?`, parameters: [query.namespace] });
  }
  const rows = context.store.sum({ from, until, stepMs }, {
    select: `((s.at + ${stepMs} - 1) / ${stepMs}) * ${stepMs} AS step, f.kind AS flowKind`,
    ...allOf(conditions),
    group: "step, flowKind",
  });
  const steps = new Map<number, { http?: Row; tcp?: Row }>();
  for (const row of rows) {
    const step = steps.get(Number(row.step)) ?? {};
    step[row.flowKind === "http" ? "http" : "tcp"] = row;
    steps.set(Number(row.step), step);
  }
  const open = context.store.openConnections({ from, until, stepMs }, allOf(conditions));
  const points: SeriesPoint[] = [];
  const first = Math.max(from, Math.floor(context.scraper.startedAt / stepMs) * stepMs);
  for (let at = first + stepMs; at <= until; at += stepMs) {
    const step = steps.get(at);
    points.push({
      at,
      requests: requestStats(step?.http, stepMs / 1000),
      tcp: tcpStats(step?.tcp, open.get(at) ?? 0, stepMs / 1000),
    });
  }
  return {
    resource: { kind: query.kind, namespace: query.namespace ?? "", name: query.name },
    stepMs,
    points,
  };
}
