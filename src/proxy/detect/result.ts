/** What detection came to, as metrics call it. Source: proxy.md §13 (…_tcp_detect_http_results_total). */
import { Protocol } from "../../wasm/detect.ts";

/** What a connection turned out to speak, or that its time ran out; undefined: it ended before anything could be told. */
export type Detection = { readonly protocol: Protocol; readonly isTimedOut: boolean } | undefined;

/** Upper bounds of …_tcp_detect_http_duration_seconds. */
export const DETECT_BOUNDS: readonly number[] = [0.001, 0.1];

export function resultOf(detection: Detection): string {
  if (detection === undefined) return "error";
  if (detection.protocol === Protocol.Http1) return "http/1";
  if (detection.protocol === Protocol.Http2) return "http/2";
  return detection.isTimedOut ? "read_timeout" : "not_http";
}
