/**
 * The times by which an exchange must have come so far, where its route or its client sets any.
 * Source: proxy.md §9 (timeouts), §10 (policy timeout).
 */
import { type ProxyError, proxyError } from "../error.ts";
import { NO_LIMITS, type RequestLimits } from "../route/request_limits.ts";
import { Deadline } from "../worker/deadline.ts";
import type { Loop } from "../worker/loop.ts";

type TimeoutCode =
  | "request-timeout"
  | "call-timeout"
  | "response-timeout"
  | "attempt-timeout"
  | "idle-timeout";

const DETAILS: Readonly<Record<TimeoutCode, string>> = {
  "request-timeout": "the request took longer than its limit of",
  "call-timeout": "the call took longer than its client's limit of",
  "response-timeout": "the response took longer than its limit of",
  "attempt-timeout": "no response began within",
  "idle-timeout": "nothing was sent either way for",
};

export class Deadlines {
  #limits: RequestLimits = NO_LIMITS;
  readonly #request: Deadline;
  readonly #response: Deadline;
  /** Of one attempt: until its response begins. */
  readonly #head: Deadline;
  readonly #idle: Deadline;
  #headMs = 0;
  #requestMs = 0;
  /** That is what the client of a gRPC call gives it. */
  #isCall = false;
  #movedAt = 0;

  /**
   * @param onPassed the exchange has to end
   * @param onAttemptPassed the attempt has to end; another may follow
   */
  constructor(
    private readonly loop: Loop,
    onPassed: (error: ProxyError) => void,
    onAttemptPassed: (error: ProxyError) => void,
  ) {
    this.#request = new Deadline(loop, () => {
      onPassed(this.#error(this.#isCall ? "call-timeout" : "request-timeout", this.#requestMs));
    });
    this.#response = new Deadline(
      loop,
      () => onPassed(this.#error("response-timeout", this.#limits.responseMs)),
    );
    this.#head = new Deadline(loop, () => onAttemptPassed(this.#error("attempt-timeout", this.#headMs)));
    this.#idle = new Deadline(loop, () => {
      const leftMs = this.#limits.idleMs - (loop.now - this.#movedAt) / 1000;
      if (leftMs > 0) this.#idle.set(leftMs);
      else onPassed(this.#error("idle-timeout", this.#limits.idleMs));
    });
  }

  #error(code: TimeoutCode, afterMs: number): ProxyError {
    return proxyError(code, `${DETAILS[code]} ${Math.ceil(afterMs)} ms`);
  }

  /**
   * The request's route has taken it.
   * @param callMs what the client of a gRPC call gives it; -1: as long as it likes
   * @param passedMs since it came
   */
  begin(limits: RequestLimits, callMs: number, passedMs: number): void {
    const { requestMs } = limits, isCall = callMs >= 0 && (requestMs <= 0 || callMs < requestMs);
    this.#limits = limits;
    this.#isCall = isCall;
    this.#requestMs = isCall ? callMs : requestMs;
    if (isCall || requestMs > 0) this.#request.set(this.#requestMs - passedMs);
  }

  /** The request's head goes out (again). */
  attempt(): void {
    this.leave();
    if (this.#limits.idleMs > 0) this.#idle.set(this.#limits.idleMs);
    this.moved();
  }

  /**
   * The request has gone out whole.
   * @param headMs how long its response's head may take; 0: as long as it likes
   */
  sent(headMs: number): void {
    this.#idle.clear(); // now it is the other side's turn
    if (this.#limits.responseMs > 0 && !this.#response.isSet) this.#response.set(this.#limits.responseMs);
    if (headMs <= 0) return;
    this.#headMs = headMs;
    this.#head.set(headMs);
  }

  /** The response's head has come. */
  answered(): void {
    this.#head.clear();
    if (this.#limits.responseMs > 0 && !this.#response.isSet) this.#response.set(this.#limits.responseMs);
    if (this.#limits.idleMs > 0) this.#idle.set(this.#limits.idleMs);
    this.moved();
  }

  /** Bytes passed, either way. */
  moved(): void {
    this.#movedAt = this.loop.now;
  }

  /** The attempt is over: nothing that was waited for comes any more. */
  leave(): void {
    this.#response.clear();
    this.#head.clear();
    this.#idle.clear();
  }

  /** The exchange is over. */
  end(): void {
    this.#request.clear();
    this.leave();
  }
}
