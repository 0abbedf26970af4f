/**
 * What a route's rule, or the client of a gRPC call, asks of one request after the other of an exchange: by when it must
 * have come so far, and which outcomes are not final. Most requests never have one.
 * Source: proxy.md §9.
 */
import { backoffMs } from "../balance/backoff.ts";
import type { Endpoint } from "../connect/endpoint.ts";
import type { ProxyError } from "../error.ts";
import { NO_LIMITS } from "../route/request_limits.ts";
import type { RequestRules } from "../route/request_rules.ts";
import { isOfClasses, type RetryPolicy } from "../route/retry_policy.ts";
import type { Arena } from "../worker/arena.ts";
import { Deadline } from "../worker/deadline.ts";
import type { Loop } from "../worker/loop.ts";
import { Deadlines } from "./deadlines.ts";
import type { Exchange } from "./exchange.ts";
import { HeldResponse } from "./held_response.ts";
import { isRetryableError } from "./retry.ts";

export class Constraints {
  readonly deadlines: Deadlines;
  /** A response that may not be final. */
  readonly held: HeldResponse;
  /** The rule that the request at hand follows. */
  rules: RequestRules | undefined;
  #retried = 0;
  readonly #backoff: Deadline;

  constructor(private readonly loop: Loop, arena: Arena, private readonly exchange: Exchange) {
    this.deadlines = new Deadlines(
      loop,
      (error) => exchange.onOverdue(error),
      (error) => exchange.onAttemptOverdue(error),
    );
    this.held = new HeldResponse(arena);
    this.#backoff = new Deadline(loop, () => exchange.onBackedOff());
  }

  /** A request begins, or its rule is known now. @param callMs and `passedMs`: as of `Deadlines.begin` */
  begin(rules: RequestRules | undefined, callMs: number, passedMs: number): void {
    this.rules = rules;
    this.#retried = 0;
    this.deadlines.begin(rules?.limits ?? NO_LIMITS, callMs, passedMs);
  }

  get retry(): RetryPolicy | undefined {
    return this.rules?.retry;
  }

  /** Another attempt may follow this one. */
  get #hasRetriesLeft(): boolean {
    return this.#retried < (this.retry?.maxRetries ?? 0);
  }

  /**
   * Holds the response's head, of which alone it has come (in the record, offsets from `at`), where its call may end in
   * a way that it would be made again for. @returns false when it is not held
   */
  hold({ isGrpc, grpcStatus }: Exchange, at: number): boolean {
    return isGrpc && grpcStatus < 0 && this.#hasRetriesLeft && this.retry!.grpcCodes !== 0 &&
      this.held.keepHead(at);
  }

  isRetryable(status: number, grpcStatus: number): boolean {
    const { retry } = this;
    return retry !== undefined && isOfClasses(retry, status, grpcStatus);
  }

  isRetryableError(error: ProxyError, isGrpc: boolean): boolean {
    const { retry } = this;
    return retry !== undefined && isRetryableError(retry, error, isGrpc);
  }

  /** The request's head goes out (again), and all of it where it is `isWhole`. */
  begun(isWhole: boolean): void {
    this.deadlines.attempt();
    if (isWhole) this.#sent();
  }

  /** Content of the request went out; `isLast`, and now its response is waited for. */
  moved(isLast: boolean): void {
    this.deadlines.moved();
    if (isLast) this.#sent();
  }

  #sent(): void {
    // The last attempt may take as long as the request may.
    this.deadlines.sent(this.#hasRetriesLeft ? this.retry!.timeoutMs : 0);
  }

  /**
   * What came of the request is not final.
   * @param failed whom it went to
   * @param isWhole all of it is held
   * @returns whether another attempt will be made: `onBackedOff` follows then
   */
  tryAgain(failed: Endpoint, isWhole: boolean): boolean {
    const { exchange, exchange: { pipeline } } = this;
    if (!this.#hasRetriesLeft) pipeline.countRetry("limit_exceeded", this.rules!);
    if (!this.#hasRetriesLeft || !isWhole) return false;
    const { budget } = this.rules!;
    if (budget?.withdraw(this.loop.now) === false) {
      pipeline.countRetry("no_budget", this.rules!);
      return false;
    }
    const next = pipeline.reroute(exchange, failed, false);
    if (next === undefined || "code" in next) {
      pipeline.countRetry("overflow", this.rules!);
      return false;
    }
    pipeline.countRetry("requests", this.rules!);
    this.deadlines.leave();
    this.held.release();
    this.#backoff.set(backoffMs(this.retry!.backoff, this.#retried++, Math.random));
    return true;
  }

  /** A response is handed on. */
  settle(status: number, grpcStatus: number): void {
    const { exchange, rules } = this;
    if (rules?.retry !== undefined && !this.isRetryable(status, grpcStatus)) {
      rules.budget?.deposit(this.loop.now);
      if (this.#retried > 0) exchange.pipeline.countRetry("successes", rules);
    }
    if (exchange.isTunnelRequest && status < 300) this.deadlines.end(); // a tunnel lasts as long as it likes
  }

  /** The request is over. */
  end(): void {
    this.rules = undefined;
    this.deadlines.end();
    this.held.release();
    this.#backoff.clear();
  }
}
