/** Which lines a workload's charts have: its requests, or its connections where it serves none. */
import { bytesText, latencyText, rpsText } from "./figures.tsx";
import type { Chart } from "../model/workload.ts";

export interface Line {
  readonly label: string;
  /** Names the colour: `--line-a` of the style sheet. */
  readonly color: "a" | "b" | "c";
  readonly values: readonly (number | null)[];
}

export interface ChartSpec {
  readonly key: string;
  readonly title: string;
  readonly at: readonly number[];
  /** Of the horizontal axis, in seconds up to the last point. */
  readonly span: number;
  readonly lines: readonly Line[];
  readonly isFilled: boolean;
  /** Of the vertical axis. */
  readonly range: readonly [low: number, high: number];
  /** A value as it is read out. */
  text(value: number): string;
  /** A value at the axis. */
  tick(value: number): string;
}

/** From zero to a little above the highest, so that a line never touches the top. */
function fromZero(lines: readonly Line[], least: number): readonly [number, number] {
  const highest = Math.max(least, ...lines.flatMap((line) => line.values.map((value) => value ?? 0)));
  return [0, niceCeiling(highest * 1.05)];
}

/** The next of 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten: what an axis may end on. */
export function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((one) => one * power >= value * 0.999999) ?? 10;
  return step * power;
}

/** Without a decimal that says nothing. */
function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}

export function chartSpecs(chart: Chart, hasRequests: boolean): readonly ChartSpec[] {
  const { at, span } = chart;
  const count = (value: number) => String(Math.round(value));
  if (!hasRequests) {
    const bytes: Line[] = [
      { label: "read", color: "a", values: chart.readBytesPerSecond },
      { label: "written", color: "b", values: chart.writeBytesPerSecond },
    ];
    const open: Line[] = [{ label: "open", color: "a", values: chart.openConnections }];
    return [
      {
        key: "bytes",
        title: "TCP bytes",
        at,
        span,
        lines: bytes,
        isFilled: false,
        range: fromZero(bytes, 100),
        text: bytesText,
        tick: bytesText,
      },
      {
        key: "open",
        title: "TCP connections",
        at,
        span,
        lines: open,
        isFilled: true,
        range: fromZero(open, 4),
        text: count,
        tick: (value) => Number.isInteger(value) ? String(value) : "",
      },
    ];
  }
  const rps: Line[] = [{ label: "requests/s", color: "a", values: chart.rps }];
  const latency: Line[] = [
    { label: "p50", color: "a", values: chart.latencyP50 },
    { label: "p95", color: "b", values: chart.latencyP95 },
    { label: "p99", color: "c", values: chart.latencyP99 },
  ];
  const lowest = Math.min(100, ...chart.successPercent.filter((value) => value !== null));
  return [
    {
      key: "rps",
      title: "Requests",
      at,
      span,
      lines: rps,
      isFilled: true,
      range: fromZero(rps, 1),
      text: (value) => `${rpsText(value)}/s`,
      tick: (value) => String(tenth(value)),
    },
    {
      key: "success",
      title: "Success rate",
      at,
      span,
      lines: [{ label: "success", color: "b", values: chart.successPercent }],
      isFilled: true,
      range: [lowest >= 90 ? 90 : lowest >= 50 ? 50 : 0, 100],
      text: (value) => `${value === 100 ? "100" : value.toFixed(1)}%`,
      tick: (value) => `${tenth(value)}%`,
    },
    {
      key: "latency",
      title: "Latency",
      at,
      span,
      lines: latency,
      isFilled: false,
      range: fromZero(latency, 1),
      text: latencyText,
      tick: (value) => value < 1000 ? `${tenth(value)} ms` : `${tenth(value / 1000)} s`,
    },
  ];
}

/** The last value of a line that was measured. */
export function lastOf({ values }: Line): number | undefined {
  return values.findLast((value) => value !== null) ?? undefined;
}

/** The chart in words. */
export function chartText(spec: ChartSpec): string {
  const lines = spec.lines.map((line) => {
    const measured = line.values.filter((value) => value !== null);
    if (measured.length === 0) return `${line.label}: not measured`;
    const [low, high, last] = [Math.min(...measured), Math.max(...measured), measured.at(-1)!];
    return `${line.label}: ${spec.text(last)} now, between ${spec.text(low)} and ${spec.text(high)}`;
  });
  return `${spec.title}. ${lines.join("; ")}`;
}
