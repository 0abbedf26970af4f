/**
 * A small HTTP/1.1 server for the admin port, on the proxy's own loop. Requests are few and small; what matters is
 * that a scrape of any size is written in slices, and that nothing here can hold the data path up.
 */
import { Body, Head, HeadFlag, Outcome } from "../../wasm/http1.ts";
import { refusalOf } from "../../wasm/refusal.ts";
import { type Accepted, Listener } from "../accept/listener.ts";
import type { Runtime } from "../runtime.ts";
import { AsyncStream, StreamError } from "../worker/async_stream.ts";
import { NOBODY, Stream } from "../worker/stream.ts";
import type { SocketAddress } from "../../linux/address.ts";

const MAX_HEAD = 16384, MAX_BODY = 65536, MAX_HEADERS = 64, MAX_CONNECTIONS = 64;
const IDLE_MS = 60_000;
const CRLF = [13, 10];

export interface AdminRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: string;
  readonly accept: string;
  readonly body: string;
  readonly isLoopback: boolean;
}

export interface AdminResponse {
  readonly status: number;
  readonly type?: string;
  /** A text, or slices of one that are made and written one by one; each holds until the next is asked for. */
  readonly body: string | Iterable<Uint8Array> | Promise<Iterable<Uint8Array>>;
}

interface ReadRequest {
  readonly request: AdminRequest;
  readonly isKeptAlive: boolean;
  /** Bytes of the next request. */
  readonly rest: Uint8Array<ArrayBuffer>;
}

const PHRASES: Readonly<Record<number, string>> = {
  200: "OK",
  204: "No Content",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  413: "Content Too Large",
  503: "Service Unavailable",
};

export class AdminServer {
  readonly #listener: Listener;
  #connections = 0;
  readonly address: SocketAddress;

