/** One connection of the application to somewhere: its destination, and the series it is counted in. */
import { formatAddress, type SocketAddress } from "../../linux/address.ts";
import type { ProxyError } from "../error.ts";
import type { Destination } from "../route/destination.ts";
import type { Runtime } from "../runtime.ts";
import type { TcpSeries } from "../telemetry/tcp_series.ts";
import type { Stream } from "../worker/stream.ts";
import type { Outbound } from "../outbound.ts";

export class OutboundConnection {
  readonly runtime: Runtime;
  #tcp: TcpSeries | undefined;
  /** Ends what the connection has become, whatever that is; for shutdown. */
  drain: (isForced: boolean) => void = () => {};

  constructor(
    readonly outbound: Outbound,
    readonly client: SocketAddress,
    /** Where it leads; what stands for one request after another may be given another. */
    public destination: Destination,
    /** Where it was going before redirection. */
    readonly address: SocketAddress,
  ) {
    this.runtime = outbound.runtime;
  }

  opened(stream: Stream): void {
    const { telemetry, loop } = this.runtime, { decision } = this.destination;
    this.#tcp = telemetry.tcpSeries({
      direction: "outbound",
      peer: "src",
      authority: decision === undefined || decision.authority === "" ? undefined : decision.authority,
      target_addr: formatAddress(this.address),
      target_ip: this.address.ip,
      target_port: String(this.address.port),
      tls: "no_identity",
      no_tls_reason: "loopback",
    });
    this.#tcp.connectionOpened(loop.now);
    stream.counters = this.#tcp;
    this.hold();
    this.outbound.connections.add(this);
  }

  ended(errno: string): void {
    if (!this.outbound.connections.delete(this)) return;
    this.#tcp?.connectionClosed(errno, this.runtime.loop.now);
    this.letGo();
  }

  /** The destination is in use, and must not be forgotten. */
  hold(): void {
    this.destination.connections++;
  }

  letGo(): void {
    this.destination.connections--;
    this.destination.lastUsed = this.runtime.loop.now;
  }

  countError(error: ProxyError): void {
    const { telemetry, log } = this.runtime;
    telemetry.counter(
      "outbound_http_errors_total",
      "The total number of outbound HTTP requests that the proxy answered with an error",
      { error: error.label },
    ).value++;
    log.info("request failed", {
      direction: "outbound",
      destination: this.destination.decision?.authority || this.destination.key,
      code: error.code,
      source: error.source,
      status: error.status,
      error: error.detail,
    });
  }
}
