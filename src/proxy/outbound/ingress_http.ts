/**
 * What outbound decides for requests beside an ingress controller: each may say whom it is for (`l5d-dst-override`), so
 * that a connection leads to one service after another; without that the original destination counts.
 * Source: proxy.md §5 (ingress mode), §7.
 */
import { HeaderName } from "../../wasm/http1.ts";
import { canonicalName } from "../config/name_suffixes.ts";
import type { Endpoint } from "../connect/endpoint.ts";
import type { OutboundTarget } from "../control/plane.ts";
import { type ProxyError, proxyError } from "../error.ts";
import type { Exchange } from "../http/exchange.ts";
import type { DropMask } from "../http/pipeline.ts";
import { hasHeader, headerText } from "../http/record.ts";
import type { Destination } from "../route/destination.ts";
import { withRuleHeaders } from "../http/header_rules.ts";
import { OutboundConnection } from "./outbound_connection.ts";
import { OUTBOUND_REQUEST_DROPS, OutboundHttp } from "./outbound_http.ts";

const DEFAULT_PORT = 80;
const [LOW, MIDDLE, HIGH] = OUTBOUND_REQUEST_DROPS;
const REQUEST_DROPS: DropMask = [LOW, MIDDLE, HIGH | 1 << (HeaderName.L5dDstOverride & 31)];
const RULED_DROPS = withRuleHeaders(REQUEST_DROPS);

/** The name and port of `host[:port]`; undefined when it is no name of a service. */
export function targetOfOverride(text: string): OutboundTarget | undefined {
  const [, host = "", digits] = /^([^:]+)(?::([0-9]{1,5}))?$/.exec(text.trim()) ?? [];
  const name = canonicalName(host), port = digits === undefined ? DEFAULT_PORT : Number(digits);
  return name === undefined || port < 1 || port > 65535 ? undefined : { name, port };
}

export class IngressHttp extends OutboundHttp {
  protected override readonly drops: DropMask = REQUEST_DROPS;
  protected override readonly ruledDrops: DropMask = RULED_DROPS;
  /** In use by the request at hand, and by those after it that are for the same. */
  #held: Destination | undefined;
  /** What `#held` was chosen by; undefined: the original destination. */
  #override: string | undefined;
  readonly #original: Destination;

  constructor(connection: OutboundConnection) {
    // A view of its own: beside it other requests of the connection go elsewhere.
    super(
      new OutboundConnection(
        connection.outbound,
        connection.client,
        connection.destination,
        connection.address,
      ),
    );
    this.#original = connection.destination;
  }

  override route(exchange: Exchange, at: number): Endpoint | ProxyError | undefined {
    const error = this.#aim(at);
    if (error === undefined) return super.route(exchange, at);
    this.forgetRoute();
    return error;
  }

  /** Sees to the destination of the request in the record. @returns why there is none */
  #aim(at: number): ProxyError | undefined {
    const { runtime: { arena }, outbound } = this.connection;
    const override = hasHeader(arena, HeaderName.L5dDstOverride)
      ? headerText(arena, at, HeaderName.L5dDstOverride)
      : undefined;
    if (this.#held !== undefined && override === this.#override) return undefined;
    const target = override === undefined ? undefined : targetOfOverride(override);
    if (override !== undefined && target === undefined) {
      return proxyError("bad-request", `l5d-dst-override: ${JSON.stringify(override)} is not host:port`);
    }
    const destination = target === undefined ? this.#original : outbound.destinationOf(target);
    if (destination === undefined) return proxyError("load-shed", "too many destinations are in use");
    this.#letGo();
    this.#override = override;
    this.#held = this.connection.destination = destination;
    this.connection.hold();
    return undefined;
  }

  #letGo(): void {
    if (this.#held !== undefined) this.connection.letGo();
    this.#held = this.#override = undefined;
    this.connection.destination = this.#original;
  }

  override release(): void {
    super.release();
    this.#letGo();
  }
}
