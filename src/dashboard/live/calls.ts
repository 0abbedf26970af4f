/**
 * Requests of a workload, one by one, as server-sent events: `call` for each that has ended, `fault` with a MeshError
 * when there are none to be had. A reader is a tap of its own, and ends with it; few at a time.
 */
import { readLines } from "../../kube/lines.ts";
import { type MeshError, MeshFailure, toMeshError } from "../../mesh/error.ts";
import { type TapEventRecord, type TapLine, tapName, type TapQuery, tapRequestKey } from "../../mesh/tap.ts";
import { eventResponse, RETRY_LINE, tooManyReaders } from "./event_response.ts";
import type { MetricsApi } from "../metrics_api.ts";

export interface Call {
  /** Numbers the calls of one stream. */
  readonly id: number;
  /** Milliseconds since the epoch, when its response ended. */
  readonly at: number;
  readonly direction: "inbound" | "outbound";
  /** The pod at the other end, or its address. */
  readonly peer: string;
  readonly isMtls: boolean;
  readonly method: string;
  readonly path: string;
  /** 0 when no response began. */
  readonly status: number;
  /** gRPC status, where there is one. */
  readonly grpc?: number;
  readonly latencyMs: number;
}

const MAX_READERS = 8, MAX_OPEN = 2000, MAX_BEHIND = 64, LONGEST_PATH = 200;

/** Puts the events of requests together to calls. */
export class CallBuilder {
  readonly #open = new Map<string, TapEventRecord[]>();
  #calls = 0;

  constructor(private readonly now: () => number = Date.now) {}

  /** @returns the call that this event ends */
  take(event: TapEventRecord): Call | undefined {
    const { requestInitEvent, responseEndEvent, proxyDirection, source, destination } = event;
    const key = tapRequestKey(event);
    const events = this.#open.get(key);
    if (requestInitEvent !== undefined) {
      this.#open.set(key, [event]);
      if (this.#open.size > MAX_OPEN) this.#open.delete(this.#open.keys().next().value!);
      return undefined;
    }
    events?.push(event);
    if (responseEndEvent === undefined || events === undefined) return undefined;
    this.#open.delete(key);
    const request = events[0]!.requestInitEvent!;
    const response = events.find((one) => one.responseInitEvent !== undefined)?.responseInitEvent;
    const { seconds, nanos } = (response ?? responseEndEvent).sinceRequestInit;
    const isInbound = proxyDirection === "INBOUND", peer = isInbound ? source : destination;
    const { grpcStatusCode: grpc } = responseEndEvent;
    return {
      id: ++this.#calls,
      at: this.now(),
      direction: isInbound ? "inbound" : "outbound",
      peer: tapName(peer),
      isMtls: peer.metadata["tls"] === "true",
      method: request.method,
      path: request.path.slice(0, LONGEST_PATH),
      status: response?.httpStatus ?? 0,
      ...(grpc === undefined ? {} : { grpc }),
      latencyMs: seconds * 1000 + nanos / 1e6,
    };
  }
}

export class Calls {
  #readers = 0;
  readonly #stopped = new AbortController();

  constructor(private readonly api: Pick<MetricsApi, "tap">) {}

  get readers(): number {
    return this.#readers;
  }

  /** @returns status 503 when there are too many readers */
  open(query: TapQuery): Response {
    if (this.#readers >= MAX_READERS || this.#stopped.signal.aborted) {
      return tooManyReaders();
    }
    this.#readers++;
    const left = new AbortController(), signal = AbortSignal.any([left.signal, this.#stopped.signal]);
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(encoder.encode(RETRY_LINE));
        const send = (name: string, data: object) => {
          if ((controller.desiredSize ?? 0) <= 0) return; // a reader that has fallen behind misses calls
          controller.enqueue(encoder.encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`));
        };
        this.#run(query, signal, send).catch((error) => {
          if (!signal.aborted) send("fault", toMeshError(error));
        }).finally(() => {
          this.#readers--;
          if (!left.signal.aborted) controller.close();
        });
      },
      cancel: () => left.abort(),
    }, { highWaterMark: MAX_BEHIND });
    return eventResponse(body);
  }

  async #run(
    query: TapQuery,
    signal: AbortSignal,
    send: (name: string, data: object) => void,
  ): Promise<void> {
    const builder = new CallBuilder();
    for await (const text of readLines(await this.api.tap(query, signal))) {
      if (text.trim() === "") continue;
      const line = JSON.parse(text) as TapLine;
      if ("error" in line) throw new MeshFailure(line.error);
      if ("trouble" in line) {
        const fault: MeshError = {
          code: "tap-trouble",
          source: "mesh",
          detail: `${line.trouble.pod} cannot be watched now: ${line.trouble.detail}`,
        };
        send("fault", fault);
      }
      const call = "event" in line ? builder.take(line.event) : undefined;
      if (call !== undefined) send("call", call);
    }
  }

  /** Ends all streams; there are no new ones. */
  stop(): void {
    this.#stopped.abort();
  }
}
