/**
 * Counts one request whose content went on after its head: its response's time runs from its last byte. Stands before
 * the series of such a request alone, so that others, which end with their head, cost nothing.
 */
import type { Counted } from "./route_series.ts";

export class LateRequest implements Counted {
  #series: Counted | undefined;
  #requestMicros = 0;

  /** @param requestMicros from the request's head to its last byte */
  of(series: Counted, requestMicros: number): this {
    this.#series = series;
    this.#requestMicros = requestMicros;
    return this;
  }

  request(): void {} // it has been counted

  response(status: number, error: string | undefined, micros: number, grpcStatus: number): void {
    const series = this.#series!;
    this.#series = undefined;
    series.response(status, error, micros, grpcStatus);
    series.sent(this.#requestMicros, micros);
  }

  sent(): void {} // it says so itself

  requestFrame(sizeBytes: number): void {
    this.#series!.requestFrame(sizeBytes);
  }

  responseFrame(sizeBytes: number): void {
    this.#series!.responseFrame(sizeBytes);
  }
}
