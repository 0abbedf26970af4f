/** One request that is observed, from its head to the end of its response. */
import type { Headers } from "../../../proto/gen/http_types.ts";
import type { TapEvent_Http_StreamId } from "../../../proto/gen/tap.ts";
import type { SocketAddress } from "../../linux/address.ts";
import type { Arena } from "../worker/arena.ts";
import { requestInit, responseEnd, responseInit, type TapEnd } from "./events.ts";
import { headersOf, requestPseudoHeaders } from "./heads.ts";
import type { Observation } from "./observation.ts";
import type { TapSubject } from "./subject.ts";

interface Observer {
  readonly observation: Observation;
  readonly stream: number;
  readonly id: TapEvent_Http_StreamId;
}

export class TappedRequest {
  readonly #observers: Observer[] = [];
  #subject: TapSubject;
  #respondedAt: number | undefined;
  #trailers: Headers | undefined;
  /** Bytes of the response's content. */
  responseBytes = 0;

  constructor(private readonly arena: Arena, subject: TapSubject, private readonly startedAt: number) {
    this.#subject = subject;
  }

  get isObserved(): boolean {
    return this.#observers.length > 0;
  }

  /** Tells an observation of the request, whose head stands in the record. @returns false when it is not taken */
  tell(observation: Observation, at: number): boolean {
    const stream = observation.nextStream(), id = { base: observation.base, stream: BigInt(stream) };
    const { arena } = this, subject = this.#subject;
    const headers = observation.wantsHeaders
      ? headersOf(arena, at, requestPseudoHeaders(arena, at, subject))
      : undefined;
    const isTaken = observation.sink.take({
      stream,
      step: "first",
      event: requestInit(subject, id, headers),
    });
    if (isTaken) this.#observers.push({ observation, stream, id });
    return isTaken;
  }

  #wantsHeaders(): boolean {
    return this.#observers.some(({ observation }) => observation.wantsHeaders);
  }

  /** It went to another endpoint than was thought first. */
  movedTo(destination: SocketAddress): void {
    this.#subject = { ...this.#subject, destination };
  }

  /** A response began. @param at where offsets of its head in the record begin; -1 when the proxy answers by itself */
  responded(status: number, at: number, now: number): void {
    this.#respondedAt = now;
    const isHead = at >= 0 && this.#wantsHeaders();
    const headers = isHead ? headersOf(this.arena, at, [[":status", String(status)]]) : undefined;
    for (const { observation, stream, id } of this.#observers) {
      const told = observation.wantsHeaders ? headers : undefined;
      const event = responseInit(this.#subject, id, status, now - this.startedAt, told);
      observation.sink.take({ stream, step: "next", event });
    }
  }

  get isResponded(): boolean {
    return this.#respondedAt !== undefined;
  }

  /** Trailers of the response stand in the record (offsets from `at`). */
  trailers(at: number): void {
    if (this.#wantsHeaders()) this.#trailers = headersOf(this.arena, at, []);
  }

  ended(end: TapEnd, now: number): void {
    const respondedAt = this.#respondedAt;
    for (const { observation, stream, id } of this.#observers) {
      const event = responseEnd(
        this.#subject,
        id,
        now - this.startedAt,
        respondedAt === undefined ? undefined : now - respondedAt,
        this.responseBytes,
        end,
        observation.wantsHeaders ? this.#trailers : undefined,
      );
      observation.sink.take({ stream, step: "last", event });
    }
    this.#observers.length = 0;
  }
}
