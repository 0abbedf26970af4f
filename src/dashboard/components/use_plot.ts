/** A uPlot in an element: made once the library is there, in the colours of the style sheet, and kept up to date. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { RefObject } from "preact";
import type uPlot from "uplot";
import type { ChartSpec } from "./chart_lines.ts";

export const PLOT_HEIGHT = 164;

/** @param onPoint told which point the cursor is at; null when it leaves */
export function usePlot(
  spec: ChartSpec,
  onPoint: (index: number | null) => void,
): { container: RefObject<HTMLDivElement>; isDrawn: boolean } {
  const container = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const latest = useRef(spec);
  latest.current = spec;
  const [isDrawn, setDrawn] = useState(false);
  useEffect(() => {
    const element = container.current;
    if (element === null) return;
    let isGone = false;
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const draw = async () => {
      const { default: Plot } = await import("uplot");
      if (isGone) return;
      plot.current?.destroy();
      const options = optionsOf(latest, widthOf(element), onPoint);
      plot.current = new Plot(options, dataOf(latest.current), element);
      setDrawn(true);
    };
    const resized = new ResizeObserver(() => {
      plot.current?.setSize({ width: widthOf(element), height: PLOT_HEIGHT });
    });
    draw();
    resized.observe(element.parentElement!);
    scheme.addEventListener("change", draw);
    return () => {
      isGone = true;
      resized.disconnect();
      scheme.removeEventListener("change", draw);
      plot.current?.destroy();
    };
  }, [spec.key]);
  useEffect(() => {
    plot.current?.setData(dataOf(spec));
  }, [spec]);
  return { container, isDrawn };
}

function widthOf(element: HTMLElement): number {
  return Math.max(120, Math.floor(element.parentElement!.clientWidth));
}

function dataOf(spec: ChartSpec): uPlot.AlignedData {
  return [spec.at, ...spec.lines.map((line) => line.values)] as uPlot.AlignedData;
}

function timeRange({ at, span }: ChartSpec): [number, number] {
  const until = at.at(-1) ?? Date.now() / 1000;
  return [until - span, until];
}

/** Hours and minutes in the reader's own time zone. */
function clock(seconds: number): string {
  const time = new Date(seconds * 1000);
  return [time.getHours(), time.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
}

/** @param latest the spec of now: scales and texts follow it without a new plot */
function optionsOf(
  latest: { readonly current: ChartSpec },
  width: number,
  onPoint: (index: number | null) => void,
): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const grid = { stroke: color("--grid"), width: 1 };
  const font = `11px ${style.getPropertyValue("font-family")}`;
  const axis = { stroke: color("--muted"), font, grid, ticks: { show: false } };
  return {
    width,
    height: PLOT_HEIGHT,
    padding: [8, 14, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { setScale: false, x: false, y: false },
      sync: { key: "time" },
      points: { size: 7 },
    },
    scales: {
      x: { range: () => timeRange(latest.current) },
      y: { range: () => [...latest.current.range] as [number, number] },
    },
    axes: [
      {
        ...axis,
        size: 24,
        space: 70,
        values: (_plot, ticks) => ticks.map((tick) => clock(tick)),
      },
      {
        ...axis,
        size: 58,
        gap: 6,
        space: 34,
        values: (_plot, ticks) => ticks.map((tick) => latest.current.tick(tick)),
      },
    ],
    series: [
      {},
      ...latest.current.lines.map((line): uPlot.Series => ({
        label: line.label,
        stroke: color(`--line-${line.color}`),
        width: 1.6,
        points: { show: false },
        ...(latest.current.isFilled ? { fill: color(`--fill-${line.color}`) } : {}),
      })),
    ],
    hooks: {
      setCursor: [(plot) => onPoint(plot.cursor.idx ?? null)],
    },
  };
}
