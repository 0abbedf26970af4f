/**
 * Connections whose transport header names somebody else than this workload: they go on through outbound, as far as
 * the gateway's names and its port's policy allow it.
 * Source: proxy.md §4.
 */
import type { NamedTarget } from "../../control/plane.ts";
import { canonicalName } from "../../config/name_suffixes.ts";
import { type ProxyError, proxyError } from "../../error.ts";
import type { Pipeline } from "../../http/pipeline.ts";
import { OutboundConnection } from "../../outbound/outbound_connection.ts";
import { PassedConnection } from "../../outbound/passed_connection.ts";
import type { Destination } from "../../route/destination.ts";
import type { SessionProtocol, TransportHeader } from "../../tls/transport_header.ts";
import type { Stream } from "../../worker/stream.ts";
import type { Inbound } from "../../inbound.ts";
import type { IdentityLines } from "../identity_lines.ts";
import type { InboundConnection } from "../inbound_connection.ts";
import { InboundHttp } from "../inbound_http.ts";
import { GatewayHttp, withoutDomain } from "./gateway_http.ts";
import { RefusingHttp } from "./refusing_http.ts";

/** Serves HTTP on a connection; `length` first bytes lie in the receive area. */
type ServeHttp = (protocol: SessionProtocol, pipelineOf: () => Pipeline) => void;

export class Gateway {
  constructor(private readonly inbound: Inbound, private readonly lines: IdentityLines) {}

  /** @returns whom the header's name stands for, or why this gateway does not go there */
  #targetOf({ name, port }: TransportHeader, identity: string | undefined): NamedTarget | ProxyError {
    const { config, tls } = this.inbound.runtime, canonical = canonicalName(name);
    if (canonical === undefined || !config.gatewaySuffixes.covers(canonical)) {
      return proxyError("not-a-gateway", `this proxy is no gateway to ${JSON.stringify(name.slice(0, 253))}`);
    }
    if (identity === tls.localName) return proxyError("loop", "the client is this gateway itself");
    return { name: canonical, port };
  }

  /** Takes over a connection whose header has been read; `length` bytes that followed lie in the receive area. */
  take(
    connection: InboundConnection,
    stream: Stream,
    header: TransportHeader,
    length: number,
    serveHttp: ServeHttp,
  ): void {
    const target = this.#targetOf(header, connection.client.identity);
    const destination = "code" in target ? target : this.inbound.outbound.destinationOf(target) ??
      proxyError("load-shed", "too many destinations are in use");
    if (header.protocol === undefined) return this.#forward(connection, stream, destination, length);
    if ("code" in destination) {
      return serveHttp(header.protocol, () => new RefusingHttp(connection, this.lines, destination));
    }
    const outbound = this.#outboundOf(connection, destination);
    serveHttp(
      header.protocol,
      () => new GatewayHttp(outbound, connection, new InboundHttp(connection, this.lines)),
    );
  }

  /** Outbound's part of the connection; the destination is in use until it ends. */
  #outboundOf(connection: InboundConnection, destination: Destination): OutboundConnection {
    const { client, target } = connection;
    const address = { ip: client.ip, port: client.port ?? 0 };
    const outbound = new OutboundConnection(this.inbound.outbound, address, destination, target);
    outbound.hold();
    connection.onEnd = () => outbound.letGo();
    return outbound;
  }

  #forward(
    connection: InboundConnection,
    stream: Stream,
    destination: Destination | ProxyError,
    length: number,
  ): void {
    const { runtime } = this.inbound;
    if ("code" in destination) {
      return this.inbound.forward(connection, stream, length, { pick: () => destination });
    }
    this.#outboundOf(connection, destination);
    const passed = new PassedConnection(runtime, destination, "");
    this.inbound.forward(connection, stream, length, {
      pick: (failed) => {
        const picked = passed.pick(failed);
        return picked !== undefined && "code" in picked ? withoutDomain(picked) : picked;
      },
      queue: passed,
    });
  }
}
