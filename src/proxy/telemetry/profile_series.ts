/**
 * Counts of the requests that one route of a ServiceProfile took: as their clients see them, and as endpoints were asked,
 * where each retry is one more; or as they came to a server. As many as there are routes: they are not forgotten.
 * Source: route_* of proxy.md §13 (legacy).
 */
import { type FailureClasses, isOfClasses } from "../route/retry_policy.ts";
import type { Arena } from "../worker/arena.ts";
import { countRows, httpRows, type Told } from "./http_rows.ts";
import type { HttpSeries } from "./http_series.ts";
import { type Counted, CountedTwice, RouteSeries } from "./route_series.ts";
import type { Row } from "./rows.ts";

/** Attempts are told by their number alone. */
const UNTIMED = { durations: "", bounds: [], statuses: "", isGrpc: false };

/** Whether a route's classes take a response for a failure. @param error why it did not come whole */
function isFailedBy(
  failures: FailureClasses,
  status: number,
  error: string | undefined,
  grpcStatus: number,
): boolean {
  return error !== undefined || isOfClasses(failures, status, grpcStatus);
}

export class ProfileSeries {
  readonly actual = new RouteSeries(UNTIMED);

  constructor(
    public failures: FailureClasses,
    readonly whole: HttpSeries,
    /** They are of a client's side, where a request may be made more than once. */
    readonly isRetried: boolean,
  ) {}

  #told<Responses extends Told["responses"]>(requests: number, responses: Responses) {
    const isFailure: Told["isFailure"] = (...outcome) => isFailedBy(this.failures, ...outcome);
    return { labels: this.whole.labels, requests, responses, isFailure };
  }

  get toldWhole() {
    return this.#told(this.whole.requests, this.whole.responses);
  }

  get toldActual() {
    return this.#told(this.actual.requests, this.actual.statuses);
  }
}

/** A request as its client sees it, in its route's series of both generations; it is counted here when it is over. */
export class WholeRequest extends CountedTwice {
  constructor(route: Counted | undefined, private readonly whole: HttpSeries) {
    super(route, whole);
  }

  override request(): void {
    this.first?.request();
  }

  override response(status: number, error: string | undefined, micros: number, grpcStatus: number): void {
    this.whole.request();
    super.response(status, error, micros, grpcStatus);
  }
}

/** A request of a route whose classes say what counts as a failure among those of its peer, too. */
export class ClassedRequest implements Counted {
  #series: HttpSeries | undefined;
  #failures: FailureClasses | undefined;

  of(series: HttpSeries, failures: FailureClasses): this {
    this.#series = series;
    this.#failures = failures;
    return this;
  }

  request(): void {
    this.#series!.request();
  }

  response(status: number, error: string | undefined, micros: number, grpcStatus: number): void {
    const isFailed = isFailedBy(this.#failures!, status, error, grpcStatus);
    this.#series!.response(status, error, micros, grpcStatus, isFailed);
  }

  sent(): void {} // not told by peer

  requestFrame(): void {}

  responseFrame(): void {}
}

export function* profileRows(profiles: Iterable<ProfileSeries>, arena: Arena): Generator<Row> {
  const all = [...profiles];
  if (all.length === 0) return;
  yield* httpRows("route_", all.map(({ toldWhole }) => toldWhole), arena);
  const retried = all.filter(({ isRetried }) => isRetried);
  if (retried.length > 0) yield* countRows("route_actual_", retried.map(({ toldActual }) => toldActual));
}
