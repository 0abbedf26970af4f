/**
 * Choosing an endpoint for the next request. One interface; every implementation passes the cases in cases.ts.
 */

/** What a balancer needs to know of an endpoint. */
export interface Loaded {
  /** False while it is backing off after a failed connect or ejected by a breaker. */
  isReady(now: number): boolean;
  /** How busy it is, in any unit; smaller is better. @param now microseconds */
  load(now: number): number;
}

export interface Balancer<E extends Loaded> {
  /**
   * The endpoints there are now; those that stay keep what is known of them. The list may change later: it is given
   * again before the next pick.
   */
  update(endpoints: readonly E[]): void;
  /**
   * An endpoint that is ready, or undefined when none is.
   * @param now microseconds on the loop's clock
   * @param avoid one that has just failed this request; chosen only when nothing else is ready
   */
  pick(now: number, avoid?: E): E | undefined;
}

/** A random number in [0, 1). */
export type Random = () => number;
