/** What the admin port answers. Source: proxy.md §12. */
import type { Runtime } from "../runtime.ts";
import type { AdminRequest, AdminResponse } from "./http.ts";

export interface AdminState {
  /** The first certificate has come; never false again. */
  isReady: boolean;
  /** Why the proxy does not work as it should; undefined when it does. */
  complaint(): string | undefined;
  /** Begins an orderly shutdown. */
  shutdown(): void;
  /** The environment as the process got it. */
  readonly environment: Readonly<Record<string, string>>;
  /** The text of /metrics, in pieces. */
  metrics(): Iterable<Uint8Array> | Promise<Iterable<Uint8Array>>;
  /** The log's filter has been changed. */
  onLogFilter(filter: string): void;
}

const text = (status: number, body: string): AdminResponse => ({ status, body: `${body}\n` });
const NOT_ALLOWED = text(405, "method not allowed");

/** The environment's values, those asked for or all; secrets are files, so that nothing here is secret. */
function environmentOf(request: AdminRequest, state: AdminState): AdminResponse {
  if (!/\*\/\*|application\/(\*|json)/.test(request.accept)) {
    return text(406, "only application/json can be had");
  }
  if (request.query.includes("=")) return text(400, "name variables without values: ?A&B");
  const names = request.query.split("&").filter((name) => name !== "");
  const values = names.length === 0
    ? state.environment
    : Object.fromEntries(names.map((name) => [name, state.environment[name] ?? null]));
  return { status: 200, type: "application/json", body: JSON.stringify(values, null, 2) + "\n" };
}

function logLevel(request: AdminRequest, runtime: Runtime, state: AdminState): AdminResponse {
  if (!request.isLoopback) return text(403, "only from within the pod");
  if (request.method === "GET") return text(200, runtime.log.filter);
  if (request.method !== "PUT") return NOT_ALLOWED;
  const filter = request.body.trim(), isSet = runtime.log.setFilter(filter);
  if (isSet) state.onLogFilter(filter);
  return isSet ? { status: 204, body: "" } : text(400, "not a log filter, such as warn,linkerd=debug");
}

function shutdown(request: AdminRequest, runtime: Runtime, state: AdminState): AdminResponse {
  if (!runtime.config.isShutdownEndpointEnabled) {
    return text(404, "not enabled: config.linkerd.io/proxy-admin-shutdown");
  }
  if (request.method !== "POST") return NOT_ALLOWED;
  if (!request.isLoopback) return text(403, "only from within the pod");
  state.shutdown();
  return text(200, "shutting down");
}

/** Everything the proxy was told, without what only the environment should show (anchors are long). */
function configOf(runtime: Runtime): AdminResponse {
  const { config } = runtime, identity = { ...config.identity, trustAnchors: undefined };
  const plain = {
    ...config,
    identity,
    inboundIps: [...config.inboundIps],
    inboundPorts: [...config.inboundPorts],
  };
  return { status: 200, type: "application/json", body: JSON.stringify(plain, null, 2) + "\n" };
}

/** Answers one request of the admin port. */
export function answerAdmin(request: AdminRequest, runtime: Runtime, state: AdminState): AdminResponse {
  switch (request.path) {
    case "/live": {
      const complaint = state.complaint();
      return complaint === undefined ? text(200, "live") : text(503, complaint);
    }
    case "/ready":
      return state.isReady ? text(200, "ready") : text(503, "not ready");
    case "/metrics":
      if (request.method !== "GET" && request.method !== "HEAD") return NOT_ALLOWED;
      return {
        status: 200,
        type: "text/plain; version=0.0.4; charset=utf-8",
        body: state.metrics(),
      };
    case "/env.json":
      return request.method === "GET" ? environmentOf(request, state) : NOT_ALLOWED;
    case "/config":
      return request.method === "GET" ? configOf(runtime) : NOT_ALLOWED;
    case "/proxy-log-level":
      return logLevel(request, runtime, state);
    case "/shutdown":
      return shutdown(request, runtime, state);
  }
  return text(404, "not found");
}
