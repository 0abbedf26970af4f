/**
 * One address that requests are sent to: its pool of idle connections, what is known of its latency, and when it may
 * be tried again after a failed connect.
 *
 * The pool is last-in first-out, so that a burst's connections idle out; each idle connection has a timer of its own.
 * Source: proxy.md §5 (connection matrix), §8 (pool and back-off).
 */
import { formatAddress } from "../../linux/address.ts";
import type { Loaded } from "../balance/balancer.ts";
import { type Balancing, DEFAULT_BALANCING, type LoadEstimate } from "../balance/balancing.ts";
import { CircuitBreaker } from "../balance/circuit_breaker.ts";
import { PeakEwma } from "../balance/peak_ewma.ts";
import type { EndpointInfo } from "../control/plane.ts";
import { type ProxyError, proxyError } from "../error.ts";
import type { Exchange } from "../http/exchange.ts";
import { ClientConnection } from "../http/http1/client_connection.ts";
import { ClientConnection as Http2ClientConnection } from "../http/http2/client_connection.ts";
import { CAUTIOUS_STREAMS, MAX_CONCURRENT_STREAMS } from "../http/http2/limits.ts";
import { takeTables } from "../http/http2/tables.ts";
import type { Upstream } from "../http/sides.ts";
import type { TcpSeries } from "../telemetry/tcp_series.ts";
import type { HttpSeries } from "../telemetry/http_series.ts";
import { encodeTransportHeader, type SessionProtocol } from "../tls/transport_header.ts";
import { disarm } from "../worker/timers.ts";
import { NOBODY, Stream, type StreamFailure, type StreamOwner } from "../worker/stream.ts";
import { ConnectQueue } from "./connect_queue.ts";
import type { Dialer, PeerTls } from "./dialer.ts";
import { PortBudget } from "./port_budget.ts";
import { type ConnectWaiter, TurnQueue } from "./turn_queue.ts";

/** The series an endpoint's traffic is counted in. */
export interface EndpointSeries {
  readonly http: HttpSeries;
  readonly tcp: TcpSeries;
}

export interface EndpointOptions {
  /** Wait ever longer after a failed connect, and count as not ready meanwhile. Not for the local application. */
  readonly isBackingOff: boolean;
  /** How its load is estimated, and when it is taken out; Linkerd's defaults where there is none. */
  readonly balancing?: Balancing;
  /** Microseconds: since when its latency is assumed, where that is not now. */
  readonly toldAt?: number;
}

/**
 * However long the configured back-off: discovery says that the endpoint is there, a request is its own attempt, and
 * one that could be served again must not be avoided for a minute.
 */
const LONGEST_BACKOFF_MS = 1000;

/** Each carries a thousand requests at a time. */
const MAX_HTTP2_CONNECTIONS = 64;

/** What a transport header names: the port, or whom the endpoint's gateway is to ask (proxy.md §5). */
function targetOf({ address, authorityOverride }: EndpointInfo): { name: string; port: number } {
  const [, name = "", port] = /^(.*):(\d{1,5})$/.exec(authorityOverride ?? "") ?? [];
  return { name: name || (authorityOverride ?? ""), port: port === undefined ? address.port : Number(port) };
}

export class Endpoint implements Loaded {
  readonly #idle: ClientConnection[] = [];
  /** Those that carry requests in absolute form, and no others. */
  readonly #idleAbsolute: ClientConnection[] = [];
  readonly #http2: Http2ClientConnection[] = [];
  /** Made with its first request: most endpoints of a large service never see one from this proxy. */
  #connectQueue: ConnectQueue | undefined;
  /** Requests that wait for a stream; made when all its HTTP/2 connections were full for the first time. */
  #streamQueue: TurnQueue | undefined;
  readonly #ewma: PeakEwma;
  readonly #peer: PeerTls | undefined;
  /** Made when it is needed first, like the queues. */
  #ports: PortBudget | undefined;
  /** Takes it out while it fails; undefined where its policy asks for none. */
  readonly breaker: CircuitBreaker | undefined;
  /** What answers of overload count as; undefined where they count as they are. */
  readonly penalty: LoadEstimate["penalty"];
  #readyAt = 0;
  #failures = 0;
  #isRetired = false;
  /** Whom requests are for there, instead of whom they name (a gateway's endpoint); empty: as they say. */
  readonly authority: string;
  /** Microseconds on the loop's clock; kept by whoever may forget the endpoint. */
  lastUsed = 0;
  /** Whether its HTTP/2 side takes an extended CONNECT; not known before it was asked. */
  takesExtendedConnect: boolean | undefined;
  /** Streams that it allowed on its latest HTTP/2 connection; before there was one, what is assumed. */
  streamLimit: number;
  /** All connections there are, idle or busy. */
  open = 0;

