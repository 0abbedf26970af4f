/** Where the requests of an exchange and their responses are counted, one after the other. */
import { LateRequest } from "../telemetry/late_request.ts";
import type { Counted } from "../telemetry/route_series.ts";
import type { Loop } from "../worker/loop.ts";

export class Tally {
  /** When the request came, in microseconds. */
  startedAt = 0;
  /** When what is counted began: the request, or its latest retry. */
  #countedFrom = 0;
  #series: Counted | undefined;
  #late: LateRequest | undefined;
  /** Of the route that took the request: counts it once, however often it is made again. */
  route: Counted | undefined;

  constructor(private readonly loop: Loop) {}

  begin(): void {
    this.startedAt = this.#countedFrom = this.loop.micros();
    this.route = undefined;
  }

  /** Milliseconds since the request came. */
  get passedMs(): number {
    return (this.loop.micros() - this.startedAt) / 1000;
  }

  /** A request is counted whose response is not yet. */
  get isOpen(): boolean {
    return this.#series !== undefined;
  }

  request(series: Counted): void {
    this.#series = series;
    series.request();
  }

  /** A retry is a request of its own. */
  retry(series: Counted): void {
    this.#countedFrom = this.loop.micros();
    this.request(series);
  }

  /** Once for each request. @param error why it did not come whole; undefined when it did */
  response(status: number, error: string | undefined, grpcStatus: number): void {
    this.#series?.response(status, error, this.loop.micros() - this.#countedFrom, grpcStatus);
    this.#series = undefined;
  }

  /** Content of the request goes on, in its first attempt. */
  requestFrame(sizeBytes: number): void {
    if (sizeBytes === 0) return;
    this.#series?.requestFrame(sizeBytes);
    this.route?.requestFrame(sizeBytes);
  }

  /** The last byte of the request has gone on, after its head. */
  requestEnded(): void {
    if (this.#series === undefined || this.#series === this.#late) return;
    this.#late ??= new LateRequest();
    this.#series = this.#late.of(this.#series, this.loop.micros() - this.#countedFrom);
  }

  /** Content of the response goes on. */
  responseFrame(sizeBytes: number): void {
    if (sizeBytes === 0) return;
    this.#series?.responseFrame(sizeBytes);
    this.route?.responseFrame(sizeBytes);
  }

  /** The same of the response that the client gets, which is the last. */
  final(status: number, error: string | undefined, grpcStatus: number): void {
    this.response(status, error, grpcStatus);
    this.route?.response(status, error, this.loop.micros() - this.startedAt, grpcStatus);
    this.route = undefined;
  }
}
