/**
 * Joins a client's connection to an endpoint: connects (to another endpoint when one cannot be reached, since nothing
 * has been sent yet), then pipes. The client's bytes wait in its socket meanwhile.
 */
import type { ConnectWaiter } from "../connect/turn_queue.ts";
import type { Endpoint } from "../connect/endpoint.ts";
import { type ProxyError, proxyError } from "../error.ts";
import type { SessionProtocol } from "../tls/transport_header.ts";
import type { Waiter } from "../route/service.ts";
import { CLOSED_BY_PROXY, Stream, type StreamFailure, type StreamOwner } from "../worker/stream.ts";
import { disarm, type Timer, timerOf } from "../worker/timers.ts";
import { HeldBytes } from "../worker/held.ts";
import { MAX_ATTEMPTS } from "../http/limits.ts";
import { Tunnel } from "./tunnel.ts";

export interface ForwardQueue {
  /** How long to wait. */
  readonly failfastMs: number;
  wait(waiter: Waiter): void;
  stopWaiting(waiter: Waiter): void;
  /** Why nothing came in time. */
  explain(): ProxyError;
}

export interface ForwardOptions {
  /** An endpoint to try, other than `failed` where there is a choice; undefined when none is ready: `queue` says when. */
  readonly pick: (failed: Endpoint | undefined) => Endpoint | ProxyError | undefined;
  /** Where to wait for an endpoint; left out where `pick` always has an answer. */
  readonly queue?: ForwardQueue;
  /** What the bytes are, for the transport header. */
  readonly protocol: SessionProtocol | undefined;
  /** The connection is over: `error` when it could not be joined, `errno` as the metric wants it. */
  readonly onEnd: (errno: string, error: ProxyError | undefined) => void;
}

export class Forward implements StreamOwner, Waiter, ConnectWaiter {
  #endpoint: Endpoint | undefined;
  #far: Stream | undefined;
  #tunnel: Tunnel | undefined;
  #attempts = 0;
  #isEnded = false;
  readonly #first: HeldBytes;
  readonly #connectTimer: Timer;
  readonly #queueTimer: Timer;

  /** @param length bytes that were read already and lie in the receive area */
  constructor(private readonly near: Stream, length: number, private readonly options: ForwardOptions) {
    near.owner = this;
    this.#first = new HeldBytes(near.arena);
    this.#connectTimer = timerOf(() => this.#far?.connectTimedOut());
    this.#queueTimer = timerOf(() => this.#give(this.options.queue!.explain()));
    near.pause();
    if (!this.#first.keep(near.arena.receiveAt, length)) {
      this.#give(proxyError("load-shed", "no buffer is left"));
    } else this.#connect(undefined);
  }

  #connect(failed: Endpoint | undefined): void {
    const endpoint = this.options.pick(failed);
    if (endpoint === undefined) return this.#wait();
    disarm(this.#queueTimer);
    if ("code" in endpoint) return this.#give(endpoint);
    this.#attempts++;
    this.#endpoint = endpoint;
    this.onTurn();
  }

  /** A burst must not overrun what the endpoint's system queues for it. */
  onTurn(): void {
    const endpoint = this.#endpoint!, turn = endpoint.takeTurn(this);
    if (turn === undefined) this.#dial(endpoint);
    else if (turn !== "waits") this.#give(turn);
  }

  onTooLate(): void {
    this.#give(proxyError("failfast", `${this.#endpoint!.name}: no connection could be made in time`));
  }

  #dial(endpoint: Endpoint): void {
    const far = endpoint.connect(this, this.options.protocol);
    if (!(far instanceof Stream)) return this.#failed(far);
    this.#far = far;
    const { loop, config } = endpoint.dialer;
    loop.lane(config.connectTimeoutMs).arm(this.#connectTimer, loop.now);
  }

  #wait(): void {
    const { queue } = this.options, { loop } = this.near;
    if (queue === undefined) return this.#give(proxyError("failfast", "no endpoint is ready"));
    if (this.#queueTimer.deadline === 0) loop.lane(queue.failfastMs).arm(this.#queueTimer, loop.now);
    queue.wait(this);
  }

  onMayProceed(): void {
    if (!this.#isEnded) this.#connect(undefined);
  }

  #failed(failure: StreamFailure): void {
    const endpoint = this.#endpoint!;
    this.#far = undefined;
    if (this.#attempts < MAX_ATTEMPTS) {
      const next = this.options.pick(endpoint);
      if (next !== undefined && !("code" in next) && next !== endpoint) return this.#connect(endpoint);
    }
    const code = failure.code === "connect-timeout"
      ? "connect-timeout"
      : failure.code === "tls"
      ? "tls-failed"
      : "connect-failed";
    this.#give(proxyError(code, `${endpoint.name}: ${failure.detail}`));
  }

  #give(error: ProxyError): void {
    this.#finish();
    this.near.abort();
    this.options.onEnd(error.code, error);
  }

  #finish(): void {
    this.#isEnded = true;
    disarm(this.#connectTimer);
    disarm(this.#queueTimer);
    this.options.queue?.stopWaiting(this);
    this.#endpoint?.stopWaiting(this);
    this.#first.release();
  }

  onOpen(far: Stream): void {
    const endpoint = this.#endpoint!;
    disarm(this.#connectTimer);
    const refusal = endpoint.opened({ stream: far });
    if (refusal !== undefined) return far.fail(refusal);
    const first = this.#first.restore(far.arena.receiveAt);
    this.#isEnded = true;
    this.#tunnel = new Tunnel(far.arena, this.near, far, (failure) => {
      if (failure === undefined) endpoint.servedStream();
      else endpoint.closedStream(failure);
      this.options.onEnd(failure === undefined ? "" : "ECONNRESET", undefined);
    });
    if (first > 0) far.write(far.arena.receiveAt, first);
    this.#tunnel.start();
  }

  onReadable(stream: Stream): void {
    stream.pause();
  }

  onDrained(): void {}

  onFailed(stream: Stream, failure: StreamFailure): void {
    if (this.#isEnded) return;
    if (stream === this.near) { // the client left before it was joined
      const far = this.#far;
      this.#finish();
      if (far !== undefined) {
        far.close();
        this.#endpoint!.closedStream(undefined);
      }
      return this.options.onEnd("ECONNRESET", undefined);
    }
    disarm(this.#connectTimer);
    this.#endpoint!.closedStream(failure);
    this.#failed(failure);
  }

  /** Ends the connection: shutdown, or a policy that no longer allows it. */
  close(): void {
    if (this.#tunnel !== undefined) return this.#tunnel.close();
    if (this.#isEnded) return;
    this.near.fail(CLOSED_BY_PROXY);
  }
}
