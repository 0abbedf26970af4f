/**
 * A server stream that stays: opened again with back-off whenever it ends, until the server says that there is no
 * point. What was told before stands until the next message: the data plane goes on with what it knows.
 * Source: protocol-api.md §0 (stream limits, status handling).
 */
import type { Backoff, StreamLimits } from "../config/environment.ts";
import type { Loop } from "../worker/loop.ts";
import { backoffDelay } from "./backoff.ts";
import { type GrpcChannel, GrpcCode, type GrpcStatus } from "./grpc.ts";
import type { Watch } from "./plane.ts";

export interface ResilientStreamOptions {
  readonly channel: GrpcChannel;
  readonly loop: Loop;
  readonly path: string;
  readonly request: Uint8Array;
  readonly backoff: Backoff;
  readonly limits: StreamLimits;
  /** @param isFirst the first message since the stream was (re)opened: what is known is told from the start */
  readonly onMessage: (message: Uint8Array, isFirst: boolean) => void;
  /** True when a status means that asking again is of no use. */
  readonly isFinal: (status: GrpcStatus) => boolean;
  /** Told once, with the final status. */
  readonly onFinal: (status: GrpcStatus) => void;
  /** Told of every end that leads to another attempt. */
  readonly onRetry: (status: GrpcStatus, delayMs: number) => void;
}

export class ResilientStream implements Watch {
  #stream: Watch | undefined;
  #isCancelled = false;
  #attempt = 0;
  #isFirst = true;
  #cancelTimers: (() => void)[] = [];
  #cancelRetry: (() => void) | undefined;
  #cancelIdle: (() => void) | undefined;

  constructor(private readonly options: ResilientStreamOptions) {
    this.#open();
  }

  #open(): void {
    const { channel, loop, path, request, limits } = this.options;
    this.#isFirst = true;
    if (limits.initialTimeoutMs !== undefined) {
      this.#limit(limits.initialTimeoutMs, "no first message in time");
    }
    if (limits.lifetimeMs !== undefined) {
      this.#cancelTimers.push(
        loop.after(limits.lifetimeMs, () => this.#expire("lifetime reached", GrpcCode.OK)),
      );
    }
    this.#stream = channel.serverStream(path, request, {
      onMessage: (message) => this.#received(message),
      onEnd: (status) => this.#ended(status),
    });
  }

  #limit(timeoutMs: number, why: string): void {
    this.#cancelIdle?.();
    this.#cancelIdle = this.options.loop.after(
      timeoutMs,
      () => this.#expire(why, GrpcCode.DEADLINE_EXCEEDED),
    );
  }

  #expire(why: string, code: number): void {
    this.#stream?.cancel();
    this.#ended({ code, message: why });
  }

  #received(message: Uint8Array): void {
    if (this.#isCancelled) return;
    this.#attempt = 0;
    const { limits } = this.options;
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
    if (limits.idleTimeoutMs !== undefined) this.#limit(limits.idleTimeoutMs, "no message for too long");
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    this.options.onMessage(message, isFirst);
  }

  #clearTimers(): void {
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
    for (const cancel of this.#cancelTimers) cancel();
    this.#cancelTimers = [];
  }

  #ended(status: GrpcStatus): void {
    if (this.#isCancelled) return;
    this.#clearTimers();
    this.#stream = undefined;
    if (this.options.isFinal(status)) {
      this.#isCancelled = true;
      return this.options.onFinal(status);
    }
    const delay = backoffDelay(this.options.backoff, ++this.#attempt);
    this.options.onRetry(status, delay);
    const retry = () => {
      this.#cancelRetry?.();
      if (!this.#isCancelled) this.#open();
    };
    const cancelTimer = this.options.loop.after(delay, retry);
    // Another stream of this service has got an answer: so will this one.
    const watch = this.options.channel.onAnswer(retry);
    this.#cancelRetry = () => {
      cancelTimer();
      watch.cancel();
      this.#cancelRetry = undefined;
    };
  }

  cancel(): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    this.#clearTimers();
    this.#cancelRetry?.();
    this.#stream?.cancel();
  }
}
