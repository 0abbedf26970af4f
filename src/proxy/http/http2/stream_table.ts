/**
 * The open streams of one HTTP/2 connection by their numbers: taking one in and out are a few stores. Why not a Map: it
 * costs four times as much, and makes itself anew every few dozen streams for those that were deleted.
 */

/** log2 of the places at first. They double while more than half are taken. */
const FIRST_BITS = 4;
/**
 * 2^32 by the golden ratio: numbers that follow each other come to lie far apart, and evenly (Knuth, vol. 3, 6.4). Side by
 * side they would make one long run of taken places, which each deletion would have to walk along. A peer may choose
 * numbers that do, of a thousand streams at most.
 */
const SPREAD = 0x9e3779b1 | 0;

export class StreamTable<Stream> {
  /** 0 where a place is free. */
  #ids: number[] = new Array<number>(1 << FIRST_BITS).fill(0);
  #streams: (Stream | undefined)[] = new Array<Stream | undefined>(1 << FIRST_BITS).fill(undefined);
  #mask = (1 << FIRST_BITS) - 1;
  #shift = 32 - FIRST_BITS;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Where `id` wants to be. A connection's streams are all odd, or all even: one bit less. */
  #homeOf(id: number): number {
    return Math.imul(id >>> 1, SPREAD) >>> this.#shift;
  }

  /** Where `id` is, or the free place where it would be. */
  #placeOf(id: number): number {
    const ids = this.#ids, mask = this.#mask;
    let place = this.#homeOf(id);
    while (ids[place] !== id && ids[place] !== 0) place = (place + 1) & mask;
    return place;
  }

  get(id: number): Stream | undefined {
    return id === 0 ? undefined : this.#streams[this.#placeOf(id)];
  }

  /** @param id not 0 */
  set(id: number, stream: Stream): void {
    let place = this.#placeOf(id);
    if (this.#ids[place] === 0) {
      if (2 * ++this.#size > this.#mask) {
        this.#grow();
        place = this.#placeOf(id);
      }
      this.#ids[place] = id;
    }
    this.#streams[place] = stream;
  }

  #grow(): void {
    const ids = this.#ids, streams = this.#streams, places = 2 * ids.length;
    this.#ids = new Array<number>(places).fill(0);
    this.#streams = new Array<Stream | undefined>(places).fill(undefined);
    this.#mask = places - 1;
    this.#shift--;
    for (let i = 0; i < ids.length; i++) {
      if (ids[i] === 0) continue;
      const place = this.#placeOf(ids[i]!);
      this.#ids[place] = ids[i]!;
      this.#streams[place] = streams[i];
    }
  }

  /** @returns whether it was there */
  delete(id: number): boolean {
    if (id === 0) return false;
    const ids = this.#ids, streams = this.#streams, mask = this.#mask;
    let free = this.#placeOf(id);
    if (ids[free] === 0) return false;
    this.#size--;
    // Those behind it move up, as far as they were pushed there by it (Knuth, vol. 3, 6.4, algorithm R).
    for (let next = (free + 1) & mask; ids[next] !== 0; next = (next + 1) & mask) {
      if (((next - this.#homeOf(ids[next]!)) & mask) < ((next - free) & mask)) continue;
      ids[free] = ids[next]!;
      streams[free] = streams[next];
      free = next;
    }
    ids[free] = 0;
    streams[free] = undefined;
    return true;
  }

  /** All that are open now. */
  values(): Stream[] {
    return this.#streams.filter((stream) => stream !== undefined);
  }

  clear(): void {
    this.#ids.fill(0);
    this.#streams.fill(undefined);
    this.#size = 0;
  }
}
