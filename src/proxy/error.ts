/**
 * What goes wrong in the data plane, as a value: one record feeds the response, the log, the metric's label and the
 * decision to try again. Source of the statuses: proxy.md §10.
 */

export type ErrorCode =
  | "bad-request"
  | "unauthorized"
  | "no-endpoints"
  | "failfast"
  | "load-shed"
  | "connect-timeout"
  | "connect-failed"
  | "tls-failed"
  | "upstream-reset"
  | "refused"
  | "bad-response"
  | "request-timeout"
  | "call-timeout"
  | "response-timeout"
  | "attempt-timeout"
  | "idle-timeout"
  | "identity-required"
  | "forbidden-route"
  | "route-not-found"
  | "redirect"
  | "injected-failure"
  | "rate-limited"
  | "no-dispatcher"
  | "invalid-policy"
  | "lookup-refused"
  | "loop"
  | "not-a-gateway"
  | "shutting-down"
  | "internal";

export interface ProxyError {
  /** Stable, documented, greppable. */
  readonly code: ErrorCode;
  /** Whose doing it is. */
  readonly source: "client" | "server" | "mesh";
  /** The response a client gets. */
  readonly status: number;
  /** The request never reached the application, so that another endpoint may be given it. */
  readonly isUndelivered: boolean;
  /** The client's connection is closed after the response. */
  readonly isClosing: boolean;
  /** Value of the `error` label of inbound_http_errors_total and outbound_http_errors_total. */
  readonly label: string;
  /** For people: what was tried, what was seen. */
  readonly detail: string;
  /** The HTTP/2 error code that an HTTP/2 client is told, where the upstream's stream was reset with it. */
  readonly reset?: number;
  /** The connection was reset before a word of the peer: its system had the request, and nobody had read all of it. */
  readonly isUnread?: true;
  /** Where the client should ask instead. */
  readonly location?: string;
  /** The gRPC code, where it is not the status' own. */
  readonly grpcCode?: number;
}

type Template = Omit<ProxyError, "code" | "detail" | "reset" | "isUnread" | "location">;

const template = (
  source: Template["source"],
  status: number,
  label: string,
  isClosing: boolean,
  isUndelivered: boolean,
): Template => ({ source, status, label, isClosing, isUndelivered });

const TEMPLATES: Readonly<Record<ErrorCode, Template>> = {
  "bad-request": template("client", 400, "bad request", true, true),
  "unauthorized": template("client", 403, "unauthorized", false, true),
  "no-endpoints": template("mesh", 504, "failfast", true, true),
  "failfast": template("mesh", 504, "failfast", true, true),
  "load-shed": template("mesh", 503, "loadshed", true, true),
  "connect-timeout": template("server", 504, "i/o", true, true),
  "connect-failed": template("server", 502, "i/o", true, true),
  "tls-failed": template("mesh", 502, "i/o", true, true),
  "upstream-reset": template("server", 502, "i/o", true, false),
  "refused": template("server", 503, "i/o", true, true),
  "bad-response": template("server", 502, "i/o", true, false),
  "request-timeout": template("server", 504, "response timeout", false, false),
  "call-timeout": template("client", 504, "response timeout", false, false),
  "response-timeout": template("server", 504, "response timeout", false, false),
  "attempt-timeout": template("server", 504, "response timeout", false, false),
  "idle-timeout": template("server", 504, "response timeout", false, false),
  "identity-required": template("client", 502, "identity required", true, true),
  "forbidden-route": template("mesh", 404, "unexpected", false, true),
  "route-not-found": template("client", 404, "unexpected", false, false),
  "redirect": { ...template("mesh", 301, "unexpected", false, false), grpcCode: 5 },
  "injected-failure": { ...template("mesh", 500, "unexpected", false, false), grpcCode: 9 },
  "rate-limited": template("client", 429, "unexpected", false, false),
  "no-dispatcher": template("mesh", 502, "unexpected", true, false),
  "invalid-policy": template("mesh", 500, "unexpected", true, true),
  "lookup-refused": template("mesh", 502, "i/o", true, true),
  "not-a-gateway": template("client", 404, "gateway domain invalid", false, true),
  "loop": template("client", 508, "gateway loop", true, true),
  "shutting-down": template("mesh", 503, "loadshed", true, true),
  "internal": template("mesh", 500, "unexpected", true, false),
};

