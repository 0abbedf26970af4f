/**
 * What a gateway decides for the HTTP requests of a connection: its own policy admits them, then they go on as this
 * workload's outbound traffic to the name that the peer's transport header gave.
 * Source: proxy.md §4.
 */
import { Head } from "../../../wasm/http1.ts";
import type { Endpoint } from "../../connect/endpoint.ts";
import { type ProxyError, proxyError } from "../../error.ts";
import type { Exchange } from "../../http/exchange.ts";
import type { OutboundConnection } from "../../outbound/outbound_connection.ts";
import { OutboundHttp } from "../../outbound/outbound_http.ts";
import type { AccessRequest, AccessResponse } from "../../telemetry/access_log.ts";
import type { Tracer } from "../../trace/tracer.ts";
import { HeldBytes } from "../../worker/held.ts";
import type { InboundConnection } from "../inbound_connection.ts";
import type { InboundHttp } from "../inbound_http.ts";
import { forwardedLine, wentThrough } from "./forwarded.ts";

/** Why a gateway does not carry what discovery knows nothing of. */
export function withoutDomain(error: ProxyError): ProxyError {
  return error.code === "lookup-refused" ? proxyError("not-a-gateway", error.detail) : error;
}

export class GatewayHttp extends OutboundHttp {
  override readonly isDowngrading = true;
  /** The request has been judged, and waits for an endpoint. */
  #isAdmitted = false;
  /** The header lines that are added: they are needed again when the request is sent again. */
  readonly #lines: HeldBytes;

  constructor(
    outbound: OutboundConnection,
    private readonly inbound: InboundConnection,
    /** The policy of the gateway's own port. */
    private readonly judge: InboundHttp,
  ) {
    super(outbound);
    this.#lines = new HeldBytes(outbound.runtime.arena);
  }

  override route(exchange: Exchange, at: number): Endpoint | ProxyError | undefined {
    const denied = this.#isAdmitted ? undefined : this.#admit(exchange, at);
    if (denied !== undefined) {
      this.forgetRoute();
      return denied;
    }
    const routed = super.route(exchange, at);
    this.#isAdmitted = routed === undefined;
    if (routed === undefined) return undefined;
    if ("code" in routed) return withoutDomain(routed);
    // HTTP/2 says whom a request is for in a way that the client's proxy has set already.
    this.authority = exchange.version === 20 ? "" : this.connection.destination.key;
    return this.#sign(at) ? routed : proxyError("load-shed", "no buffer is left");
  }

  #admit(exchange: Exchange, at: number): ProxyError | undefined {
    const { arena, tls } = this.connection.runtime, denied = this.judge.admit(exchange, at);
    if (denied !== undefined) return denied;
    return wentThrough(arena, at, tls.localName)
      ? proxyError("loop", `the request went through ${tls.localName} before`)
      : undefined;
  }

  /** Adds who passed it on to the lines that outbound adds. @returns false when there is no room */
  #sign(at: number): boolean {
    const { arena, tls } = this.connection.runtime, { words } = arena.memory, record = arena.recordAt >> 2;
    const host = arena.readAscii(
      at + words[record + Head.AuthorityOffset]!,
      Math.min(words[record + Head.AuthorityLength]!, 1024),
    );
    const line = forwardedLine({ by: tls.localName, for: this.inbound.client.identity!, host });
    if (!this.#lines.keep(arena.textAt, arena.writeAscii(arena.textAt, line))) return false;
    this.fixedAt = this.#lines.at;
    this.fixedLength = this.#lines.length;
    return true;
  }

  override get isInformed(): boolean {
    return this.judge.isInformed;
  }

  override onError(error: ProxyError): void {
    this.#isAdmitted = false;
    this.judge.onError(error);
  }

  override get isWatched(): boolean {
    return this.judge.isWatched;
  }

  override get tracer(): Tracer | undefined {
    return this.connection.runtime.tracing?.gateway;
  }

  override logAccess(exchange: Exchange, at: number): AccessRequest | undefined {
    return this.judge.logAccess(exchange, at);
  }

  override endAccess(request: AccessRequest, response: AccessResponse): void {
    this.judge.endAccess(request, response);
  }

  override release(): void {
    super.release();
    this.judge.release();
    this.#isAdmitted = false;
    this.#lines.release();
    this.fixedAt = this.fixedLength = 0;
  }

  override onTunnel(close: () => void): void {
    this.judge.onTunnel(close);
  }
}
