/**
 * One connection to this workload: who the client is, which port it wants, by which policy it is judged, and the
 * series it is counted in.
 */
import { formatAddress, type SocketAddress } from "../../linux/address.ts";
import type { Endpoint } from "../connect/endpoint.ts";
import { DETECT_BOUNDS, type Detection, resultOf } from "../detect/result.ts";
import type { ProxyError } from "../error.ts";
import type { PortPolicy } from "../policy/port_policies.ts";
import {
  authorize,
  type Client,
  DEFAULT_ROUTE,
  type ResourceName,
  type ServerPolicy,
} from "../policy/server_policy.ts";
import type { Runtime } from "../runtime.ts";
import type { KnownSeries } from "../telemetry/connection_series.ts";
import type { TcpSeries } from "../telemetry/tcp_series.ts";
import type { Stream } from "../worker/stream.ts";
import type { Inbound } from "../inbound.ts";
import { Verdicts } from "./verdicts.ts";

function isSameResource(a: ResourceName, b: ResourceName): boolean {
  return a.group === b.group && a.kind === b.kind && a.name === b.name;
}

/** In place of the identity; no certificate's name can be this. */
const NO_IDENTITY = "\0";

export type Labels = Record<string, string | undefined>;

export class InboundConnection {
  readonly runtime: Runtime;
  #tcp: TcpSeries | undefined;
  #series: KnownSeries<ServerPolicy> | undefined;
  /** Of its HTTP requests. */
  readonly verdicts = new Verdicts(this);
  /** The application that was asked last. */
  #application: Endpoint | undefined;
  /** Ends the watch of each tunnel, and of the connection itself. */
  readonly #watches = new Set<() => void>();
  /** Ends what the connection has become, whatever that is; for shutdown. */
  drain: (isForced: boolean) => void = () => {};
  /** What else ends with it. */
  onEnd: () => void = () => {};

  constructor(
    readonly inbound: Inbound,
    /** Where it wants to go: an address of this workload. */
    readonly target: SocketAddress,
    readonly client: Client,
    readonly policy: PortPolicy,
    /** Why the client's TLS is not ours; undefined when it is. */
    readonly noTlsReason: string | undefined,
    readonly serverName: string,
  ) {
    this.runtime = inbound.runtime;
  }

  /** The labels that tell this connection's traffic apart (proxy.md §13, inbound). */
  labels(
    policy: ServerPolicy,
    authorization: ResourceName | undefined,
    route: ResourceName = DEFAULT_ROUTE.resource,
  ): Labels {
    const { target, client, noTlsReason } = this, { server } = policy;
    return {
      target_addr: formatAddress(target),
      target_ip: target.ip,
      target_port: String(target.port),
      tls: client.isTls ? "true" : noTlsReason === "passthrough" ? "opaque" : "no_identity",
      ...(client.isTls
        ? client.identity === undefined ? {} : { client_id: client.identity }
        : noTlsReason === "passthrough"
        ? { sni: this.serverName }
        : { no_tls_reason: noTlsReason }),
      srv_group: server.group,
      srv_kind: server.kind,
      srv_name: server.name,
      srv_port: String(target.port),
      route_group: route.group,
      route_kind: route.kind,
      route_name: route.name,
      ...(authorization === undefined ? {} : {
        authz_group: authorization.group,
        authz_kind: authorization.kind,
        authz_name: authorization.name,
      }),
    };
  }

