/** A thread that takes requests from a rate limit which others take from too, as fast as it can. */
import { RateLimiter } from "../policy/rate_limiter.ts";

export interface LimiterTask {
  /** The address of the shared cells. */
  readonly cells: string;
  /** Requests a second. */
  readonly total: number;
  readonly requests: number;
  readonly nowMicros: number;
}

const scope = self as unknown as {
  onmessage: (event: MessageEvent<LimiterTask>) => void;
  postMessage(passed: number): void;
};

scope.onmessage = ({ data: { cells, total, requests, nowMicros } }) => {
  const resource = { group: "", kind: "", name: "" };
  const limiter = new RateLimiter({ resource, total, identity: 0, overrides: [], cells: BigInt(cells) });
  let passed = 0;
  for (let i = 0; i < requests; i++) if (limiter.admit(undefined, nowMicros) === undefined) passed++;
  scope.postMessage(passed);
};
