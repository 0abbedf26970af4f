/** Ids of spans: eight random bytes, of which some hundred are asked of the system at once. */
import { SPAN_ID_BYTES } from "./context/trace_context.ts";
import { isZero } from "./context/hex.ts";

const POOL_BYTES = 4096;

export class SpanIds {
  readonly #pool = new Uint8Array(POOL_BYTES);
  #next = POOL_BYTES;

  constructor(
    private readonly fill: (bytes: Uint8Array<ArrayBuffer>) => void = crypto.getRandomValues.bind(crypto),
  ) {}

  /** Writes an id, which is never 0, to `out`. */
  write(out: Uint8Array): void {
    do {
      if (this.#next === POOL_BYTES) {
        this.fill(this.#pool);
        this.#next = 0;
      }
      for (let i = 0; i < SPAN_ID_BYTES; i++) out[i] = this.#pool[this.#next++]!;
    } while (isZero(out));
  }
}
