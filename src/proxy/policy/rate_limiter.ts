/**
 * Local rate limits by the generic cell rate algorithm: a bucket is one number, when the next request would be on time
 * at the allowed rate; a request may be early by up to a second's worth, which is the burst. The numbers stand in cells
 * that all loops of the process share, changed by compare-and-swap, so that a limit holds for the proxy however its
 * connections are spread over cores.
 *
 * A request that its client's own limit refuses takes nothing of the total: one client cannot starve the others.
 * Source: proxy.md §3; ATM Forum TM 4.1 §4.4.2 (virtual scheduling).
 */
import { cellsAt } from "../../linux/shared_cells.ts";
import type { RateLimit } from "./rate_limit.ts";

/** Which limit refused a request, as the metric's label has it. */
export type LimitScope = "total" | "identity";

const SECOND = 1_000_000_000n;
/** Buckets of identities at one time, each a key and its time. */
const SLOTS = 1024, SLOT_CELLS = 2, PROBES = 16, TOTAL = 0, SLOTS_AT = 1;
export const LIMITER_CELLS = SLOTS_AT + SLOTS * SLOT_CELLS;
/** Identities whose keys are kept. */
const MAX_KEYS = 4096;

/** FNV-1a of 64 bits; never 0, which is a free slot. */
function keyOf(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (let i = 0; i < text.length; i++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n);
  }
  return BigInt.asIntN(64, hash) || 1n;
}

function intervalOf(requestsPerSecond: number): bigint {
  return SECOND / BigInt(requestsPerSecond);
}

/** What limits one client beside the total: a bucket's key, and nanoseconds between its requests. */
interface Share {
  readonly key: bigint;
  readonly interval: bigint;
}

export class RateLimiter {
  readonly #cells: BigInt64Array;
  readonly #total: bigint | undefined;
  readonly #shares = new Map<string, Share | undefined>();
  readonly #overrides = new Map<string, Share | undefined>();

  constructor(readonly limit: RateLimit) {
    const { total, overrides, cells } = limit;
    this.#cells = cells === undefined ? new BigInt64Array(LIMITER_CELLS) : cellsAt(cells, LIMITER_CELLS);
    this.#total = total === 0 ? undefined : intervalOf(total);
    overrides.forEach(({ requestsPerSecond, identities }, index) => {
      const share = requestsPerSecond === 0
        ? undefined
        : { key: keyOf(`override ${index}`), interval: intervalOf(requestsPerSecond) };
      for (const identity of identities) this.#overrides.set(identity, share);
    });
  }

  /**
   * Takes a request.
   * @param identity the client's; undefined when it proves none
   * @param nowMicros on the monotonic clock, which all loops share
   * @returns which limit refuses it; undefined: it may pass
   */
  admit(identity: string | undefined, nowMicros: number): LimitScope | undefined {
    const now = BigInt(Math.floor(nowMicros)) * 1000n, total = this.#total;
    if (total !== undefined && !this.#take(TOTAL, total, now)) return "total";
    const share = this.#shareOf(identity ?? "");
    if (share === undefined || this.#take(this.#slotOf(share.key, now), share.interval, now)) {
      return undefined;
    }
    if (total !== undefined) Atomics.sub(this.#cells, TOTAL, total);
    return "identity";
  }

  #shareOf(identity: string): Share | undefined {
    const known = this.#shares.get(identity);
    if (known !== undefined || this.#shares.has(identity)) return known;
    const rate = this.limit.identity;
    const share = this.#overrides.has(identity)
      ? this.#overrides.get(identity)
      : rate === 0
      ? undefined
      : { key: keyOf(`identity ${identity}`), interval: intervalOf(rate) };
    if (this.#shares.size >= MAX_KEYS) this.#shares.clear();
    this.#shares.set(identity, share);
    return share;
  }

  /** @returns false when the bucket is empty */
  #take(cell: number, interval: bigint, now: bigint): boolean {
    const cells = this.#cells;
    for (;;) {
      const due = Atomics.load(cells, cell), from = due > now ? due : now;
      if (from - now > SECOND - interval) return false;
      if (Atomics.compareExchange(cells, cell, due, from + interval) === due) return true;
    }
  }

  /** The cell of a key's time: its own, a free one, or one whose bucket is full again, which says no more than none. */
  #slotOf(key: bigint, now: bigint): number {
    const cells = this.#cells, start = Number(BigInt.asUintN(32, key)) % SLOTS;
    for (const isNew of [false, true]) {
      for (let i = 0; i < PROBES; i++) {
        const slot = SLOTS_AT + ((start + i) % SLOTS) * SLOT_CELLS, holder = Atomics.load(cells, slot);
        if (holder === key) return slot + 1;
        if (!isNew) continue;
        const isIdle = holder === 0n || Atomics.load(cells, slot + 1) <= now;
        if (isIdle && Atomics.compareExchange(cells, slot, holder, key) === holder) return slot + 1;
      }
    }
    // So many clients at once: some share a bucket.
    return SLOTS_AT + start * SLOT_CELLS + 1;
  }
}
