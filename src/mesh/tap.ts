/**
 * Watching requests one by one (metrics-api, GET /api/v1/tap): what is asked, and the lines that come back.
 *
 * The answer goes on until its reader leaves: a JSON object a line, each with one key that says what it is. Events have
 * the fields of `linkerd viz tap -o json` (cli.md §3.3).
 */
import type { StatKind } from "./api.ts";
import type { MeshError } from "./error.ts";

/** GET /api/v1/tap?kind=&namespace=&name=&labels=&toKind=&to=&toNamespace=&maxRps=&scheme=&method=&authority=&path= */
export interface TapQuery {
  readonly kind: StatKind;
  readonly namespace?: string;
  readonly name?: string;
  /** A label selector over pods. */
  readonly labels?: string;
  /** Only requests to this resource, as its clients' proxies see them. */
  readonly toKind?: StatKind;
  readonly to?: string;
  readonly toNamespace?: string;
  /** Requests a second, over all pods together; default 100. */
  readonly maxRps?: string;
  readonly scheme?: string;
  readonly method?: string;
  readonly authority?: string;
  /** The beginning of the path. */
  readonly path?: string;
  /** `true`: headers and trailers are told too. */
  readonly headers?: string;
}

/** A pod that is not observed, and why. */
export interface UntappedPod {
  readonly namespace: string;
  readonly name: string;
  readonly reason:
    | "not-meshed"
    | "not-running"
    | "disabled"
    | "restart-needed"
    | "control-plane"
    | "too-many";
}

/** Each pod costs a connection and a call a second. */
export const MAX_TAPPED_PODS = 128;

const REASONS: Readonly<Record<UntappedPod["reason"], string>> = {
  "not-meshed": "it has no proxy",
  "not-running": "it does not run yet",
  "disabled": "viz.linkerd.io/disable-tap forbids it, on the pod or on its namespace",
  "restart-needed": "its proxy has not been told who may tap: restart the pod",
  "control-plane": "the control plane is not tapped",
  "too-many": `${MAX_TAPPED_PODS} pods are observed at most`,
};

/** A pod that is not tapped, and why, in words. */
export function explainUntapped({ namespace, name, reason }: UntappedPod): string {
  return `${namespace}/${name}: ${REASONS[reason]}`;
}

export interface TapEndpoint {
  readonly ip: string;
  readonly port: number;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface TapStreamId {
  readonly base: number;
  readonly stream: number;
}

export interface TapDuration {
  readonly seconds: number;
  readonly nanos: number;
}

export type TapHeader =
  | { readonly name: string; readonly valueStr: string }
  /** Base64 of bytes that are no text. */
  | { readonly name: string; readonly valueBin: string };

export interface TapRequestInit {
  readonly id: TapStreamId;
  readonly method: string;
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  readonly headers: readonly TapHeader[];
}

export interface TapResponseInit {
  readonly id: TapStreamId;
  readonly sinceRequestInit: TapDuration;
  readonly httpStatus: number;
  readonly headers: readonly TapHeader[];
}

export interface TapResponseEnd {
  readonly id: TapStreamId;
  readonly sinceRequestInit: TapDuration;
  readonly sinceResponseInit: TapDuration;
  readonly responseBytes: number;
  readonly trailers: readonly TapHeader[];
  /** Left out when the response ended in no gRPC status. */
  readonly grpcStatusCode?: number;
  readonly resetErrorCode?: number;
}

export interface TapEventRecord {
  readonly source: TapEndpoint;
  readonly destination: TapEndpoint;
  readonly routeMeta: Readonly<Record<string, string>>;
  readonly proxyDirection: "INBOUND" | "OUTBOUND" | "UNKNOWN";
  readonly requestInitEvent?: TapRequestInit;
  readonly responseInitEvent?: TapResponseInit;
  readonly responseEndEvent?: TapResponseEnd;
}

/** The pod at an end of a request, or its address. */
export function tapName({ ip, metadata }: TapEndpoint): string {
  return metadata["pod"] ?? ip;
}

/**
 * Tells a request from every other that is observed. Two pods may count alike: a stream's number says nothing without its
 * proxy, which is at one of the two ends.
 */
export function tapRequestKey(event: TapEventRecord): string {
  const { proxyDirection, source, destination, requestInitEvent, responseInitEvent, responseEndEvent } =
    event;
  const id = (requestInitEvent ?? responseInitEvent ?? responseEndEvent)?.id;
  const proxy = proxyDirection === "INBOUND" ? destination.ip : source.ip;
  return `${proxyDirection} ${proxy} ${id?.base} ${id?.stream}`;
}

export type TapLine =
  /** First: the pods that are observed, as `namespace/name`, and those that are not. */
  | { readonly observing: { readonly pods: readonly string[]; readonly untapped: readonly UntappedPod[] } }
  | { readonly event: TapEventRecord }
  /** A pod cannot be observed now; it is tried again. */
  | { readonly trouble: { readonly pod: string; readonly detail: string } }
  /** So many events were left out since the last such line: the reader was too slow. */
  | { readonly dropped: number }
  /** Last, when it ends with an error. */
  | { readonly error: MeshError };

/** Requests a second when nothing is said, and at most. */
export const DEFAULT_MAX_RPS = 100, LARGEST_MAX_RPS = 10_000;
