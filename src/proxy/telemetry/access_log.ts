/**
 * The access log: a line on stderr for each request that reached this workload, in Apache's common form or as JSON.
 * Off unless it is asked for, since it makes strings per request. Lines of a turn are written at its end.
 * Source: proxy.md §14.
 */
import { Body, Head, HeaderName } from "../../wasm/http1.ts";
import { headerText } from "../http/record.ts";
import type { Arena } from "../worker/arena.ts";
import type { Flushable, Loop } from "../worker/loop.ts";

/** What is known of a request when its head has come. */
export interface AccessRequest {
  readonly timestamp: number;
  /** `ip:port` of the client. */
  readonly clientAddress: string;
  /** Its identity, "-" without one. */
  readonly clientId: string;
  readonly method: string;
  readonly uri: string;
  readonly host: string;
  readonly version: string;
  readonly userAgent: string;
  readonly traceId: string;
  /** As Content-Length says; "" where it does not. */
  readonly requestBytes: string;
}

/** What is known when its response has ended. */
export interface AccessResponse {
  readonly status: number;
  readonly responseBytes: string;
  /** Until the response's head. */
  readonly processingMicros: number;
  readonly totalMicros: number;
}

/** Headers that carry a trace's id, in the order they are looked at. */
const TRACE_HEADERS = [HeaderName.B3TraceId, HeaderName.RequestId] as const;
const VERSIONS: Readonly<Record<number, string>> = { 10: "HTTP/1.0", 11: "HTTP/1.1", 20: "HTTP/2.0" };

/** The length that the head in the record says its body has; "" where it does not. */
export function lengthText({ memory, recordAt }: Arena): string {
  if (memory.words[(recordAt >> 2) + Head.Body] !== Body.Length) return "";
  return String(memory.doubles[(recordAt >> 3) + (Head.ContentLength >> 1)]!);
}

function apache(request: AccessRequest, { status, responseBytes }: AccessResponse): string {
  const { clientAddress, clientId, method, uri, version } = request;
  const time = new Date(request.timestamp).toISOString();
  return `${clientAddress} ${clientId} - [${time}] "${method} ${uri} ${version}" ${status} ${responseBytes}`;
}

function json(request: AccessRequest, response: AccessResponse): string {
  return JSON.stringify({
    "client.addr": request.clientAddress,
    "client.id": request.clientId,
    host: request.host,
    method: request.method,
    processing_ns: response.processingMicros * 1000,
    request_bytes: request.requestBytes,
    response_bytes: response.responseBytes,
    status: response.status,
    timestamp: new Date(request.timestamp).toISOString(),
    total_ns: response.totalMicros * 1000,
    trace_id: request.traceId,
    uri: request.uri,
    user_agent: request.userAgent,
    version: request.version,
  });
}

/** Bytes of standard error; a full pipe is written to until all of them went. */
function writeToStandardError(text: string): void {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(Deno.stderr.writeSync(bytes));
}

export class AccessLog implements Flushable {
  isFlushQueued = false;
  #lines = "";
  readonly #format: (request: AccessRequest, response: AccessResponse) => string;

  constructor(
    private readonly loop: Loop,
    private readonly arena: Arena,
    format: "apache" | "json",
    private readonly write: (text: string) => void = writeToStandardError,
    private readonly now: () => number = Date.now,
  ) {
    this.#format = format === "json" ? json : apache;
  }

  /** Reads the request whose head stands in the record (offsets from `at`). */
  begin(at: number, version: number, clientAddress: string, clientId: string | undefined): AccessRequest {
    const { arena } = this, { words } = arena.memory, record = arena.recordAt >> 2;
    const span = (offset: Head, length: Head) =>
      arena.readAscii(at + words[record + offset]!, words[record + length]!);
    const trace = TRACE_HEADERS.map((id) => headerText(arena, at, id)).find((text) => text !== "");
    return {
      timestamp: this.now(),
      clientAddress,
      clientId: clientId ?? "-",
      method: span(Head.MethodOffset, Head.MethodLength),
      uri: span(Head.TargetOffset, Head.TargetLength),
      host: span(Head.AuthorityOffset, Head.AuthorityLength),
      version: VERSIONS[version] ?? "",
      userAgent: headerText(arena, at, HeaderName.UserAgent),
      traceId: trace ?? "",
      requestBytes: lengthText(arena),
    };
  }

  end(request: AccessRequest, response: AccessResponse): void {
    this.#lines += this.#format(request, response) + "\n";
    this.loop.flushLater(this);
  }

  flush(): void {
    const lines = this.#lines;
    this.#lines = "";
    this.write(lines);
  }
}
