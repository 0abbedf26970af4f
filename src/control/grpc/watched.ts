/**
 * A value that changes and tells who listens: how a snapshot reaches the streams that show it.
 *
 * Values are immutable. A listener gets no value, only the word that there is another; a stream that is blocked by its
 * reader then takes the newest when it can write again, so that a slow proxy costs no queue.
 */

export interface Watched<T> {
  /** Undefined until the first value is known. */
  readonly value: T | undefined;
  /** Called after every change, not for the value there is. Returns an unsubscribe function. */
  subscribe(listener: () => void): () => void;
}

export class Cell<T> implements Watched<T> {
  #value: T | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #isSame: (before: T, after: T) => boolean;
  readonly #onIdle: (() => void) | undefined;

  /**
   * @param isSame values that are the same are not announced
   * @param onIdle called when the last listener has gone
   */
  constructor(options: { isSame?: (before: T, after: T) => boolean; onIdle?: () => void } = {}) {
    this.#isSame = options.isSame ?? Object.is;
    this.#onIdle = options.onIdle;
  }

  get value(): T | undefined {
    return this.#value;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  set(value: T): void {
    if (this.#value !== undefined && this.#isSame(this.#value, value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) listener();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#onIdle?.();
    };
  }
}
