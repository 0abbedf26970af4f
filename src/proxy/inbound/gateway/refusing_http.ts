/** Requests at a gateway that it does not carry: they are judged and counted as others, then refused. */
import type { Endpoint } from "../../connect/endpoint.ts";
import type { ProxyError } from "../../error.ts";
import type { Exchange } from "../../http/exchange.ts";
import type { IdentityLines } from "../identity_lines.ts";
import type { InboundConnection } from "../inbound_connection.ts";
import { InboundHttp } from "../inbound_http.ts";

export class RefusingHttp extends InboundHttp {
  constructor(connection: InboundConnection, lines: IdentityLines, private readonly refusal: ProxyError) {
    super(connection, lines);
  }

  override route(exchange: Exchange, at: number): Endpoint | ProxyError {
    return this.admit(exchange, at) ?? this.refusal;
  }
}