  constructor(
    private readonly runtime: Runtime,
    private readonly handle: (request: AdminRequest) => AdminResponse,
  ) {
    const { loop, config, log } = runtime;
    this.#listener = new Listener(
      loop,
      config.adminListen,
      { keepAliveMs: undefined, userTimeoutMs: 30_000, backlog: 128, isReusePort: false },
      (accepted) => this.#accept(accepted),
      (message) => log.warn(message),
    );
    this.address = this.#listener.address;
  }

  #accept({ fd, client }: Accepted): void {
    const { loop, arena } = this.runtime;
    const stream = new AsyncStream(new Stream(loop, arena, fd, NOBODY, "open"));
    if (this.#connections >= MAX_CONNECTIONS) return stream.close();
    this.#connections++;
    const isLoopback = client.ip.startsWith("127.") || client.ip === "::1";
    this.#serve(stream, isLoopback).catch((error) => {
      if (!(error instanceof StreamError)) this.runtime.log.error("admin connection failed", { error });
    }).finally(() => {
      this.#connections--;
      stream.close();
    });
  }

  async #serve(stream: AsyncStream, isLoopback: boolean): Promise<void> {
    let pending = new Uint8Array(0);
    for (;;) {
      const cancel = this.runtime.loop.after(IDLE_MS, () => stream.close());
      const read = await this.#readRequest(stream, pending, isLoopback);
      cancel();
      if (read === undefined) return;
      if ("status" in read) return await this.#respond(stream, read, false, "GET");
      const response = this.handle(read.request);
      await this.#respond(stream, response, read.isKeptAlive, read.request.method);
      if (!read.isKeptAlive) return;
      pending = read.rest;
    }
  }

  /** @returns the request and what came after it; a response when it is refused; undefined at the end */
  async #readRequest(
    stream: AsyncStream,
    pending: Uint8Array<ArrayBuffer>,
    isLoopback: boolean,
  ): Promise<ReadRequest | AdminResponse | undefined> {
    let bytes = pending;
    for (;;) {
      const parsed = this.#parse(bytes, isLoopback);
      if (parsed !== undefined) return parsed;
      const more = await stream.read();
      if (more === null) return undefined;
      const joined = new Uint8Array(bytes.length + more.length);
      joined.set(bytes);
      joined.set(more, bytes.length);
      bytes = joined;
    }
  }

  #parse(bytes: Uint8Array<ArrayBuffer>, isLoopback: boolean): ReadRequest | AdminResponse | undefined {
    if (bytes.length === 0) return undefined;
    const { arena } = this.runtime, { memory, receiveAt: at, recordAt, wasm } = arena, record = recordAt >> 2;
    memory.bytes.set(bytes.subarray(0, MAX_HEAD + 1), at);
    const end = at + Math.min(bytes.length, MAX_HEAD + 1);
    const length = wasm.parseRequestHead(at, end, recordAt, 0, MAX_HEAD, MAX_HEAD, MAX_HEADERS);
    if (length === Outcome.Partial) return undefined;
    const word = (index: number) => memory.words[record + index]!;
    if (length === Outcome.Bad) return { status: 400, body: `${refusalOf(word(Head.Reason)).text}\n` };
    const text = (offset: number, size: number) => arena.readAscii(at + word(offset), word(size));
    const bodyKind = word(Head.Body),
      size = bodyKind === Body.Length ? memory.doubles[(recordAt >> 3) + (Head.ContentLength >> 1)]! : 0;
    if (bodyKind > Body.Length || size > MAX_BODY) return { status: 413, body: "the body is too large\n" };
    if (bytes.length < length + size) return undefined;
    const target = text(Head.PathOffset, Head.PathLength), path = target.slice(0, word(Head.PathOnlyLength));
    const head = arena.readAscii(at, length), accept = /\r\naccept: *([^\r]*)/i.exec(head)?.[1] ?? "*/*";
    return {
      request: {
        method: text(Head.MethodOffset, Head.MethodLength),
        path,
        query: target.slice(path.length + 1),
        accept,
        body: new TextDecoder().decode(bytes.subarray(length, length + size)),
        isLoopback,
      },
      isKeptAlive: (word(Head.Flags) & HeadFlag.KeepAlive) !== 0,
      rest: bytes.slice(length + size),
    };
  }

  async #respond(
    stream: AsyncStream,
    response: AdminResponse,
    isKeptAlive: boolean,
    method: string,
  ): Promise<void> {
    const encoder = new TextEncoder(),
      type = response.type ?? "text/plain; charset=utf-8",
      told = response.body;
    const whole = typeof told === "string" ? encoder.encode(told) : undefined;
    const framing = whole === undefined ? "transfer-encoding: chunked" : `content-length: ${whole.length}`;
    const close = isKeptAlive ? "" : "connection: close\r\n";
    const head =
      `HTTP/1.1 ${response.status} ${PHRASES[response.status] ?? "Error"}\r\ncontent-type: ${type}\r\n` +
      `${response.status === 204 ? "" : `${framing}\r\n`}${close}\r\n`;
    if (typeof told === "string" || method === "HEAD") {
      const body = method === "HEAD" || whole === undefined ? new Uint8Array(0) : whole;
      const bytes = new Uint8Array(head.length + body.length);
      encoder.encodeInto(head, bytes);
      bytes.set(body, head.length);
      return await stream.write(bytes);
    }
    await stream.write(encoder.encode(head));
    const { slices } = this.runtime.loop, body = await told;
    await slices.begun();
    for (const slice of body) {
      await stream.write(chunkOf(slice));
      if (slices.isOver) await slices.begun();
    }
    await stream.write(encoder.encode("0\r\n\r\n"));
  }

  close(): void {
    this.#listener.close();
  }
}

/** In the framing of RFC 9112 §7.1. */
function chunkOf(data: Uint8Array): Uint8Array {
  const size = data.length.toString(16), chunk = new Uint8Array(size.length + data.length + 4);
  for (let i = 0; i < size.length; i++) chunk[i] = size.charCodeAt(i);
  chunk.set(CRLF, size.length);
  chunk.set(data, size.length + 2);
  chunk.set(CRLF, size.length + 2 + data.length);
  return chunk;
}
