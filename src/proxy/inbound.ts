/**
 * The inbound pipeline, stages in the order a connection passes them:
 * accept → detect TLS → terminate it → (direct: transport header) → detect HTTP → authorize → application.
 * Source: proxy.md §2, §4.
 */
import { formatAddress, type SocketAddress } from "../linux/address.ts";
import { TlsSession } from "../linux/openssl/session.ts";
import { close } from "../linux/socket.ts";
import { Protocol } from "../wasm/detect.ts";
import { type Accepted, Listener } from "./accept/listener.ts";
import { Dialer } from "./connect/dialer.ts";
import { Endpoint } from "./connect/endpoint.ts";
import { type Detected, Detector } from "./detect/detector.ts";
import { FirstBytes, guessProtocol, inspectProtocol } from "./detect/first_bytes.ts";
import { ServerConnection } from "./http/http1/server_connection.ts";
import { serveHttp2 } from "./http/http2/serve.ts";
import type { Pipeline } from "./http/pipeline.ts";
import { InFlight } from "./http/in_flight.ts";
import type { Value } from "./telemetry/telemetry.ts";
import { AccessLog } from "./telemetry/access_log.ts";
import { Gateway } from "./inbound/gateway/gateway.ts";
import { IdentityLines } from "./inbound/identity_lines.ts";
import { InboundConnection } from "./inbound/inbound_connection.ts";
import { INBOUND_REQUEST_DROPS, InboundHttp } from "./inbound/inbound_http.ts";
import { ServiceProfiles } from "./inbound/service_profiles.ts";
import { Forward, type ForwardOptions } from "./opaque/forward.ts";
import type { Outbound } from "./outbound.ts";
import { PortPolicies } from "./policy/port_policies.ts";
import type { Client } from "./policy/server_policy.ts";
import { EditLines } from "./route/edit_lines.ts";
import type { Runtime } from "./runtime.ts";
import { TRANSPORT_ALPN } from "./tls/contexts.ts";
import { decodeTransportHeader, type TransportHeader } from "./tls/transport_header.ts";
import { ServerHandshake } from "./tls/server_handshake.ts";
import { CLOSED_BY_PROXY, NOBODY, Stream } from "./worker/stream.ts";

/** Counters looked up by their labels beyond that many. */
const MAX_TRANSPORTS = 256;

export class Inbound {
  readonly connections = new Set<InboundConnection>();
  readonly policies: PortPolicies;
  readonly profiles: ServiceProfiles;
  readonly inFlight: InFlight;
  /** Where the header lines stand that routes add to a request, and to a response. */
  readonly requestLines: EditLines;
  readonly responseLines: EditLines;
  readonly accessLog: AccessLog | undefined;
  isDraining = false;
  readonly #dialer: Dialer;
  readonly #lines: IdentityLines;
  readonly #gateway: Gateway;
  readonly #applications = new Map<string, Endpoint>();
  /** Counters of transport headers, by what they said and who said it. */
  readonly #transports = new Map<string, Value>();
  #listener: Listener | undefined;

  constructor(
    readonly runtime: Runtime,
    /** What a gateway sends on goes out through it. */
    readonly outbound: Outbound,
  ) {
    const { config, loop, arena, tls, control } = runtime;
    this.requestLines = new EditLines(arena);
    this.responseLines = new EditLines(arena);
    this.policies = new PortPolicies(config, loop, control);
    this.profiles = new ServiceProfiles(runtime, INBOUND_REQUEST_DROPS);
    this.#dialer = new Dialer(loop, arena, config.inbound, tls);
    this.#lines = new IdentityLines(arena);
    this.#gateway = new Gateway(this, this.#lines);
    this.inFlight = new InFlight(config.inbound.maxInFlight);
    if (config.accessLog !== undefined) this.accessLog = new AccessLog(loop, arena, config.accessLog);
  }

