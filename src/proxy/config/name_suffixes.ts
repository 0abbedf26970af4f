/** Which names a list of suffixes covers (INBOUND_GATEWAY_SUFFIXES): `svc.cluster.local.`, or `.` for every name. */

/** A name in lower case without its final dot; undefined when it is no name of DNS, or an IPv4 address. */
export function canonicalName(text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.$/, "");
  if (name.length > 253 || !/^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/.test(name)) return undefined;
  return /^[0-9.]+$/.test(name) ? undefined : name;
}

export class NameSuffixes {
  readonly #suffixes: readonly string[];

  constructor(suffixes: readonly string[]) {
    this.#suffixes = suffixes;
  }

  /** Undefined when a member of the comma-separated list is no suffix. */
  static parse(text: string): NameSuffixes | undefined {
    const suffixes: string[] = [];
    for (const part of text.split(",").map((piece) => piece.trim()).filter((piece) => piece !== "")) {
      const suffix = part === "." ? "" : canonicalName(part);
      if (suffix === undefined) return undefined;
      suffixes.push(suffix);
    }
    return new NameSuffixes(suffixes);
  }

  /** The least length of a name that they cover. */
  get shortest(): number {
    return Math.min(...this.#suffixes.map(({ length }) => length));
  }

  /** @param name as `canonicalName` writes it */
  covers(name: string): boolean {
    return this.#suffixes.some((suffix) => suffix === "" || name === suffix || name.endsWith(`.${suffix}`));
  }
}
