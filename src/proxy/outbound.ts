/**
 * The outbound pipeline, stages in the order a connection passes them:
 * accept → what does its destination lead to? → detect → route → balance → connect.
 * Source: proxy.md §5.
 */
import type { SocketAddress } from "../linux/address.ts";
import { close } from "../linux/socket.ts";
import { Protocol } from "../wasm/detect.ts";
import { type Accepted, Listener } from "./accept/listener.ts";
import { Dialer } from "./connect/dialer.ts";
import { formatTarget, type OutboundTarget } from "./control/plane.ts";
import { Detector } from "./detect/detector.ts";
import type { Detection } from "./detect/result.ts";
import { ServerConnection } from "./http/http1/server_connection.ts";
import { serveHttp2 } from "./http/http2/serve.ts";
import { InFlight } from "./http/in_flight.ts";
import { Forward } from "./opaque/forward.ts";
import { ConnectionCounters } from "./outbound/connection_counters.ts";
import { IngressHttp } from "./outbound/ingress_http.ts";
import { OutboundConnection } from "./outbound/outbound_connection.ts";
import { OutboundHttp } from "./outbound/outbound_http.ts";
import { PassedConnection } from "./outbound/passed_connection.ts";
import { Destination } from "./route/destination.ts";
import { Services } from "./route/services.ts";
import { EditLines } from "./route/edit_lines.ts";
import type { Runtime } from "./runtime.ts";
import { CLOSED_BY_PROXY, NOBODY, Stream } from "./worker/stream.ts";
import { disarm, timerOf } from "./worker/timers.ts";

/** Destinations kept at one time: an application that connects to everything must not cost a watch each. */
const MAX_DESTINATIONS = 4096;

export class Outbound {
  readonly connections = new Set<OutboundConnection>();
  readonly inFlight: InFlight;
  /** Where the header lines stand that routes add to a request, and to a response. */
  readonly requestLines: EditLines;
  readonly responseLines: EditLines;
  isDraining = false;
  /** Requests that wait for an endpoint. */
  queued = 0;
  readonly #dialer: Dialer;
  readonly #services: Services;
  readonly #counters: ConnectionCounters;
  readonly #destinations = new Map<string, Destination>();
  /** Destinations that only connections from before still use. */
  readonly #superseded = new Set<Destination>();
  #listeners: Listener[] = [];

  constructor(readonly runtime: Runtime) {
    const { config, loop, arena, tls } = runtime;
    this.requestLines = new EditLines(arena);
    this.responseLines = new EditLines(arena);
    this.#dialer = new Dialer(loop, arena, config.outbound, tls);
    this.inFlight = new InFlight(config.outbound.maxInFlight);
    this.#counters = new ConnectionCounters(runtime.telemetry, config.isHostnameLabelled);
    this.#services = new Services(runtime, this.#dialer);
  }

