/** The rows of routes and their backends. Source: proxy.md §13 (new style; error label values). */
import type { Bucketed, Buckets } from "./buckets.ts";
import { family } from "./family.ts";
import { FRAME_BOUNDS, type RouteFamily, type RouteSeries, type StatusCount } from "./route_series.ts";
import type { Row } from "./rows.ts";

const GRPC_NAMES = ["OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND"]
  .concat(
    ["ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED"],
    ["OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"],
  );

/** By the reasons of `ProxyError`, and what an exchange says of clients that are gone. */
const ERROR_NAMES: Readonly<Record<string, string>> = {
  "failfast": "FAIL_FAST",
  "loadshed": "LOAD_SHED",
  "request-timeout": "REQUEST_TIMEOUT",
  "call-timeout": "REQUEST_TIMEOUT",
  "response-timeout": "RESPONSE_STREAM_TIMEOUT",
  "attempt-timeout": "RESPONSE_HEADERS_TIMEOUT",
  "idle-timeout": "IDLE_TIMEOUT",
  "i/o": "IO",
  "unclassified": "CANCEL",
};

export type RouteFamilies = ReadonlyMap<RouteFamily, ReadonlyMap<string, RouteSeries>>;

function statusLabels({ status, grpcStatus, error }: StatusCount, isGrpc: boolean): string {
  const told = isGrpc
    ? `grpc_status="${grpcStatus < 0 ? "" : GRPC_NAMES[grpcStatus] ?? String(grpcStatus)}"`
    : `http_status="${status}"`;
  return `${told},error="${error === undefined ? "" : ERROR_NAMES[error] ?? "UNKNOWN"}"`;
}

function* histograms(
  name: string,
  help: string,
  bounds: readonly number[],
  all: ReadonlyMap<string, RouteSeries>,
  read: (series: RouteSeries) => Bucketed | undefined,
): Generator<Row> {
  yield family(name, "histogram", help, bounds);
  for (const [labels, series] of all) {
    const told = read(series);
    if (told !== undefined) yield { kind: "histogram", labels, ...told };
  }
}

function bucketed(buckets: Buckets | undefined): Bucketed | undefined {
  return buckets && { below: buckets.below(), count: buckets.count, sum: buckets.sum };
}

export function* routeRows(families: RouteFamilies): Generator<Row> {
  for (const [routes, all] of families) {
    const { requests, durations, bounds, responses, statuses, isGrpc, requestFrames, responseFrames } =
      routes;
    if (requests !== undefined) {
      yield family(requests, "counter", "The total number of requests");
      for (const [labels, series] of all) yield { kind: "value", labels, value: series.requests };
    }
    const fromEnd = "The time between a request's end and the end of its response";
    const time = routes.isFromEnd ? fromEnd : "The time between a request's head and the end of its response";
    yield* histograms(durations, time, bounds, all, (series) => bucketed(series.durations));
    if (responses !== undefined) {
      yield* histograms(responses.name, fromEnd, responses.bounds, all, (series) => series.responses());
    }
    if (requestFrames !== undefined) {
      const help = "The sizes of what requests' content came in";
      yield* histograms(requestFrames, help, FRAME_BOUNDS, all, (series) => bucketed(series.requestFrames));
    }
    if (responseFrames !== undefined) {
      const help = "The sizes of what responses' content came in";
      yield* histograms(responseFrames, help, FRAME_BOUNDS, all, (series) => bucketed(series.responseFrames));
    }
    yield family(statuses, "counter", "The total number of responses by their status");
    for (const [labels, series] of all) {
      for (const status of series.statuses) {
        const more = statusLabels(status, isGrpc);
        yield { kind: "value", labels: labels === "" ? more : `${labels},${more}`, value: status.count };
      }
    }
  }
}
