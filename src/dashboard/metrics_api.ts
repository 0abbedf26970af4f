/**
 * The client of the mesh's statistics API (src/mesh/api.ts): all the dashboard knows about a cluster.
 *
 * Every failure becomes a MeshFailure that names what was asked, what was seen and what to do: the error page shows
 * it as it is.
 */
import {
  apiPath,
  type EdgesQuery,
  type EdgesResponse,
  type ErrorResponse,
  type NamespacesResponse,
  type SeriesQuery,
  type SeriesResponse,
  type StatKind,
  type StatQuery,
  type StatResponse,
  type StatusResponse,
  type WorkloadsResponse,
} from "../mesh/api.ts";
import type { RoutesQuery, StatInboundResponse, StatOutboundResponse } from "../mesh/route_api.ts";
import { type MeshError, MeshFailure } from "../mesh/error.ts";
import type { TapQuery } from "../mesh/tap.ts";

/** Longer than an answer over six hours of figures takes, shorter than a reader's patience. */
const TIMEOUT_MS = 5_000;

export interface MetricsApi {
  stat(query: StatQuery): Promise<StatResponse>;
  edges(query: EdgesQuery): Promise<EdgesResponse>;
  statInbound(query: RoutesQuery): Promise<StatInboundResponse>;
  statOutbound(query: RoutesQuery): Promise<StatOutboundResponse>;
  series(query: SeriesQuery): Promise<SeriesResponse>;
  workloads(query: { namespace?: string; kind?: StatKind; name?: string }): Promise<WorkloadsResponse>;
  namespaces(): Promise<NamespacesResponse>;
  status(): Promise<StatusResponse>;
  /** Requests one by one, until `signal` aborts. @throws MeshFailure when the tap cannot begin */
  tap(query: TapQuery, signal: AbortSignal): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
}

/** @param base `http://metrics-api.linkerd.svc.cluster.local:8080` */
export function connectMetricsApi(base: string): MetricsApi {
  const get = async <T>(path: string, query: object = {}): Promise<T> => await request<T>(base, path, query);
  return {
    stat: (query) => get("/api/v1/stat", query),
    edges: (query) => get("/api/v1/edges", query),
    statInbound: (query) => get("/api/v1/stat-inbound", query),
    statOutbound: (query) => get("/api/v1/stat-outbound", query),
    series: (query) => get("/api/v1/series", query),
    workloads: (query) => get("/api/v1/workloads", query),
    namespaces: () => get("/api/v1/namespaces"),
    status: () => get("/api/v1/status"),
    tap: (query, signal) => openTap(base, query, signal),
  };
}

async function request<T>(base: string, path: string, query: object): Promise<T> {
  const url = new URL(apiPath(path, query), base);
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    text = await response.text();
  } catch (error) {
    throw new MeshFailure(unreachable(url, error));
  }
  const body = parse(text);
  if (response.ok && body !== undefined) return body as T;
  throw refusalIn(body, url, response.status);
}

/** What metrics-api says is wrong; or that it was not metrics-api which answered. */
function refusalIn(body: unknown, url: URL, status: number): MeshFailure {
  return new MeshFailure(
    (body as Partial<ErrorResponse> | undefined)?.error ?? {
      code: "metrics-api-answer-unreadable",
      source: "mesh",
      detail: `GET ${url} was answered with status ${status} and no readable JSON`,
      remedy: "Check that --metrics-api-addr names the HTTP port (8080) of metrics-api.",
    },
  );
}

async function openTap(base: string, query: TapQuery, signal: AbortSignal) {
  const url = new URL(apiPath("/api/v1/tap", query), base);
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (error) {
    throw new MeshFailure(unreachable(url, error));
  }
  if (response.ok && response.body !== null) return response.body;
  throw refusalIn(parse(await response.text()), url, response.status);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the caller says what was asked, and with which status it was answered
  }
}

/** What the system said: `fetch` wraps it in words of its own. */
function innermost(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  return inner instanceof Error ? inner.message : String(inner);
}

function unreachable(url: URL, error: unknown): MeshError {
  const isTimeout = error instanceof DOMException && error.name === "TimeoutError";
  return {
    code: isTimeout ? "metrics-api-timeout" : "metrics-api-unreachable",
    source: "mesh",
    detail: isTimeout
      ? `metrics-api at ${url.origin} did not answer within ${TIMEOUT_MS / 1000} s`
      : `metrics-api at ${url.origin} could not be reached`,
    remedy:
      "Look at its pods with `kubectl -n linkerd get pods -l linkerd.io/control-plane-component=metrics-api`, " +
      "and at the whole control plane with `linkerd check`.",
    cause: {
      code: "connection",
      source: "cluster",
      detail: innermost(error),
    },
  };
}
