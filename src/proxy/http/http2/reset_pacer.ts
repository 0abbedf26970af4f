/**
 * How often one upstream connection may be told that a stream is given up. Servers end a connection of too many resets
 * (CVE-2023-44487), and with it the requests of everyone who shares it: so a client's haste stops here.
 *
 * The bounds keep below what servers are known to bear: h2 (Rust) 20 streams that it has not looked at yet, Netty 200 in
 * 30 seconds, nghttp2 1000 and 33 a second; our own proxies 1000 and 200 a second.
 */
import { RateBudget } from "../../worker/rate_budget.ts";

/** Between two looks of the server. */
const AT_ONCE = 12, AT_ONCE_PER_SECOND = 400;
const BURST = 64, PER_SECOND = 4;
/** A proxy of the mesh. */
const MESHED_BURST = 500, MESHED_PER_SECOND = 100;

export class ResetPacer {
  readonly #atOnce: RateBudget;
  readonly #inAll: RateBudget;

  /** @param now microseconds on the loop's clock */
  constructor(isMeshed: boolean, now: number) {
    this.#atOnce = new RateBudget(AT_ONCE, AT_ONCE_PER_SECOND, now);
    this.#inAll = isMeshed
      ? new RateBudget(MESHED_BURST, MESHED_PER_SECOND, now)
      : new RateBudget(BURST, PER_SECOND, now);
  }

  /** The connection has had all the resets it can bear for a while. */
  isWornOut(now: number): boolean {
    return !this.#inAll.has(now);
  }

  /** @returns false when a reset must wait */
  spend(now: number): boolean {
    return this.#inAll.has(now) && this.#atOnce.spend(now) && this.#inAll.spend(now);
  }
}