  constructor(
    readonly dialer: Dialer,
    readonly info: EndpointInfo,
    readonly series: EndpointSeries,
    private readonly options: EndpointOptions,
  ) {
    const { load, accrual } = options.balancing ?? DEFAULT_BALANCING;
    this.#ewma = new PeakEwma(
      options.toldAt ?? dialer.loop.now,
      load.defaultRttMs * 1000,
      load.decayMs * 1000,
    );
    this.penalty = load.penalty;
    this.breaker = accrual === undefined ? undefined : new CircuitBreaker(accrual);
    this.#peer = info.identity === undefined
      ? undefined
      : { ...info.identity, isTransport: (info.transportPort ?? info.authorityOverride) !== undefined };
    this.streamLimit = this.isMeshed ? MAX_CONCURRENT_STREAMS : CAUTIOUS_STREAMS;
    this.authority = this.#peer === undefined ? "" : info.authorityOverride ?? "";
  }

  /** For people. */
  get name(): string {
    return `endpoint ${formatAddress(this.info.address)}`;
  }

  get #queue(): ConnectQueue {
    return this.#connectQueue ??= this.#newQueue();
  }

  #newQueue(): ConnectQueue {
    const { loop, config: { queueCapacity, failfastMs } } = this.dialer;
    const hasIdle = () => this.#idle.length + this.#idleAbsolute.length > 0;
    return new ConnectQueue(loop, queueCapacity, failfastMs, hasIdle);
  }

  /** It is no longer to be used for anything new. */
  get isRetired(): boolean {
    return this.#isRetired;
  }

  isReady(now: number): boolean {
    return now >= this.#readyAt && (this.breaker === undefined || this.breaker.isPassing(now));
  }

  load(now: number): number {
    return this.#ewma.load(now);
  }

  get isMeshed(): boolean {
    return this.#peer !== undefined;
  }

  /** Its destination is this endpoint, and not a service of which it is one. */
  get isDirect(): boolean {
    return !this.options.isBackingOff;
  }

  /** Connects, TLS and transport header included. @returns the stream, or why it failed at once */
  connect(owner: StreamOwner, protocol: SessionProtocol | undefined): Stream | StreamFailure {
    const { info, dialer } = this, isTransport = this.#peer?.isTransport ?? false;
    const port = isTransport ? info.transportPort : undefined;
    const address = port === undefined ? info.address : { ip: info.address.ip, port };
    const stream = dialer.dial(address, owner, this.#peer);
    if (!(stream instanceof Stream)) {
      this.#failed();
      return stream;
    }
    stream.counters = this.series.tcp;
    this.series.tcp.connectionOpened(dialer.loop.now);
    this.open++;
    if (isTransport) {
      const header = encodeTransportHeader({
        ...targetOf(info),
        protocol: info.hint === "opaque" ? undefined : protocol,
      });
      const at = dialer.arena.textAt;
      dialer.arena.memory.bytes.set(header, at);
      stream.write(at, header.length);
    }
    return stream;
  }

  /**
   * A connection for an exchange: an idle one, or a new one.
   * @param isFresh a new one in any case: an idle one has just turned out closed
   * @returns why there is none; undefined when the exchange waits until its `onTurn` or `onTooLate`
   */
  acquire(exchange: Exchange, isFresh = false): Upstream | StreamFailure | ProxyError | undefined {
    if (this.#isHttp2For(exchange)) {
      return this.#streamQueue?.isTurn === false
        ? this.#streamQueue.wait(exchange)
        : this.#acquireHttp2(exchange);
    }
    const { isTurn } = this.#queue, pool = this.#poolOf(exchange.isAbsolute);
    // A peer of HTTP/1.0 is not trusted with a connection that is used again.
    const idle = isFresh || !isTurn || exchange.version === 10 ? undefined : pool.pop();
    if (idle !== undefined) {
      disarm(idle.idleTimer);
      this.#ewma.pending++;
      return idle;
    }
    if (!isTurn || !this.#queue.spend()) return this.#queue.wait(exchange);
    const connection = new ClientConnection(this, this.dialer.arena, exchange.isAbsolute);
    const stream = this.connect(connection, "http1");
    if (!(stream instanceof Stream)) return stream;
    connection.stream = stream;
    const { loop, config } = this.dialer;
    loop.lane(config.connectTimeoutMs).arm(connection.connectTimer, loop.now);
    this.#ewma.pending++;
    return connection;
  }

  #poolOf(isAbsolute: boolean): ClientConnection[] {
    return isAbsolute ? this.#idleAbsolute : this.#idle;
  }

  /**
   * For a connection of its own, which `connect` makes: whether it may be made now.
   * @returns undefined when it may; `"waits"` when `waiter` is told; an error when too many wait
   */
  takeTurn(waiter: ConnectWaiter): ProxyError | "waits" | undefined {
    if (this.#queue.isTurn && this.#queue.spend()) return undefined;
    return this.#queue.wait(waiter) ?? "waits";
  }

  /** Whoever waits for a connection does not any more. */
  stopWaiting(waiter: ConnectWaiter): void {
    this.#connectQueue?.leave(waiter);
    this.#streamQueue?.leave(waiter);
  }

  /** The connection matrix of proxy.md §5. */
  #isHttp2For(exchange: Exchange): boolean {
    if (exchange.isWebSocket) return this.takesExtendedConnect !== false;
    if (exchange.version === 20) return true;
    // The application of an inbound connection is never meshed.
    return this.info.hint === "h2" && this.isMeshed && exchange.version === 11 && !exchange.isTunnelRequest;
  }

  /** A stream of a connection that has room, or of a new one; undefined when it waits for one. */
  #acquireHttp2(exchange: Exchange): Upstream | StreamFailure | ProxyError | undefined {
    for (const connection of this.#http2) {
      if (connection.hasRoom) return this.#newStream(connection);
    }
    const { arena, loop, config } = this.dialer;
    if (!this.#mayConnectHttp2) return this.#waitForStream(exchange);
    const tables = takeTables(arena);
    if (tables === undefined) return proxyError("load-shed", `${this.name}: no room for another connection`);
    const stream = this.connect(NOBODY, "http2");
    if (!(stream instanceof Stream)) {
      for (const table of tables) arena.giveTable(table);
      return stream;
    }
    const connection = new Http2ClientConnection(stream, tables, this);
    if (connection.isClosed) return proxyError("load-shed", `${this.name}: no buffer is left`);
    loop.lane(config.connectTimeoutMs).arm(connection.connectTimer, loop.now);
    this.#http2.push(connection);
    return this.#newStream(connection);
  }

  /** A server that takes no streams for now would take none of another connection either, and will say when it does. */
  get #mayConnectHttp2(): boolean {
    const { length } = this.#http2;
    return length === 0 || (length < MAX_HTTP2_CONNECTIONS && this.streamLimit > 0);
  }

  #waitForStream(exchange: Exchange): ProxyError | undefined {
    const { loop, config: { queueCapacity, failfastMs } } = this.dialer;
    this.#streamQueue ??= new TurnQueue(
      loop,
      queueCapacity,
      failfastMs,
      () => this.#mayConnectHttp2 || this.#http2.some(({ hasRoom }) => hasRoom),
    );
    return this.#streamQueue.wait(exchange);
  }

  #newStream(connection: Http2ClientConnection): Upstream {
    this.#ewma.pending++;
    return connection.newStream().acquired();
  }

  /** A request over HTTP/2 is over, however it ended. */
  streamEnded(): void {
    this.#ewma.pending--;
    this.#streamQueue?.freed();
  }

  /** An HTTP/2 connection takes no more requests. */
  forgetHttp2(connection: Http2ClientConnection): void {
    const index = this.#http2.indexOf(connection);
    if (index >= 0) this.#http2.splice(index, 1);
    this.#streamQueue?.freed();
  }

  /** A connection stands. @returns a reason to refuse it after all */
  opened(connection: { readonly stream: Stream }): StreamFailure | undefined {
    const refusal = this.checkPeer(connection.stream);
    if (refusal === undefined) {
      this.#failures = 0;
      this.#readyAt = 0;
    }
    return refusal;
  }

  /** Checks what the TLS library does not: a URI identity, and that the peer took the transport header's protocol. */
  checkPeer(stream: Stream): StreamFailure | undefined {
    const peer = this.#peer;
    if (peer === undefined || stream.tls === undefined) return undefined;
    if (peer.name.includes("://") && !stream.tls.peerIdentities().includes(peer.name)) {
      return { code: "tls", detail: `the peer is not ${peer.name}`, errno: 0 };
    }
    if (peer.isTransport && stream.tls.alpn() === "") {
      return { code: "tls", detail: "the peer does not take a transport header", errno: 0 };
    }
    return undefined;
  }

  #failed(): void {
    if (!this.options.isBackingOff) return;
    const { backoff } = this.dialer.config, { now } = this.dialer.loop;
    // Attempts that failed beside each other are one failure: a burst must not lock the endpoint out.
    if (now < this.#readyAt) return;
    const longest = Math.min(backoff.maxMs, LONGEST_BACKOFF_MS);
    const delay = Math.min(longest, backoff.minMs * 2 ** Math.min(this.#failures++, 20));
    this.#readyAt = now + delay * (1 + Math.random() * backoff.jitter) * 1000;
  }

  #count(errno: string): void {
    this.series.tcp.connectionClosed(errno, this.dialer.loop.now);
    this.open--;
  }

  /** A response has come whole. */
  responded(connection: ClientConnection, isReusable: boolean): void {
    this.#ewma.pending--;
    const { loop, config } = this.dialer;
    if (connection.isReused) this.#queue.freed();
    else this.#queue.answered();
    if (!isReusable) return this.#count("");
    const pool = this.#poolOf(connection.isAbsolute);
    if (this.#isRetired || pool.length >= config.maxIdlePerEndpoint) {
      this.#count("");
      this.closeUnused(connection.stream);
      return;
    }
    connection.isReused = true;
    connection.stream.resume();
    pool.push(connection);
    loop.lane(config.poolIdleTimeoutMs).arm(connection.idleTimer, loop.now);
  }

  /** Closes a connection on which nothing is under way, unless the other end has done so. */
  closeUnused(stream: Stream): void {
    const { now } = this.dialer.loop;
    if (stream.isReadEnded || (this.#ports ??= new PortBudget(now)).spend(now)) stream.close();
    else stream.abort();
  }

  /** Latency of a response's first content, for the balancer. */
  measured(rttMicros: number, now: number): void {
    this.#ewma.record(rttMicros, now);
  }

  /** A connection failed, or was closed with its exchange unfinished. */
  closed(connection: ClientConnection, failure: StreamFailure | undefined): void {
    if (connection.exchange !== undefined || failure === undefined) this.#ewma.pending--;
    this.closedStream(failure);
  }

  /** A connection of its own was served to its end: the server keeps up with as many as it is given. */
  servedStream(): void {
    this.#queue.answered();
    this.closedStream(undefined);
  }

  /** The same for a stream that was no HTTP/1 connection (a tunnel). */
  closedStream(failure: StreamFailure | undefined): void {
    if (failure !== undefined && ["connect", "connect-timeout", "tls"].includes(failure.code)) this.#failed();
    this.#count(failure === undefined ? "" : failure.code);
  }

  /** An HTTP/1 connection became a tunnel: it is no exchange any more. */
  becameTunnel(): void {
    this.#ewma.pending--;
  }

  /** Takes an idle connection out of the pool. */
  forget(connection: ClientConnection): void {
    const pool = this.#poolOf(connection.isAbsolute), index = pool.lastIndexOf(connection);
    if (index < 0) return;
    pool.splice(index, 1);
    if (!connection.stream.isClosed) this.#count("");
  }

  /** It was removed from discovery: idle connections close, busy ones finish. */
  retire(): void {
    this.#isRetired = true;
    for (const connection of [...this.#idle, ...this.#idleAbsolute]) connection.discard();
    for (const connection of [...this.#http2]) connection.retire();
  }
}
