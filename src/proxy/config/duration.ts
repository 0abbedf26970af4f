/** Durations and port lists as Linkerd's proxy writes them in its environment (config.md §9). */

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `10s`, `100ms`, `1h`, `365d` or a bare `0`; undefined when it is none of these. */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  const match = /^([0-9]{1,15})(ms|s|m|h|d)$/.exec(text.trim());
  return match === null ? undefined : Number(match[1]) * UNITS[match[2]!]!;
}

/** Inclusive ranges of ports. */
export class PortSet {
  readonly #ranges: readonly (readonly [number, number])[];

  constructor(ranges: readonly (readonly [number, number])[]) {
    this.#ranges = ranges;
  }

  /** Parses `25,587,4000-4010`; undefined when a part is no port or range. */
  static parse(text: string): PortSet | undefined {
    const ranges: [number, number][] = [];
    for (const part of text.split(",").map((piece) => piece.trim()).filter((piece) => piece !== "")) {
      const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(part);
      if (match === null) return undefined;
      const low = Number(match[1]), high = Number(match[2] ?? match[1]);
      if (low > high || high > 65535) return undefined;
      ranges.push([low, high]);
    }
    return new PortSet(ranges);
  }

  has(port: number): boolean {
    return this.#ranges.some(([low, high]) => port >= low && port <= high);
  }

  /** Every port, for lists that are walked (INBOUND_PORTS). */
  *[Symbol.iterator](): Generator<number> {
    for (const [low, high] of this.#ranges) for (let port = low; port <= high; port++) yield port;
  }
}
