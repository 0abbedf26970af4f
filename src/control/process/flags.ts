/** Flags of a role: `--name=value`, `--name value` or `-name=value` as Linkerd's manifests have them. */
import { parseGoDuration } from "../../mesh/duration.ts";

export class FlagError extends Error {
  override readonly name = "FlagError";
}

export class Flags {
  readonly #values = new Map<string, string>();
  readonly #asked = new Set<string>();

  constructor(args: readonly string[]) {
    for (let at = 0; at < args.length; at++) {
      const match = /^--?([a-z0-9][a-z0-9-]*)(?:=(.*))?$/s.exec(args[at]!);
      if (match === null) throw new FlagError(`not a flag: ${args[at]}`);
      const next = args[at + 1];
      if (match[2] !== undefined) this.#values.set(match[1]!, match[2]);
      else if (next !== undefined && !next.startsWith("-")) {
        this.#values.set(match[1]!, next);
        at++;
      } else this.#values.set(match[1]!, "true");
    }
  }

  string(name: string, fallback: string): string {
    this.#asked.add(name);
    return this.#values.get(name) ?? fallback;
  }

  boolean(name: string, fallback: boolean): boolean {
    const text = this.string(name, String(fallback));
    if (text !== "true" && text !== "false") throw new FlagError(`--${name}: true or false, not ${text}`);
    return text === "true";
  }

  number(name: string, fallback: number): number {
    const text = this.string(name, String(fallback));
    if (text.trim() === "" || !Number.isFinite(Number(text))) {
      throw new FlagError(`--${name}: a number, not ${text}`);
    }
    return Number(text);
  }

  /** @returns milliseconds of a Go duration */
  duration(name: string, fallback: string): number {
    const text = this.string(name, fallback);
    const milliseconds = parseGoDuration(text);
    if (milliseconds === undefined) throw new FlagError(`--${name}: a duration such as 24h0m0s, not ${text}`);
    return milliseconds;
  }

  list(name: string, fallback: string): string[] {
    return this.string(name, fallback).split(",").map((item) => item.trim()).filter((item) => item !== "");
  }

  /** `:8080`, `0.0.0.0:8080` or `8080`. */
  port(name: string, fallback: number): number {
    const text = this.string(name, String(fallback));
    const port = Number(/^(?:.*:)?(\d+)$/.exec(text)?.[1] ?? NaN);
    if (!(port >= 0 && port <= 65_535)) throw new FlagError(`--${name}: an address or port, not ${text}`);
    return port;
  }

  /** Call last: a flag that nobody asked for is a misspelt one. */
  refuseUnknown(): void {
    const unknown = [...this.#values.keys()].filter((name) => !this.#asked.has(name));
    if (unknown.length > 0) {
      throw new FlagError(
        `unknown flag --${unknown[0]}; known: ${[...this.#asked].map((name) => `--${name}`).join(" ")}`,
      );
    }
  }
}
