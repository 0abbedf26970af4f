/** How long a container that ended waits before it is started again. Source: kubelet's crash loop back-off. */
export interface BackOffOptions {
  /** Wait before the second restart; the first comes at once, each further wait is twice as long. Default 1 s. */
  readonly baseMs?: number;
  /** Default 5 min. */
  readonly maxMs?: number;
  /** A container that ran this long starts afresh. Default 10 min. */
  readonly resetMs?: number;
}

export class BackOff {
  readonly #options: Required<BackOffOptions>;
  #restarts = 0;

  constructor({ baseMs = 1000, maxMs = 300_000, resetMs = 600_000 }: BackOffOptions = {}) {
    this.#options = { baseMs, maxMs, resetMs };
  }

  /** Milliseconds to wait now. @param ranMs how long it has run this time */
  next(ranMs: number): number {
    const { baseMs, maxMs, resetMs } = this.#options;
    if (ranMs >= resetMs) this.#restarts = 0;
    const restarts = this.#restarts++;
    return restarts === 0 ? 0 : Math.min(maxMs, baseMs * 2 ** (restarts - 1));
  }
}
