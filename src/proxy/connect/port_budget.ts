/**
 * Local ports that connections to one endpoint may leave behind. Who closes a connection first keeps its port for a
 * minute (TIME_WAIT, RFC 9293 §3.6.1), and the system has some 28,000 of them for an address: a proxy that closes idle
 * connections by the thousand, or one for each request, would spend its time looking for a free one, and then find none.
 * So beyond a budget a connection is reset: nothing is under way on it, and the port is free at once.
 */
import { RateBudget } from "../worker/rate_budget.ts";

/** For a loop and endpoint at most 4,000 ports wait: so many at once, and as many more in the minute that they do. */
const AT_ONCE = 2000, PER_SECOND = 2000 / 60;

/** A connection that gets none is to be closed so that its port does not wait. */
export class PortBudget extends RateBudget {
  constructor(now: number) {
    super(AT_ONCE, PER_SECOND, now);
  }
}
