/** The server's side of a TLS handshake, bounded in time; then the client's identity is known. */
import type { Stream, StreamFailure, StreamOwner } from "../worker/stream.ts";
import { disarm, type Timer, timerOf } from "../worker/timers.ts";

export class ServerHandshake implements StreamOwner {
  readonly #timer: Timer;

  constructor(
    stream: Stream,
    timeoutMs: number,
    /** @param identity first DNS or URI name of the client's certificate; undefined without one */
    private readonly onSecured: (identity: string | undefined) => void,
    private readonly onFailure: (failure: StreamFailure) => void,
  ) {
    stream.owner = this;
    this.#timer = timerOf(() =>
      stream.fail({ code: "tls", detail: "the TLS handshake took too long", errno: 0 })
    );
    stream.loop.lane(timeoutMs).arm(this.#timer, stream.loop.now);
    stream.handshake();
  }

  onOpen(stream: Stream): void {
    disarm(this.#timer);
    this.onSecured(stream.tls!.peerIdentities()[0]);
  }

  onReadable(): void {}
  onDrained(): void {}

  onFailed(_stream: Stream, failure: StreamFailure): void {
    disarm(this.#timer);
    this.onFailure(failure);
  }
}
