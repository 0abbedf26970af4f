/**
 * One sending of a request to one endpoint: its connection, and what the endpoint's balancer and a trace learn of it,
 * each thing once. A request that is sent again is another attempt, which begins in the same object.
 * Source: proxy.md §8 (load), §9 (circuit breaking).
 */
import { type Admission, type Outcome, UNCOUNTED } from "../balance/circuit_breaker.ts";
import type { Endpoint } from "../connect/endpoint.ts";
import { type ErrorCode, type ProxyError, proxyError } from "../error.ts";
import { isFailure } from "../telemetry/http_series.ts";
import type { RequestTrace } from "../trace/request_trace.ts";
import type { Arena } from "../worker/arena.ts";
import type { Loop } from "../worker/loop.ts";
import type { Exchange } from "./exchange.ts";
import { MAX_ATTEMPTS } from "./limits.ts";
import { penaltyMicros } from "./overload.ts";
import type { Upstream } from "./sides.ts";

/** No connection can be had now: the exchange will be told when. */
export const WAITS = "waits";

/** What an endpoint did to a request that had reached it, or did not do. */
const ENDPOINT_FAILURES: ReadonlySet<ErrorCode> = new Set([
  "upstream-reset",
  "refused",
  "bad-response",
  "request-timeout",
  "response-timeout",
  "attempt-timeout",
]);
const RESOURCE_EXHAUSTED = 8;

export class Attempt {
  /** Whom it goes to, or went to last. */
  endpoint: Endpoint | undefined;
  /** The endpoint that it waits to be connected to. */
  awaited: Endpoint | undefined;
  /** Endpoints that were asked for a connection. */
  count = 0;
  /** An endpoint was asked again after it had not read the request. */
  #isRepeated = false;
  /** Microseconds. */
  #sentAt = 0;
  /** Its latency has been told. */
  #isMeasured = true;
  #admission: Admission = UNCOUNTED;
  #isAdmitted = false;
  /** Undefined when the request belongs to none. */
  trace: RequestTrace | undefined;

  constructor(private readonly loop: Loop, private readonly arena: Arena) {}

  /**
   * Takes a connection to `endpoint`, or to another while none can be had at once.
   * @param isFresh a new one in any case
   * @returns why there is none, or that it waits for one
   */
  acquire(exchange: Exchange, endpoint: Endpoint, isFresh: boolean): Upstream | ProxyError | typeof WAITS {
    this.awaited = undefined;
    for (;;) {
      this.#begin(endpoint);
      const upstream = endpoint.acquire(exchange, isFresh);
      if (upstream === undefined) {
        this.awaited = endpoint;
        return WAITS;
      }
      this.count++;
      if ("endpoint" in upstream) return upstream;
      const error = "label" in upstream
        ? upstream
        : proxyError("connect-failed", `${endpoint.name}: ${upstream.detail}`);
      if (this.count >= MAX_ATTEMPTS) return error;
      const next = exchange.pipeline.reroute(exchange, endpoint, false) ?? error;
      if ("code" in next) return next;
      endpoint = next;
    }
  }

  /** Another request comes, or the same for another reason. */
  restart(): void {
    this.count = 0;
    this.#isRepeated = false;
  }

  /**
   * The connection failed, and nothing of a response had come: whether the same endpoint is worth a new one.
   * That may be where the request was not carried out, or may be twice (RFC 9110 §9.2.2, RFC 9113 §8.7), and the next
   * connection will fare better, or tell by its refusal that the endpoint is going.
   * @param isLocal it is the application behind this proxy: nobody else can be asked
   */
  isWorthRepeating(upstream: Upstream, error: ProxyError, isIdempotent: boolean, isLocal: boolean): boolean {
    if (error.code === "refused") return isLocal;
    if (error.code !== "upstream-reset") return false;
    if (upstream.isReused && isIdempotent) return true; // a kept connection, which it closed as we wrote
    // HTTP/2 begins with the server's settings: who has not sent them has carried out nothing.
    if (error.isUnread === undefined || !(isIdempotent || !upstream.isHttp1) || this.#isRepeated) {
      return false;
    }
    return this.#isRepeated = true;
  }

  /** The request goes to `endpoint`, now or when a connection is free. */
  #begin(endpoint: Endpoint): void {
    if (this.#isAdmitted) {
      if (this.endpoint === endpoint) return; // it waited
      this.end();
    }
    this.endpoint = endpoint;
    const { breaker } = endpoint;
    if (breaker === undefined) return;
    this.#admission = breaker.admit();
    this.#isAdmitted = true;
  }

  /** The request's head is about to go out. @returns the trace that has it go on from another span */
  sent(trace: RequestTrace | undefined): RequestTrace | undefined {
    this.#sentAt = this.loop.micros();
    this.#isMeasured = false;
    trace?.sent();
    return this.trace = trace;
  }

  /**
   * The response's head stands in the record (offsets from `at`).
   * @param hasContent its first content, or its end, came with it
   */
  answered(at: number, status: number, grpcStatus: number, hasContent: boolean): void {
    const { penalty } = this.endpoint!;
    const micros = penalty === undefined ? -1 : penaltyMicros(penalty, this.arena, at, status, grpcStatus);
    if (micros >= 0) this.#measure(micros);
    else if (hasContent) this.moved();
    this.trace?.answered(status);
    if (this.#isAdmitted && isFailure(status, undefined)) this.#settle("failure");
  }

  /** Content of the response has come, or its end. */
  moved(): void {
    if (!this.#isMeasured) this.#measure(this.loop.micros() - this.#sentAt);
  }

  #measure(micros: number): void {
    this.#isMeasured = true;
    this.endpoint!.measured(micros, this.loop.now);
  }

  /** The response is whole. */
  ended(status: number, grpcStatus: number): void {
    this.moved();
    this.trace?.attemptEnded(status, grpcStatus);
    if (!this.#isAdmitted) return;
    const isOverload = status === 429 || grpcStatus === RESOURCE_EXHAUSTED;
    this.#settle(isFailure(status, undefined, grpcStatus) ? "failure" : isOverload ? "overload" : "success");
  }

  /** There was no response, or none that is whole. */
  failed(code: ErrorCode): void {
    this.trace?.attemptFailed(code);
    if (this.#isAdmitted && ENDPOINT_FAILURES.has(code)) this.#settle("failure");
  }

  #settle(outcome: Outcome): void {
    this.#isAdmitted = false;
    this.endpoint!.breaker!.record(this.#admission, outcome, this.loop.now);
  }

  /** Nothing more is learnt of it. */
  end(): void {
    this.#isMeasured = true;
    this.trace?.attemptLeft();
    this.trace = undefined;
    if (this.#isAdmitted) this.endpoint!.breaker!.leave(this.#admission);
    this.#isAdmitted = false;
  }

  /** The request is over. */
  stop(exchange: Exchange): void {
    this.awaited?.stopWaiting(exchange);
    this.awaited = undefined;
    this.end();
  }
}