  /** Begins to accept. @returns the addresses listened on */
  listen(isReusePort: boolean): readonly SocketAddress[] {
    const { config, loop, log } = this.runtime, { accept, backlog } = config.outbound;
    const onRefused = () => this.#countTcpError("loadshed");
    const crowd = { connections: this.runtime.arena.acceptedConnections, onRefused };
    this.#listeners = config.outboundListen.map((address) =>
      new Listener(
        loop,
        address,
        { ...accept, backlog, isReusePort },
        (accepted) => this.#accept(accepted),
        (message) => log.warn(message),
        this.runtime.sockets,
        crowd,
      )
    );
    return this.#listeners.map((listener) => listener.address);
  }

  #refuse(fd: number, error: string): void {
    close(fd);
    this.#countTcpError(error);
  }

  #countTcpError(error: string): void {
    this.runtime.telemetry.counter(
      "outbound_tcp_errors_total",
      "The total number of outbound TCP connections that the proxy could not serve",
      { error },
    ).value++;
  }

  #accept({ fd, client, destination: address, isDirect }: Accepted): void {
    // Not redirected: it would be sent to the proxy itself. To loopback: never leaves the workload.
    if (isDirect || /^(127\.|::1$)/.test(address.ip)) return this.#refuse(fd, "unexpected");
    const destination = this.destinationOf(address);
    if (destination === undefined) return this.#refuse(fd, "loadshed");
    const connection = new OutboundConnection(this, client, destination, address);
    const stream = new Stream(this.runtime.loop, this.runtime.arena, fd, NOBODY, "open");
    connection.opened(stream);
    connection.drain = (isForced) => {
      if (isForced) stream.fail(CLOSED_BY_PROXY);
    };
    // A request may say by itself whom it is for.
    if (this.runtime.config.isIngress) this.#detect(connection, stream);
    else if (destination.isKnown) this.#known(connection, stream);
    else this.#lookUp(connection, stream);
  }

  /** What is known of a target; undefined when there are too many. Whoever keeps it counts as its connection. */
  destinationOf(target: OutboundTarget): Destination | undefined {
    const key = formatTarget(target);
    let destination = this.#destinations.get(key);
    if (destination?.isSuperseded) {
      this.#superseded.add(destination);
      destination = undefined;
      this.#destinations.delete(key);
    }
    if (destination === undefined) {
      if (this.#destinations.size >= MAX_DESTINATIONS) return undefined;
      destination = new Destination(this.runtime, this.#dialer, this.#services, target);
      this.#destinations.set(key, destination);
    }
    destination.lastUsed = this.runtime.loop.now;
    return destination;
  }

  /** The first connection to a destination waits for the control plane, whose answer is one round trip away. */
  #lookUp(connection: OutboundConnection, stream: Stream): void {
    const { destination } = connection, { loop, config } = this.runtime;
    const proceed = () => {
      destination.stopWaiting(waiter);
      disarm(timer);
      this.#known(connection, stream);
    };
    const waiter = { onMayProceed: proceed }, timer = timerOf(proceed);
    stream.owner = {
      ...NOBODY,
      onReadable: (stream) => stream.pause(),
      onFailed: () => {
        destination.stopWaiting(waiter);
        disarm(timer);
        connection.ended("ECONNRESET");
      },
    };
    loop.lane(config.outbound.failfastMs).arm(timer, loop.now);
    destination.wait(waiter);
  }

  #known(connection: OutboundConnection, stream: Stream): void {
    const { decision } = connection.destination;
    stream.resume();
    if (decision !== undefined) this.#counters.protocol(decision);
    switch (decision?.protocol) {
      case "http1":
        return this.#serve(connection, stream);
      case "opaque":
        return this.#forward(connection, stream, "");
      case "http2":
      case "grpc":
        return this.#serveHttp2(connection, stream);
      case "tls":
        return this.#detectName(connection, stream);
    }
    this.#detect(connection, stream);
  }

  #detect(connection: OutboundConnection, stream: Stream): void {
    const { loop, config } = this.runtime, { decision } = connection.destination, began = loop.micros();
    const tell = (detection: Detection) =>
      this.#counters.detected(
        connection.destination.decision?.parent,
        detection,
        (loop.micros() - began) / 1e6,
      );
    new Detector(
      stream,
      decision?.detectTimeoutMs || config.outbound.detectTimeoutMs,
      (detected) => {
        tell(detected);
        if (detected.protocol === Protocol.Http1) return this.#serve(connection, stream);
        if (detected.protocol === Protocol.Http2) return this.#serveHttp2(connection, stream);
        this.#forward(connection, stream, detected.serverName);
      },
      () => {
        tell(undefined);
        connection.ended("ECONNRESET");
      },
    );
  }

  /** TLS is passed on by the name that it asks for, and only that. */
  #detectName(connection: OutboundConnection, stream: Stream): void {
    new Detector(
      stream,
      this.runtime.config.outbound.detectTimeoutMs,
      ({ serverName }) => this.#forward(connection, stream, serverName),
      () => connection.ended("ECONNRESET"),
    );
  }

  #serve(connection: OutboundConnection, stream: Stream): void {
    const server = new ServerConnection(
      stream,
      connection.client.ip,
      this.#pipelineOf(connection),
      (errno) => connection.ended(errno),
    );
    connection.drain = (isForced) => isForced ? stream.fail(CLOSED_BY_PROXY) : server.drain();
    server.onReadable(stream);
  }

  #serveHttp2(connection: OutboundConnection, stream: Stream): void {
    const server = serveHttp2(stream, connection, () => this.#pipelineOf(connection));
    if (server === undefined) return this.#countTcpError("loadshed");
    server.onReadable(stream);
  }

  #pipelineOf(connection: OutboundConnection): OutboundHttp {
    return this.runtime.config.isIngress ? new IngressHttp(connection) : new OutboundHttp(connection);
  }

  /** @param serverName what a ClientHello asks for; "" when it is none, or nobody looked */
  #forward(connection: OutboundConnection, stream: Stream, serverName: string): void {
    const { destination } = connection;
    const passed = new PassedConnection(this.runtime, destination, serverName, this.#counters);
    const forward = new Forward(stream, 0, {
      pick: (failed) => passed.pick(failed),
      queue: passed,
      protocol: undefined,
      onEnd: (errno, error) => {
        passed.ended(error);
        if (error !== undefined) {
          this.#countTcpError(error.label);
          this.runtime.log.info("connection failed", {
            direction: "outbound",
            destination: destination.decision?.authority || destination.key,
            code: error.code,
            error: error.detail,
          });
        }
        connection.ended(errno);
      },
    });
    connection.drain = (isForced) => {
      if (isForced) forward.close();
    };
  }

  /** Lets go of destinations that have not been used for a while. */
  forgetIdle(): void {
    const { loop, config } = this.runtime, before = loop.now - config.outbound.discoveryIdleMs * 1000;
    for (const [key, destination] of this.#destinations) {
      if (destination.connections > 0 || destination.lastUsed >= before) continue;
      this.#destinations.delete(key);
      destination.close();
    }
    for (const destination of this.#superseded) {
      if (destination.connections > 0) continue;
      this.#superseded.delete(destination);
      destination.close();
    }
  }

  /** Stops accepting; connections end after what they are doing, or at once when `isForced`. */
  drain(isForced: boolean): void {
    this.isDraining = true;
    for (const listener of this.#listeners) listener.close();
    for (const connection of [...this.connections]) connection.drain(isForced);
  }
}
