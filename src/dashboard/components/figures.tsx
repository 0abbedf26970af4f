/** Figures as they stand in tables and tiles: short, aligned, and a dash where nothing was measured. */
import type { ComponentChildren } from "preact";
import type { RequestStats, StatRow } from "../../mesh/api.ts";
import { formatRate } from "../../mesh/table.ts";
import { HEALTH_TITLES, healthOf } from "../model/health.ts";

/** What was not measured. */
export function Nothing() {
  return (
    <span class="nothing">
      <span aria-hidden="true">–</span>
      <span class="sr">not measured</span>
    </span>
  );
}

/** 12,345: `toLocaleString` would load the tables of all languages, 30 ms of a server's start. */
export function countText(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** 0.4, 12.3, 1,400 */
export function rpsText(rps: number): string {
  return rps >= 100 ? countText(rps) : rps.toFixed(1);
}

/** `12 ms`, `0.8 ms`, `1.24 s` */
export function latencyText(milliseconds: number): string {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(2)} s`;
  return `${milliseconds < 1 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
}

/** `1.5 kB/s` */
export function bytesText(bytesPerSecond: number): string {
  let value = bytesPerSecond;
  for (const unit of ["B/s", "kB/s", "MB/s"]) {
    if (value < 1000) {
      return `${unit === "B/s" || value >= 100 ? Math.round(value) : value.toFixed(1)} ${unit}`;
    }
    value /= 1000;
  }
  return `${value.toFixed(1)} GB/s`;
}

/** `99.85%`, and 100 without decimals: only perfection is round. */
export function rateText(rate: number): string {
  return rate === 1 ? "100%" : formatRate(Math.min(rate, 0.9999)) ?? "";
}

export function Success({ requests }: { requests: RequestStats | undefined }) {
  const rate = requests?.successRate;
  if (rate === undefined) return <Nothing />;
  const health = healthOf(requests);
  return <span class={`rate ${health}`} title={HEALTH_TITLES[health]}>{rateText(rate)}</span>;
}

export function Rps({ requests }: { requests: RequestStats | undefined }) {
  return requests?.successRate === undefined ? <Nothing /> : <>{rpsText(requests.rps)}</>;
}

/** @param apartFromMs latencies below are not told apart: a guess is not shown */
export function Latency({ value, apartFromMs = 0 }: { value: number | undefined; apartFromMs?: number }) {
  if (value === undefined) return <Nothing />;
  return value < apartFromMs ? <>&lt;{apartFromMs} ms</> : <>{latencyText(value)}</>;
}

/** The heads of the columns of `RequestCells`, and of those that follow. */
export function RequestHeads({ more = [] }: { more?: readonly string[] }) {
  return (
    <>
      {["Success", "RPS", "P50", "P95", "P99", ...more].map((title) => (
        <th key={title} scope="col" class="figure">{title}</th>
      ))}
    </>
  );
}

/** Success, rate and latencies, a cell each. @param apartFromMs as of `Latency` */
export function RequestCells({ requests, apartFromMs }: { requests: RequestStats; apartFromMs?: number }) {
  const { latencyP50, latencyP95, latencyP99 } = requests;
  return (
    <>
      <td class="figure">
        <Success requests={requests} />
      </td>
      <td class="figure">
        <Rps requests={requests} />
      </td>
      {[latencyP50, latencyP95, latencyP99].map((value, at) => (
        <td key={at} class="figure">
          <Latency value={value} {...(apartFromMs === undefined ? {} : { apartFromMs })} />
        </td>
      ))}
    </>
  );
}

export function Mtls({ requests }: { requests: RequestStats | undefined }) {
  if (requests?.mtls === undefined) return <Nothing />;
  const isWhole = requests.mtls >= 0.99995;
  return (
    <span class={isWhole ? "secure" : "insecure"}>
      <Lock isClosed={isWhole} />
      {isWhole ? "100%" : `${(requests.mtls * 100).toFixed(requests.mtls < 0.1 ? 1 : 0)}%`}
    </span>
  );
}

export function Lock({ isClosed }: { isClosed: boolean }) {
  return (
    <svg class="lock" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
      <path d={isClosed ? "M3.6 5.4V3.8a2.4 2.4 0 0 1 4.8 0v1.6" : "M3.6 5.4V3.4a2.4 2.4 0 0 1 4.7-.7"} />
      <rect x="2.2" y="5.4" width="7.6" height="5.4" rx="1.3" />
    </svg>
  );
}

/** `2/2`, and whether that is all. */
export function Meshed({ row }: { row: Pick<StatRow, "meshedPods" | "runningPods"> }) {
  const { meshedPods: meshed = 0, runningPods: running = 0 } = row;
  if (running === 0) return <span class="nothing">no pods</span>;
  const state = meshed === running ? "whole" : meshed === 0 ? "none" : "part";
  const title = { whole: "all pods are meshed", part: "some pods are not meshed", none: "not meshed" }[state];
  return <span class={`meshed ${state}`} title={title}>{meshed}/{running}</span>;
}

export function Dot({ health, label }: { health: string; label: string }) {
  return <span class={`dot ${health}`} role="img" aria-label={label} title={label} />;
}

/** Words with `code` in backticks. */
export function Prose({ text }: { text: string }) {
  const parts = text.split("`");
  return <>{parts.map((part, at): ComponentChildren => at % 2 === 1 ? <code key={at}>{part}</code> : part)}
  </>;
}

/** The command that prints the same; one click selects it. */
export function Command({ text, label = "In a terminal" }: { text: string; label?: string }) {
  return (
    <p class="command">
      <span>{label}</span>
      <code>{text}</code>
    </p>
  );
}