  /** Begins to accept. @returns the address listened on */
  listen(isReusePort: boolean): SocketAddress {
    const { config, loop, log } = this.runtime, { accept, backlog } = config.inbound;
    const options = { ...accept, backlog, isReusePort };
    this.#listener = new Listener(
      loop,
      config.inboundListen,
      options,
      (accepted) => this.#accept(accepted),
      (message) => log.warn(message),
      this.runtime.sockets,
      {
        connections: this.runtime.arena.acceptedConnections,
        onRefused: () => this.#countTcpError("loadshed"),
      },
    );
    return this.#listener.address;
  }

  #refuse(fd: number, error: string): void {
    close(fd);
    this.#countTcpError(error);
  }

  #countTcpError(error: string): void {
    this.runtime.telemetry.counter(
      "inbound_tcp_errors_total",
      "The total number of inbound TCP connections that the proxy could not serve",
      { error },
    ).value++;
  }

  #accept({ fd, client, destination, isDirect }: Accepted): void {
    const { config, loop, arena } = this.runtime, { inboundIps } = config;
    if (!isDirect && inboundIps.size > 0 && !inboundIps.has(destination.ip)) {
      return this.#refuse(fd, "unexpected");
    }
    const isForProxy = isDirect || destination.port === this.#listener!.address.port;
    const stream = new Stream(loop, arena, fd, NOBODY, "open");
    if (!isForProxy && this.policies.of(destination.port).current.protocol === "opaque") {
      const plain = { ...client, isTls: false, identity: undefined };
      return this.forward(this.#connection(destination, plain, "port_skipped", ""), stream, 0);
    }
    const began = loop.micros();
    new Detector(
      stream,
      config.inbound.detectTimeoutMs,
      (detected) => this.#detected(stream, client, destination, isForProxy, detected, began),
      () => {},
    );
  }

  #connection(
    target: SocketAddress,
    client: Client,
    noTlsReason: string | undefined,
    serverName: string,
  ): InboundConnection {
    return new InboundConnection(
      this,
      target,
      client,
      this.policies.of(target.port),
      noTlsReason,
      serverName,
    );
  }

  #detected(
    stream: Stream,
    peer: SocketAddress,
    target: SocketAddress,
    isForProxy: boolean,
    detected: Detected,
    began: number,
  ): void {
    const { tls } = this.runtime;
    if (
      detected.protocol === Protocol.Tls && detected.serverName === tls.localName && tls.server !== undefined
    ) {
      return this.#terminate(stream, peer, target, isForProxy);
    }
    if (isForProxy) {
      this.#countTcpError("unexpected");
      return stream.close(); // a direct connection must prove who it is
    }
    const isPassthrough = detected.protocol === Protocol.Tls;
    const client = { ...peer, isTls: false, identity: undefined };
    const reason = isPassthrough ? "passthrough" : "no_tls_from_remote";
    const connection = this.#connection(target, client, reason, detected.serverName);
    if (isPassthrough || connection.policy.current.protocol === "tls") {
      return this.forward(connection, stream, 0);
    }
    connection.detected(detected, this.runtime.loop.micros() - began);
    this.#serve(connection, stream, detected.protocol, 0);
  }

  #terminate(stream: Stream, peer: SocketAddress, target: SocketAddress, isForProxy: boolean): void {
    const { runtime } = this, session = new TlsSession(runtime.tls.server!, stream.fd);
    const secured = stream.secure(session);
    new ServerHandshake(secured, runtime.config.inbound.detectTimeoutMs, (identity) => {
      const client = { ip: peer.ip, port: peer.port, isTls: true, identity };
      if (isForProxy) return this.#direct(secured, client, target);
      this.#detectInside(this.#connection(target, client, undefined, ""), secured, 0);
    }, (failure) => {
      this.#countTcpError("tls");
      runtime.log.info("TLS handshake failed", { client: formatAddress(peer), error: failure.detail });
    });
  }

  /** A connection to the proxy's own port: its header says what it is for. */
  #direct(stream: Stream, client: Client, local: SocketAddress): void {
    const refuse = (why: string) => {
      this.#countTcpError("unexpected");
      this.runtime.log.warn("direct connection refused", { client: client.ip, error: why });
      stream.close();
    };
    if (client.identity === undefined || stream.tls?.alpn() !== TRANSPORT_ALPN) {
      return refuse("it needs a client certificate and a transport header");
    }
    const { arena, config } = this.runtime;
    new FirstBytes(
      stream,
      config.inbound.detectTimeoutMs,
      (at, length) => {
        const decoded = decodeTransportHeader(arena.memory.bytes.subarray(at, at + length));
        return decoded.kind === "more" ? undefined : decoded;
      },
      (decoded, length) => {
        if (decoded === undefined) return refuse("no transport header came");
        if (decoded.kind !== "header") return refuse(decoded.kind === "bad" ? decoded.detail : "incomplete");
        const { header } = decoded;
        if (header.name === "" && header.port === this.#listener!.address.port) {
          return refuse("the transport header names the proxy itself");
        }
        arena.memory.bytes.copyWithin(
          arena.receiveAt,
          arena.receiveAt + decoded.length,
          arena.receiveAt + length,
        );
        this.#countTransport(header, client);
        this.#taken(header, stream, client, local, length - decoded.length);
      },
      () => this.#countTcpError("i/o"),
    );
  }

  /** A direct connection whose header has been read; `length` bytes that followed it lie in the receive area. */
  #taken(
    header: TransportHeader,
    stream: Stream,
    client: Client,
    local: SocketAddress,
    length: number,
  ): void {
    if (header.name !== "") {
      const connection = this.#connection(local, client, undefined, "");
      return this.#gateway.take(connection, stream, header, length, (protocol, pipelineOf) => {
        if (protocol === "http2") this.#serveHttp2(connection, stream, length, pipelineOf);
        else this.#serveHttp1(connection, stream, length, pipelineOf());
      });
    }
    const connection = this.#connection({ ip: local.ip, port: header.port }, client, undefined, "");
    // The peer's proxy knows that this is no HTTP; waiting to see for ourselves could mean waiting for ever.
    if (header.protocol === undefined && connection.policy.current.protocol === "detect") {
      return this.forward(connection, stream, length);
    }
    this.#detectInside(connection, stream, length);
  }

  #countTransport(header: TransportHeader, { identity }: Client): void {
    const key = `${header.port} ${header.protocol} ${identity} ${header.name}`;
    let counter = this.#transports.get(key);
    if (counter === undefined) {
      counter = this.#transportCounter(header, identity);
      if (this.#transports.size >= MAX_TRANSPORTS) this.#transports.clear();
      this.#transports.set(key, counter);
    }
    counter.value++;
  }

  #transportCounter({ port, name, protocol }: TransportHeader, identity: string | undefined): Value {
    return this.runtime.telemetry.counter(
      "inbound_tcp_transport_header_connections_total",
      "TCP connections that began with a transport header",
      {
        session_protocol: protocol ?? "",
        target_port: String(port),
        target_name: name,
        client_id: identity,
      },
    );
  }

  /** What is spoken inside TLS; `length` first bytes lie in the receive area. */
  #detectInside(connection: InboundConnection, stream: Stream, length: number): void {
    const { protocol, detectTimeoutMs } = connection.policy.current;
    if (protocol === "opaque" || protocol === "tls") return this.forward(connection, stream, length);
    const { arena, loop } = this.runtime, inspect = inspectProtocol(stream), began = loop.micros();
    const serve = (protocol: Protocol, isTimedOut: boolean, count: number) => {
      connection.detected({ protocol, isTimedOut }, loop.micros() - began);
      this.#serve(connection, stream, protocol, count);
    };
    const known = length === 0 ? undefined : inspect(arena.receiveAt, length);
    if (known !== undefined) return serve(known, false, length);
    new FirstBytes(
      stream,
      detectTimeoutMs,
      inspect,
      (found, count) =>
        serve(found ?? guessProtocol(stream, count), found === undefined && !stream.isReadEnded, count),
      () => connection.detected(undefined, loop.micros() - began),
      length,
    );
  }

  #serve(connection: InboundConnection, stream: Stream, protocol: Protocol, length: number): void {
    const declared = connection.policy.current.protocol;
    // A peer proxy may bring HTTP/1 over HTTP/2 whatever the port is declared to speak.
    const pipelineOf = () => new InboundHttp(connection, this.#lines);
    if (protocol === Protocol.Http2) return this.#serveHttp2(connection, stream, length, pipelineOf);
    if (declared === "detect" && protocol !== Protocol.Http1) {
      return this.forward(connection, stream, length);
    }
    this.#serveHttp1(connection, stream, length, pipelineOf());
  }

  #serveHttp1(connection: InboundConnection, stream: Stream, length: number, pipeline: Pipeline): void {
    connection.opened(stream);
    const server = new ServerConnection(
      stream,
      connection.client.ip,
      pipeline,
      (errno) => connection.ended(errno),
    );
    connection.drain = (isForced) => isForced ? stream.fail(CLOSED_BY_PROXY) : server.drain();
    server.begin(this.runtime.arena.receiveAt, length);
  }

  #serveHttp2(
    connection: InboundConnection,
    stream: Stream,
    length: number,
    pipelineOf: () => Pipeline,
  ): void {
    connection.opened(stream);
    const server = serveHttp2(stream, connection, pipelineOf);
    if (server === undefined) return this.#countTcpError("loadshed");
    server.begin(this.runtime.arena.receiveAt, length);
  }

  /** Passes a connection on as it comes, to the application unless `where` says otherwise. */
  forward(
    connection: InboundConnection,
    stream: Stream,
    length: number,
    where: Pick<ForwardOptions, "pick" | "queue"> = { pick: () => connection.application() },
  ): void {
    connection.opened(stream);
    if (!connection.authorizeConnection(() => connection.drain(true))) {
      connection.ended("unauthorized");
      return stream.abort();
    }
    const forward = new Forward(stream, length, {
      ...where,
      protocol: undefined,
      onEnd: (errno, error) => {
        if (error !== undefined) this.#countTcpError(error.label);
        connection.ended(errno);
      },
    });
    connection.drain = (isForced) => {
      if (isForced) forward.close();
    };
  }

  /** The endpoint of an address of this workload. */
  applicationAt(address: SocketAddress): Endpoint {
    const key = formatAddress(address);
    let endpoint = this.#applications.get(key);
    if (endpoint === undefined) {
      const { telemetry } = this.runtime;
      const labels = {
        direction: "inbound",
        target_addr: key,
        target_ip: address.ip,
        target_port: String(address.port),
      };
      const series = {
        http: telemetry.httpSeries(labels),
        tcp: telemetry.tcpSeries({ ...labels, peer: "dst", tls: "no_identity", no_tls_reason: "loopback" }),
      };
      endpoint = new Endpoint(
        this.#dialer,
        {
          address,
          weight: 1,
          identity: undefined,
          hint: "none",
          transportPort: undefined,
          authorityOverride: undefined,
          labels: {},
        },
        series,
        { isBackingOff: false },
      );
      this.#applications.set(key, endpoint);
    }
    endpoint.lastUsed = this.runtime.loop.now;
    return endpoint;
  }

  /** Lets go of what has not been used for a while. */
  forgetIdle(): void {
    const before = this.runtime.loop.now - this.runtime.config.inbound.discoveryIdleMs * 1000;
    this.policies.forgetIdle(before);
    this.profiles.forgetIdle(before);
    for (const [key, endpoint] of this.#applications) {
      if (endpoint.open > 0 || endpoint.lastUsed >= before) continue;
      endpoint.retire();
      this.#applications.delete(key);
    }
  }

  /** Stops accepting; connections end after what they are doing, or at once when `isForced`. */
  drain(isForced: boolean): void {
    this.isDraining = true;
    this.#listener?.close();
    for (const connection of [...this.connections]) connection.drain(isForced);
  }
}
