/**
 * A gRPC server of the control plane: typed handlers, streams that follow a watched value, counters, a drained stop.
 *
 * Handlers are async functions that throw RpcError; what else they throw is Internal and logged, so that a defect in
 * one call is neither silent nor fatal.
 */
import "./goaway_fix.ts";
import {
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type RequestOf, type ResponseOf, serviceDefinition, type ServiceDescription } from "./service.ts";
import { Code, RpcError } from "./status.ts";
import type { Watched } from "./watched.ts";

/** The writing end of a server stream. */
export interface Stream<Message> {
  /** Aborted when the client goes away or the server stops. */
  readonly closed: AbortSignal;
  /**
   * Sends what `messages` makes of each change, until the stream is closed.
   *
   * @param messages the previous value (undefined at first) and the next one → what to send, may be nothing
   */
  follow<Value>(
    source: Watched<Value>,
    messages: (previous: Value | undefined, next: Value) => Iterable<Message>,
  ): void;
}

type Handler<S extends ServiceDescription, M extends keyof S["methods"]> =
  S["methods"][M]["responseStream"] extends true
    ? (request: RequestOf<S, M>, stream: Stream<ResponseOf<S, M>>) => void | Promise<void>
    : (request: RequestOf<S, M>) => ResponseOf<S, M> | Promise<ResponseOf<S, M>>;

export type Handlers<S extends ServiceDescription> = { [M in keyof S["methods"]]: Handler<S, M> };

/** Told of every call's end; where the metrics are counted. */
export type CallObserver = (call: { service: string; method: string; code: number; seconds: number }) => void;
export type OpenObserver = (call: { service: string; method: string }, change: 1 | -1) => void;

export interface GrpcServerOptions {
  onCall?: CallObserver;
  onOpen?: OpenObserver;
}

interface Failure {
  code: number;
  details: string;
}

function failureOf(path: string, error: unknown): Failure {
  if (error instanceof RpcError) return { code: error.code, details: error.details };
  console.error(`${path}: ${error instanceof Error ? error.stack : error}`);
  return { code: Code.internal, details: error instanceof Error ? error.message : String(error) };
}

export class GrpcServer {
  readonly #server = new Server({
    "grpc.max_receive_message_length": 1024 * 1024,
    "grpc.keepalive_time_ms": 10_000,
    "grpc.keepalive_timeout_ms": 5_000,
    "grpc.keepalive_permit_without_calls": 1,
  });
  readonly #options: GrpcServerOptions;
  readonly #streams = new Set<(failure: Failure) => void>();

  constructor(options: GrpcServerOptions = {}) {
    this.#options = options;
  }

  add<S extends ServiceDescription>(service: S, handlers: Handlers<S>): void {
    const implementation: UntypedServiceImplementation = {};
    for (const key of Object.keys(service.methods)) {
      const handler = handlers[key as keyof Handlers<S>] as (...args: unknown[]) => unknown;
      const method = service.methods[key]!;
      const name = { service: service.fullName, method: method.name };
      implementation[key] = method.responseStream
        ? (call: ServerWritableStream<unknown, unknown>) => this.#stream(name, handler, call)
        : (call: ServerUnaryCall<unknown, unknown>, answer: sendUnaryData<unknown>) =>
          this.#unary(name, handler, call, answer);
    }
    this.#server.addService(serviceDefinition(service), implementation);
  }

  /** @returns the port bound (asked with 0: one that is free) */
  listen(port: number, host = "0.0.0.0"): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
  }

  /** Ends streams as Unavailable, so that clients go elsewhere, waits for unary calls, then cuts what is left. */
  async stop(deadlineMs = 5_000): Promise<void> {
    for (const end of [...this.#streams]) end({ code: Code.unavailable, details: "shutting down" });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#server.forceShutdown();
        resolve();
      }, deadlineMs);
    });
    await Promise.race([new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve())), late]);
    clearTimeout(timer);
  }

  async #unary(
    name: { service: string; method: string },
    handler: (...args: unknown[]) => unknown,
    call: ServerUnaryCall<unknown, unknown>,
    answer: sendUnaryData<unknown>,
  ): Promise<void> {
    const started = performance.now();
    this.#options.onOpen?.(name, 1);
    let code = 0;
    try {
      answer(null, await handler(call.request));
    } catch (error) {
      const failure = failureOf(call.getPath(), error);
      code = failure.code;
      answer(failure);
    }
    this.#options.onOpen?.(name, -1);
    this.#options.onCall?.({ ...name, code, seconds: (performance.now() - started) / 1000 });
  }

  async #stream(
    name: { service: string; method: string },
    handler: (...args: unknown[]) => unknown,
    call: ServerWritableStream<unknown, unknown>,
  ): Promise<void> {
    const started = performance.now();
    const closed = new AbortController();
    let code: number = Code.cancelled;
    this.#options.onOpen?.(name, 1);
    const finish = () => {
      if (closed.signal.aborted) return;
      this.#streams.delete(end);
      closed.abort();
      this.#options.onOpen?.(name, -1);
      this.#options.onCall?.({ ...name, code, seconds: (performance.now() - started) / 1000 });
    };
    const end = (failure: Failure) => {
      if (closed.signal.aborted) return;
      code = failure.code;
      call.emit("error", failure);
      finish();
    };
    this.#streams.add(end);
    call.on("cancelled", finish);
    call.on("close", finish);
    call.on("error", finish);
    try {
      await handler(call.request, new CallStream(call, closed.signal));
    } catch (error) {
      end(failureOf(call.getPath(), error));
    }
  }
}

class CallStream<Message> implements Stream<Message> {
  readonly #call: ServerWritableStream<unknown, unknown>;
  constructor(call: ServerWritableStream<unknown, unknown>, readonly closed: AbortSignal) {
    this.#call = call;
  }

  follow<Value>(
    source: Watched<Value>,
    messages: (previous: Value | undefined, next: Value) => Iterable<Message>,
  ): void {
    if (this.closed.aborted) return;
    let sent: Value | undefined;
    let isBlocked = false;
    const flush = () => {
      if (isBlocked || this.closed.aborted) return;
      const next = source.value;
      if (next === undefined || next === sent) return;
      const previous = sent;
      sent = next;
      for (const message of messages(previous, next)) {
        if (!this.#call.write(message)) isBlocked = true;
      }
    };
    this.#call.on("drain", () => {
      isBlocked = false;
      flush();
    });
    const unsubscribe = source.subscribe(flush);
    this.closed.addEventListener("abort", unsubscribe, { once: true });
    flush();
  }
}
