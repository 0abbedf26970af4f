/**
 * The `l5d-client-id` header line of each client identity, kept in linear memory so that a request's head is extended
 * by a copy. Identities are as many as a cluster
 * has workloads; past the cap the header is left out (the certificate was still checked).
 */
import type { Arena } from "../worker/arena.ts";

const LINE_SIZE = 512, CAPACITY = 1024;

export interface IdentityLine {
  readonly at: number;
  readonly length: number;
}

export class IdentityLines {
  readonly #lines = new Map<string, IdentityLine>();
  static readonly NONE: IdentityLine = { at: 0, length: 0 };

  constructor(private readonly arena: Arena) {}

  /** @returns where the line stands; NONE when there is no identity, or no room */
  of(identity: string | undefined): IdentityLine {
    if (identity === undefined) return IdentityLines.NONE;
    const known = this.#lines.get(identity);
    if (known !== undefined) return known;
    const text = `l5d-client-id: ${identity}\r\n`;
    if (text.length > LINE_SIZE || this.#lines.size >= CAPACITY) return IdentityLines.NONE;
    const at = this.arena.allocate(LINE_SIZE);
    if (at === 0) return IdentityLines.NONE;
    const line = { at, length: this.arena.writeAscii(at, text) };
    this.#lines.set(identity, line);
    return line;
  }
}
