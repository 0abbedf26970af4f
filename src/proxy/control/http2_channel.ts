/**
 * A control service as a channel: resolves its name, connects (mutual TLS to the identity it must prove, plain text on
 * loopback), and makes a new connection when there is none that takes calls. Calls made while it connects wait.
 */
import type { SocketAddress } from "../../linux/address.ts";
import type { ControlAddress } from "../config/environment.ts";
import type { Dialer } from "../connect/dialer.ts";
import type { Log } from "../telemetry/log.ts";
import { AsyncStream } from "../worker/async_stream.ts";
import { NOBODY, Stream } from "../worker/stream.ts";
import type { Resolver } from "./dns/resolver.ts";
import { type GrpcChannel, GrpcCode, GrpcError, type GrpcStatus, type StreamObserver } from "./grpc.ts";
import type { HeaderCodec } from "./header_codec.ts";
import { Http2Connection } from "./http2_connection.ts";
import type { Watch } from "./plane.ts";

const CONNECT_TIMEOUT_MS = 3000;
/** How often a connect that hangs looks whether its name still has that address. */
const RECHECK_MS = 300;

export interface ChannelOptions {
  readonly service: ControlAddress;
  readonly dialer: Dialer;
  readonly resolver: Resolver;
  readonly log: Log;
  readonly createCodec: () => HeaderCodec;
  /** The service is none of the mesh's own: see ConnectionOptions. */
  readonly isQuietWhenIdle?: boolean;
}

export class Http2Channel implements GrpcChannel {
  #connection: Http2Connection | undefined;
  #connecting: Promise<Http2Connection> | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(private readonly options: ChannelOptions) {}

  #usable(): Promise<Http2Connection> {
    if (this.#connection?.isUsable) return Promise.resolve(this.#connection);
    return this.#connecting ??= this.#connect().finally(() => this.#connecting = undefined);
  }

  onAnswer(listener: () => void): Watch {
    this.#listeners.add(listener);
    return { cancel: () => this.#listeners.delete(listener) };
  }

  async #connect(): Promise<Http2Connection> {
    const { service, resolver } = this.options, addresses = await resolver.resolve(service.host);
    const start = Math.floor(Math.random() * addresses.length);
    let problem: unknown;
    for (let i = 0; i < addresses.length; i++) {
      const ip = addresses[(start + i) % addresses.length]!;
      try {
        return this.#connection = await this.#connectTo({ ip, port: service.port });
      } catch (error) {
        problem = error;
      }
    }
    // A control plane that came back is elsewhere: what the name stood for is not asked of memory again.
    resolver.distrust(service.host);
    throw problem ?? new Error(`${service.host} has no address`);
  }

  async #connectTo(address: SocketAddress): Promise<Http2Connection> {
    const { service, dialer, log } = this.options, { loop } = dialer;
    const peer = service.identity === undefined
      ? undefined
      : { serverName: service.identity, name: service.identity, isTransport: false };
    const dialled = dialer.dial(address, NOBODY, peer),
      where = `${service.host}:${service.port} (${address.ip})`;
    if (!(dialled instanceof Stream)) throw new Error(`${where}: ${dialled.detail}`);
    const stream = new AsyncStream(dialled);
    const cancelTimeout = loop.after(CONNECT_TIMEOUT_MS, () => dialled.connectTimedOut());
    const cancelWatch = this.#giveUpWhenMoved(dialled, address.ip);
    const cancel = () => {
      cancelTimeout();
      cancelWatch();
    };
    try {
      await stream.opened();
    } catch (error) {
      throw new Error(`${where}: ${error instanceof Error ? error.message : error}`);
    } finally {
      cancel();
    }
    log.debug("connected to a control service", { service: where });
    return new Http2Connection(stream, {
      loop,
      authority: `${service.host}:${service.port}`,
      codec: this.options.createCodec(),
      isQuietWhenIdle: this.options.isQuietWhenIdle ?? false,
      onClosed: (reason) => log.debug("control connection closed", { service: where, reason }),
    });
  }

  /** The address of a pod that is gone need not refuse: packets to it vanish, while its successor is there already. */
  #giveUpWhenMoved(stream: Stream, ip: string): () => void {
    const { service, resolver, dialer: { loop } } = this.options;
    let isOver = false, cancel = () => {};
    const look = async () => {
      resolver.distrust(service.host);
      // While the name server is away there is no better address to be had.
      const addresses = await resolver.resolve(service.host).catch(() => [ip]);
      if (isOver) return;
      if (addresses.includes(ip)) cancel = loop.after(RECHECK_MS, look);
      else stream.fail({ code: "connect", detail: "it has moved to another address", errno: 0 });
    };
    cancel = loop.after(RECHECK_MS, look);
    return () => {
      isOver = true;
      cancel();
    };
  }

  serverStream(path: string, request: Uint8Array, observer: StreamObserver): Watch {
    let watch: Watch | undefined, isCancelled = false, hasAnswered = false;
    const onMessage = (message: Uint8Array) => {
      observer.onMessage(message);
      if (hasAnswered) return;
      hasAnswered = true;
      for (const listener of [...this.#listeners]) listener();
    };
    this.#usable().then((connection) => {
      if (isCancelled) return;
      watch = connection.call(path, request, { onMessage, onEnd: (status) => observer.onEnd(status) });
    }).catch((error) => {
      if (isCancelled) return;
      observer.onEnd({
        code: GrpcCode.UNAVAILABLE,
        message: error instanceof Error ? error.message : String(error),
      });
    });
    return {
      cancel: () => {
        isCancelled = true;
        watch?.cancel();
      },
    };
  }

  unary(path: string, request: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    return new Promise((done, failed) => {
      let answer: Uint8Array | undefined;
      const finish = (status: GrpcStatus) => {
        cancelTimer();
        if (status.code === GrpcCode.OK && answer !== undefined) done(answer);
        else failed(new GrpcError(status));
      };
      const cancelTimer = this.options.dialer.loop.after(timeoutMs, () => {
        watch.cancel();
        finish({ code: GrpcCode.DEADLINE_EXCEEDED, message: `no answer within ${timeoutMs} ms` });
      });
      const watch = this.serverStream(path, request, {
        onMessage: (message) => answer = message.slice(),
        onEnd: finish,
      });
    });
  }

  close(): void {
    this.#connection?.close();
  }
}