  #findSeries(): KnownSeries<ServerPolicy> {
    const { client, noTlsReason, target: { ip } } = this, { current: policy, series } = this.policy;
    // What a client that is passed through asks for is its own choice: as many names as it likes.
    const isKnown = noTlsReason !== "passthrough", { isTls } = client;
    const name = isTls ? client.identity ?? NO_IDENTITY : noTlsReason ?? "";
    const known = isKnown ? series.find(policy, ip, isTls, name) : undefined;
    if (known !== undefined) return known;
    const labels = { direction: "inbound", peer: "src", ...this.labels(policy, undefined) };
    const tcp = this.runtime.telemetry.tcpSeries(labels), whose = { policy, ip, isTls, name };
    return isKnown ? series.keep(whose, tcp) : { ...whose, tcp, allowed: undefined };
  }

  /** Begins to count the connection. */
  opened(stream: Stream): void {
    const series = this.#series = this.#findSeries();
    this.#tcp = series.tcp;
    this.#tcp.connectionOpened(this.runtime.loop.now);
    stream.counters = this.#tcp;
    this.inbound.connections.add(this);
  }

  ended(errno: string): void {
    this.#tcp?.connectionClosed(errno, this.runtime.loop.now);
    this.#tcp = undefined;
    for (const stop of [...this.#watches]) stop();
    if (this.inbound.connections.delete(this)) this.onEnd();
  }

  /** What the client turned out to speak, where the port's policy asks for detection. @param micros that it took */
  detected(detection: Detection, micros: number): void {
    const { telemetry } = this.runtime, { protocol, server } = this.policy.current;
    if (protocol !== "detect") return;
    const labels = {
      srv_group: server.group,
      srv_kind: server.kind,
      srv_name: server.name,
      srv_port: String(this.target.port),
    };
    telemetry.counter(
      "inbound_tcp_detect_http_results_total",
      "What inbound connections turned out to speak",
      { result: resultOf(detection), ...labels },
    ).value++;
    telemetry.buckets(
      "inbound_tcp_detect_http_duration_seconds",
      "Time until it was known what an inbound connection speaks",
      DETECT_BOUNDS,
      labels,
    ).record(micros / 1e6);
  }

  countError(error: ProxyError): void {
    const { telemetry, log } = this.runtime, { server } = this.policy.current;
    telemetry.counter(
      "inbound_http_errors_total",
      "The total number of inbound HTTP requests that the proxy answered with an error",
      {
        error: error.label,
        target_addr: formatAddress(this.target),
        target_ip: this.target.ip,
        target_port: String(this.target.port),
        srv_group: server.group,
        srv_kind: server.kind,
        srv_name: server.name,
        srv_port: String(this.target.port),
      },
    ).value++;
    log.info("request failed", {
      direction: "inbound",
      client: this.client.ip,
      code: error.code,
      source: error.source,
      status: error.status,
      error: error.detail,
    });
  }

  /** The application behind the port. */
  application(): Endpoint {
    const known = this.#application;
    if (known === undefined || known.isRetired) {
      return this.#application = this.inbound.applicationAt(this.target);
    }
    known.lastUsed = this.runtime.loop.now;
    return known;
  }

  /**
   * Judges a connection that is no HTTP, now and whenever the policy changes.
   * @returns false when it is denied now; `close` is called when it is denied later
   */
  authorizeConnection(close: () => void): boolean {
    const { telemetry } = this.runtime, policy = this.policy.current;
    const authorization = authorize(policy, this.client);
    if (authorization === undefined) {
      telemetry.counter(
        "inbound_tcp_authz_deny_total",
        "The total number of inbound TCP connections that were denied",
        this.labels(policy, undefined),
      ).value++;
      return false;
    }
    const series = this.#series?.policy === policy ? this.#series : undefined;
    const known = series?.allowed?.by === authorization.resource ? series.allowed : undefined;
    const allowed = known ?? {
      by: authorization.resource,
      counter: telemetry.counter(
        "inbound_tcp_authz_allow_total",
        "The total number of inbound TCP connections that were authorized",
        this.labels(policy, authorization.resource),
      ),
    };
    allowed.counter.value++;
    if (series !== undefined) series.allowed = allowed;
    this.watchAuthorization(close);
    return true;
  }

  /**
   * Calls `close` when a change of policy denies the client.
   * @param resource the route that it was admitted by, whose authorizations count as far as it still stands
   * @returns a function that ends the watch; it ends with the connection in any case
   */
  watchAuthorization(close: () => void, resource = DEFAULT_ROUTE.resource): () => void {
    const observer = () => {
      const policy = this.policy.current;
      const route = policy.routes.find((one) => isSameResource(one.resource, resource));
      if (authorize(policy, this.client, route) !== undefined) return;
      stop();
      this.runtime.telemetry.counter(
        "inbound_tcp_authz_terminate_total",
        "The total number of inbound TCP connections that were terminated by a change of policy",
        this.labels(policy, undefined),
      ).value++;
      close();
    };
    const stop = () => {
      this.policy.observers.delete(observer);
      this.#watches.delete(stop);
    };
    this.policy.observers.add(observer);
    this.#watches.add(stop);
    return stop;
  }
}