/** The record of an error; `status` replaces the usual one (a parser's 414, 431, 501, 505). */
export function proxyError(code: ErrorCode, detail: string, status?: number): ProxyError {
  const base = TEMPLATES[code];
  return { ...base, code, detail, status: status ?? base.status };
}

const PHRASES: Readonly<Record<number, string>> = {
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  414: "URI Too Long",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
  508: "Loop Detected",
};

/** What a client is told with an error, and how. */
export interface ErrorForm {
  /** The HTTP/1 connection ends with it. */
  readonly isClosing?: boolean;
  /** A gRPC call: the status travels in gRPC's own fields. */
  readonly isGrpc?: boolean;
}

/** gRPC status codes by HTTP status (proxy.md §10). */
const GRPC_CODES: Readonly<Record<number, number>> = {
  400: 13,
  403: 7,
  404: 5,
  429: 8,
  431: 8,
  502: 14,
  503: 14,
  504: 4,
  508: 10,
};
const INTERNAL = 13;

/** RFC 9110 §8.6: no length where there can be no content. */
function lengthLine(status: number): string {
  return status === 204 ? "" : "content-length: 0\r\n";
}

/** The gRPC status that stands for an error. */
export function grpcCodeOf({ grpcCode, status }: Pick<ProxyError, "grpcCode" | "status">): number {
  return grpcCode ?? GRPC_CODES[status] ?? INTERNAL;
}

/** A time that was set for the request has passed: nothing is wrong with its connections. */
export function isOverdue({ code }: ProxyError): boolean {
  return code === "request-timeout" || code === "call-timeout" || code === "response-timeout" ||
    code === "idle-timeout";
}

/**
 * Why a response did not come whole, as series of responses are told: a limit that passed by its code, else the label.
 * Undefined for a redirect, which is all that the client was to get.
 */
export function reasonOf(error: ProxyError): string | undefined {
  if (error.code === "redirect") return undefined;
  return isOverdue(error) || error.code === "attempt-timeout" ? error.code : error.label;
}

/** What may be quoted of a detail: printable ASCII, since it may say what a peer sent. */
function quotable(detail: string): string {
  return detail.replace(/[^\x20-\x7e]/g, "?").slice(0, 512);
}

/** The trailers that end a gRPC call with `error`, as HTTP/1 writes them. */
export function errorTrailers(error: ProxyError, isInformed: boolean): string {
  const message = isInformed ? `grpc-message: ${quotable(error.detail).replaceAll("%", "%25")}\r\n` : "";
  return `grpc-status: ${grpcCodeOf(error)}\r\n${message}\r\n`;
}

/** The head that tells a client of `error`, as HTTP/1 writes it; there is no body. */
export function errorHead(error: ProxyError, isInformed: boolean, form: ErrorForm): string {
  const detail = quotable(error.detail);
  let head = form.isGrpc
    ? `HTTP/1.1 200 OK\r\ncontent-length: 0\r\ncontent-type: application/grpc\r\ngrpc-status: ${
      grpcCodeOf(error)
    }\r\n`
    : `HTTP/1.1 ${error.status} ${PHRASES[error.status] ?? "Error"}\r\n${lengthLine(error.status)}`;
  if (error.location !== undefined && !form.isGrpc) head += `location: ${error.location}\r\n`;
  if (isInformed) {
    if (form.isGrpc) head += `grpc-message: ${detail.replaceAll("%", "%25")}\r\n`;
    head += `l5d-proxy-error: ${detail}\r\n`;
    if (error.isUndelivered) head += "l5d-proxy-undelivered: true\r\n";
    if (error.isClosing) head += "l5d-proxy-connection: close\r\n";
  }
  if (form.isClosing) head += "connection: close\r\n";
  return head + "\r\n";
}
