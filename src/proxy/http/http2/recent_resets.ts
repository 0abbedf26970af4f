/** The streams that we reset last: what the peer sent on them before it knew is ignored (RFC 9113 §5.1, "closed"). */
const REMEMBERED = 128;

export class RecentResets {
  readonly #ids = new Int32Array(REMEMBERED);
  #count = 0;

  add(id: number): void {
    this.#ids[this.#count++ % REMEMBERED] = id;
  }

  has(id: number): boolean {
    return this.#ids.includes(id);
  }
}
