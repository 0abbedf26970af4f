/** A chart over time: an SVG as the server makes it, a uPlot with a cursor once it is alive. */
import { useState } from "preact/hooks";
import { type ChartSpec, chartText, lastOf } from "./chart_lines.ts";
import { usePlot } from "./use_plot.ts";

export function ChartFigure({ spec }: { spec: ChartSpec }) {
  const [pointed, setPointed] = useState<number | null>(null);
  const { container, isDrawn } = usePlot(spec, setPointed);
  return (
    <figure class="card chart">
      <figcaption>
        <h2>{spec.title}</h2>
        <ul>
          {spec.lines.map((line) => {
            const value = pointed === null ? lastOf(line) : line.values[pointed];
            return (
              <li key={line.label}>
                <i class={`swatch ${line.color}`} />
                {spec.lines.length > 1 && `${line.label} `}
                <b>{value === undefined || value === null ? "–" : spec.text(value)}</b>
              </li>
            );
          })}
        </ul>
      </figcaption>
      <div class="plot" role="img" aria-label={chartText(spec)}>
        {!isDrawn && <StillChart spec={spec} />}
        <div ref={container} />
      </div>
    </figure>
  );
}

const WIDTH = 600, HEIGHT = 100;

/** What is seen without scripts; its shape fills whatever room there is. */
function StillChart({ spec }: { spec: ChartSpec }) {
  const { at, span, lines, range: [low, high] } = spec;
  const first = (at.at(-1) ?? 0) - span;
  const x = (index: number) => (((at[index]! - first) / span) * WIDTH).toFixed(1);
  const y = (value: number) => (HEIGHT - ((value - low) / (high - low)) * HEIGHT).toFixed(1);
  return (
    <div class="still">
      <span class="high">{spec.tick(high)}</span>
      <span class="low">{spec.tick(low)}</span>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {lines.map((line) => {
          let isDown = false;
          const path = line.values.map((value, index) => {
            const command = value === null ? "" : `${isDown ? "L" : "M"}${x(index)},${y(value)}`;
            isDown = value !== null;
            return command;
          }).join("");
          return <path key={line.label} class={`line ${line.color}`} d={path} />;
        })}
      </svg>
    </div>
  );
}
