/** What every answer is made from, and how long a time it speaks of. */
import { parseWindow } from "../../../mesh/duration.ts";
import { MeshFailure } from "../../../mesh/error.ts";
import type { Certificates } from "../certificates.ts";
import type { Inventory } from "../inventory.ts";
import type { Scraper } from "../scraper.ts";
import type { FlowStore } from "../flow.ts";
import type { RouteStore } from "../route_flow.ts";

export interface StatisticsContext {
  readonly store: FlowStore;
  readonly routes: RouteStore;
  readonly inventory: Inventory;
  readonly scraper: Scraper;
  readonly certificates: Pick<Certificates, "ends">;
  readonly intervalMs: number;
  readonly retentionMs: number;
  now(): number;
}

const MIN_WINDOW_MS = 10_000;

export function badRequest(code: string, detail: string, remedy?: string): MeshFailure {
  return new MeshFailure({ code, source: "usage", detail, ...(remedy === undefined ? {} : { remedy }) });
}

/** @throws MeshFailure for a window that cannot be answered */
export function windowOf(context: StatisticsContext, text: string | undefined, fallback: string): number {
  const milliseconds = parseWindow(text ?? fallback);
  if (milliseconds === undefined) {
    throw badRequest("window-invalid", `not a time window: ${text}`, "write it like 30s, 5m or 1h");
  }
  if (milliseconds < MIN_WINDOW_MS || milliseconds > context.retentionMs) {
    const kept = `from 10s to ${context.retentionMs / 60_000}m`;
    throw badRequest("window-out-of-range", `figures are kept for windows ${kept}, not for ${text}`);
  }
  return milliseconds;
}

/** The part of a window there can be figures for. */
export function coveredMs(context: StatisticsContext, windowMs: number, at: number): number {
  return Math.max(0, Math.min(windowMs, at - context.scraper.startedAt));
}
