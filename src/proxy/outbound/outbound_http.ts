/** What outbound decides for the HTTP requests of one connection: an endpoint of the destination, in time. */
import { type ProxyError, proxyError } from "../error.ts";
import type { Endpoint } from "../connect/endpoint.ts";
import type { DropMask, Pipeline } from "../http/http1/pipeline.ts";
import type { ServerConnection } from "../http/http1/server_connection.ts";
import type { HttpSeries } from "../telemetry/http_series.ts";
import { Head, HeaderEntry, HeaderName } from "../../wasm/http1.ts";
import type { OutboundConnection } from "./outbound_connection.ts";
import type { Waiter } from "../route/service.ts";
import { disarm, timerOf } from "../worker/timers.ts";

const bit = (id: number) => 1 << (id & 31);
const REQUEST_DROPS: DropMask = [0, 0, bit(HeaderName.L5dRequireId) | bit(HeaderName.L5dClientId)];
const RESPONSE_DROPS: DropMask = [
  0,
  0,
  bit(HeaderName.L5dProxyError) | bit(HeaderName.L5dProxyConnection) | bit(HeaderName.L5dProxyUndelivered),
];

export class OutboundHttp implements Pipeline, Waiter {
  readonly requestDrops = REQUEST_DROPS;
  readonly responseDrops = RESPONSE_DROPS;
  readonly requestExtraAt = 0;
  readonly requestExtraLength = 0;
  #waiting: ServerConnection | undefined;
  /** The request's l5d-require-id; undefined when it has none. */
  #requiredId: string | undefined;
  /** From the first wait of a request: how long it may queue. */
  readonly #failfast = timerOf(() => this.#fail());

  constructor(private readonly connection: OutboundConnection) {}

  route(connection: ServerConnection, at: number): Endpoint | ProxyError | undefined {
    const { destination, runtime } = this.connection, picked = destination.pick(true);
    if (picked === undefined) return this.#queue(connection);
    disarm(this.#failfast);
    if ("code" in picked) return picked;
    const { memory, recordAt } = runtime.arena;
    this.#requiredId = undefined;
    const present = memory.words[(recordAt >> 2) + Head.Present + (HeaderName.L5dRequireId >> 5)]!;
    if ((present & bit(HeaderName.L5dRequireId)) !== 0) {
      this.#requiredId = this.#headerValue(at, HeaderName.L5dRequireId);
    }
    return this.#checkIdentity(picked);
  }

  /** What the request demands of its endpoint holds for every endpoint it is sent to. */
  #checkIdentity(endpoint: Endpoint): Endpoint | ProxyError {
    const required = this.#requiredId;
    if (required === undefined || endpoint.info.identity?.name === required) return endpoint;
    return proxyError("identity-required", `${endpoint.name}: its identity is not ${required}`);
  }

  #headerValue(at: number, id: number): string {
    const { arena } = this.connection.runtime, { words } = arena.memory, record = arena.recordAt >> 2;
    const count = words[record + Head.HeaderCount]!;
    for (let i = 0; i < count; i++) {
      const entry = record + Head.Headers + i * HeaderEntry.Words;
      if (words[entry + HeaderEntry.Id] !== id) continue;
      return arena.readAscii(
        at + words[entry + HeaderEntry.ValueOffset]!,
        words[entry + HeaderEntry.ValueLength]!,
      );
    }
    return "";
  }

  #queue(connection: ServerConnection): ProxyError | undefined {
    const { destination, runtime, outbound } = this.connection;
    if (outbound.queued >= runtime.config.outbound.queueCapacity) {
      return proxyError("load-shed", `${destination.key}: ${outbound.queued} requests are waiting already`);
    }
    if (this.#failfast.deadline === 0) {
      runtime.loop.lane(runtime.config.outbound.failfastMs).arm(this.#failfast, runtime.loop.now);
    }
    this.#waiting = connection;
    outbound.queued++;
    destination.wait(this);
    return undefined;
  }

  #stopWaiting(): ServerConnection | undefined {
    const waiting = this.#waiting;
    if (waiting === undefined) return undefined;
    this.#waiting = undefined;
    this.connection.outbound.queued--;
    this.connection.destination.stopWaiting(this);
    return waiting;
  }

  onMayProceed(): void {
    this.#stopWaiting()?.proceed();
  }

  #fail(): void {
    this.#stopWaiting()?.refuse(this.connection.destination.explain(true));
  }

  reroute(
    connection: ServerConnection,
    failed: Endpoint,
    mayWait: boolean,
  ): Endpoint | ProxyError | undefined {
    const picked = this.connection.destination.pick(true, failed);
    if (picked === undefined) return mayWait ? this.#queue(connection) : undefined;
    disarm(this.#failfast);
    return "code" in picked ? picked : this.#checkIdentity(picked);
  }

  seriesOf(_connection: ServerConnection, endpoint: Endpoint): HttpSeries {
    return endpoint.series.http;
  }

  get isInformed(): boolean {
    return !this.connection.runtime.config.isInformationalHeadersDisabled;
  }

  onError(error: ProxyError): void {
    this.connection.countError(error);
  }

  get isDraining(): boolean {
    return this.connection.outbound.isDraining;
  }

  onClosed(_connection: ServerConnection, errno: string): void {
    this.#stopWaiting();
    disarm(this.#failfast);
    this.connection.ended(errno);
  }

  onTunnel(): void {}
}
