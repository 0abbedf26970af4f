/** Plain tables as `linkerd stat` and kubectl print them, and JSON that two runs print alike. */

export interface Column<Row> {
  readonly title: string;
  readonly align?: "left" | "right";
  /** What stands in the cell; `-` is printed for undefined. */
  value(row: Row): string | number | undefined;
}

const GAP = "   ";

/** Terminal columns a text takes; the mesh prints nothing wider than one column a code point. */
function widthOf(text: string): number {
  return [...text].length;
}

/** Lines without trailing blanks, columns as wide as their widest cell. Empty when there are no rows and no header. */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: { header?: boolean } = {},
): string {
  const cells = rows.map((row) => columns.map((column) => String(column.value(row) ?? "-")));
  if (options.header !== false) cells.unshift(columns.map((column) => column.title));
  const widths = columns.map((_, index) => Math.max(0, ...cells.map((line) => widthOf(line[index]!))));
  return cells.map((line) =>
    line.map((cell, index) => {
      const padding = " ".repeat(widths[index]! - widthOf(cell));
      return columns[index]!.align === "right" ? padding + cell : cell + padding;
    }).join(GAP).trimEnd() + "\n"
  ).join("");
}

/** Indented JSON with a final line feed; bigints as numbers, keys in the order of the objects. */
export function formatJson(value: unknown): string {
  return JSON.stringify(value, (_key, item) => typeof item === "bigint" ? Number(item) : item, 2) + "\n";
}

/** 0.987 → `98.70%`; undefined where nothing was counted. */
export function formatRate(rate: number | undefined): string | undefined {
  return rate === undefined ? undefined : `${(rate * 100).toFixed(2)}%`;
}

/** Requests per second, as Linkerd prints them: `3.2rps`. */
export function formatRps(rps: number | undefined): string | undefined {
  return rps === undefined ? undefined : `${rps.toFixed(1)}rps`;
}

/** Whole milliseconds: `12ms`. */
export function formatLatency(milliseconds: number | undefined): string | undefined {
  return milliseconds === undefined ? undefined : `${Math.round(milliseconds)}ms`;
}

/** Bytes each second in the unit that keeps the number short: `1.5kB/s`. */
export function formatByteRate(bytesPerSecond: number | undefined): string | undefined {
  if (bytesPerSecond === undefined) return undefined;
  let value = bytesPerSecond;
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (value < 1000 || unit === "GB") return `${value.toFixed(1)}${unit}/s`;
    value /= 1000;
  }
  return undefined;
}
