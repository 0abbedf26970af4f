/** Curves between boxes, and where their labels stand. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** From its top left corner. */
export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

export interface Curve {
  /** As SVG has it. */
  readonly path: string;
  /** Points on it, from its start to its end. */
  readonly samples: readonly Point[];
}

const SAMPLES = 16;

/**
 * A curve through all points that never swings past one, and is level at both ends.
 *
 * Source: Steffen, "A simple method for monotonic interpolation in one dimension" (1990).
 */
export function flow(points: readonly Point[]): Curve {
  const rise = (from: Point, to: Point) => (to.y - from.y) / (to.x - from.x || 1);
  const slopes = points.map((point, index) => {
    const [before, after] = [points[index - 1], points[index + 1]];
    if (before === undefined || after === undefined) return 0;
    const [left, right] = [rise(before, point), rise(point, after)];
    if (left * right <= 0) return 0;
    const mean = (left * (after.x - point.x) + right * (point.x - before.x)) / (after.x - before.x || 1);
    return Math.sign(left) * Math.min(2 * Math.abs(left), 2 * Math.abs(right), Math.abs(mean));
  });
  const at = ({ x, y }: Point) => `${round(x)},${round(y)}`;
  const first = points[0]!;
  let path = `M${at(first)}`;
  const samples: Point[] = [first];
  for (const [index, end] of points.entries()) {
    const start = points[index - 1];
    if (start === undefined) continue;
    const reach = (end.x - start.x) / (points.length === 2 ? 2 : 3);
    const leave = { x: start.x + reach, y: start.y + slopes[index - 1]! * reach };
    const arrive = { x: end.x - reach, y: end.y - slopes[index]! * reach };
    path += `C${at(leave)} ${at(arrive)} ${at(end)}`;
    for (let step = 1; step <= SAMPLES; step++) {
      samples.push(cubic(start, leave, arrive, end, step / SAMPLES));
    }
  }
  return { path, samples };
}

function cubic(a: Point, b: Point, c: Point, d: Point, t: number): Point {
  const s = 1 - t;
  const mix = (p: number, q: number, r: number, u: number) =>
    s * s * s * p + 3 * s * s * t * q + 3 * s * t * t * r + t * t * t * u;
  return { x: mix(a.x, b.x, c.x, d.x), y: mix(a.y, b.y, c.y, d.y) };
}

const MARGIN = 8;

/** Whether a curve comes nearer to one of the boxes than is well to read. */
export function touches(samples: readonly Point[], boxes: readonly Box[]): boolean {
  return boxes.some((box) =>
    samples.some(({ x, y }) =>
      x > box.x - MARGIN && x < box.x + box.width + MARGIN && y > box.y - MARGIN &&
      y < box.y + box.height + MARGIN
    )
  );
}

const LABEL = { width: 52, height: 18 };

/** Where a label stands on its curve: as near to the middle as others leave room. */
export function placeLabel(samples: readonly Point[], others: readonly Box[]): Box {
  const last = samples.length - 1;
  const middle = Math.round(last / 2);
  const boxAt = (index: number): Box => {
    const { x, y } = samples[index]!;
    return { x: x - LABEL.width / 2, y: y - LABEL.height / 2, ...LABEL };
  };
  for (let away = 0; away < last * 0.3; away++) {
    for (const index of [middle + away, middle - away]) {
      const box = boxAt(index);
      if (!others.some((other) => overlap(box, other))) return box;
    }
  }
  return boxAt(middle);
}

function overlap(one: Box, other: Box): boolean {
  return one.x < other.x + other.width && other.x < one.x + one.width && one.y < other.y + other.height &&
    other.y < one.y + one.height;
}

/** To a tenth of a pixel: more would only make the page longer. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
