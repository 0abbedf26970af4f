/** Sets of ports as annotations write them: `25,587,4000-4010`. */

export class PortSet {
  readonly #ranges: readonly (readonly [number, number])[];

  constructor(ranges: Iterable<readonly [number, number]>) {
    this.#ranges = [...ranges];
  }

  has(port: number): boolean {
    return this.#ranges.some(([low, high]) => port >= low && port <= high);
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  toString(): string {
    return this.#ranges.map(([low, high]) => low === high ? `${low}` : `${low}-${high}`).join(",");
  }
}

/** One entry of a list: a range (both ends belong to it), or undefined for what is no port. */
export function parsePortRange(text: string): readonly [number, number] | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text.trim());
  if (match === null) return undefined;
  const low = Number(match[1]);
  const high = match[2] === undefined ? low : Number(match[2]);
  return low > 0 && low <= high && high <= 65_535 ? [low, high] : undefined;
}

/**
 * Reads a list of ports, ranges and port names.
 *
 * @param named gives the number of a port's name; what it does not know, and what is no port, is passed over
 */
export function parsePortSet(text: string, named?: (name: string) => number | undefined): PortSet {
  const ranges: (readonly [number, number])[] = [];
  for (const entry of text.split(",")) {
    const trimmed = entry.trim();
    if (trimmed === "") continue;
    const range = parsePortRange(trimmed);
    if (range !== undefined) ranges.push(range);
    else {
      const number = named?.(trimmed);
      if (number !== undefined) ranges.push([number, number]);
    }
  }
  return new PortSet(ranges);
}
