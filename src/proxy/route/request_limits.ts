/**
 * How long a request may take, as its route's rule says. Times are milliseconds; 0 is no limit.
 * Source: proxy.md §9 (timeouts); protocol-api.md §4 (Timeouts).
 */

export interface RequestLimits {
  /** The whole exchange, from when its route took it to the end of its stream. */
  readonly requestMs: number;
  /** From the request's last byte (or the response's head, if that is earlier) to the response's end. */
  readonly responseMs: number;
  /** Between two frames, either way. */
  readonly idleMs: number;
}

export const NO_LIMITS: RequestLimits = { requestMs: 0, responseMs: 0, idleMs: 0 };
