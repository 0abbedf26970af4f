/** What inbound decides for the HTTP requests of one connection: authorize, then to the application. */
import type { Endpoint } from "../connect/endpoint.ts";
import { type ProxyError, proxyError } from "../error.ts";
import type { DropMask, Pipeline } from "../http/http1/pipeline.ts";
import type { ServerConnection } from "../http/http1/server_connection.ts";
import type { HttpSeries } from "../telemetry/http_series.ts";
import type { Value } from "../telemetry/telemetry.ts";
import { HeaderName } from "../../wasm/http1.ts";
import { authorize, type ServerPolicy } from "../policy/server_policy.ts";
import type { InboundConnection } from "./inbound_connection.ts";
import { IdentityLines } from "./identity_lines.ts";

const bit = (id: number) => 1 << (id & 31);
/** A client cannot say who it is: only its certificate can. */
const REQUEST_DROPS: DropMask = [0, 0, bit(HeaderName.L5dClientId) | bit(HeaderName.L5dRequireId)];
const RESPONSE_DROPS: DropMask = [0, 0, bit(HeaderName.L5dProxyUndelivered)];

export class InboundHttp implements Pipeline {
  readonly requestDrops = REQUEST_DROPS;
  readonly responseDrops = RESPONSE_DROPS;
  readonly requestExtraAt: number;
  readonly requestExtraLength: number;
  #judged: ServerPolicy | undefined;
  #denied: ProxyError | undefined;
  #allowed: Value | undefined;
  #refused: Value | undefined;
  #series: HttpSeries | undefined;

  constructor(private readonly connection: InboundConnection, lines: IdentityLines) {
    const line = lines.of(connection.client.identity);
    this.requestExtraAt = line.at;
    this.requestExtraLength = line.length;
  }

  /** Every request is judged by the policy of this moment; the verdict is kept while the policy is the same. */
  #judge(): void {
    const { connection } = this, policy = connection.policy.current;
    if (policy === this.#judged) return;
    this.#judged = policy;
    const authorization = authorize(policy, connection.client), { telemetry } = connection.runtime;
    const labels = connection.labels(policy, authorization?.resource);
    this.#series = telemetry.httpSeries({ direction: "inbound", ...labels });
    if (authorization === undefined) {
      this.#denied = proxyError("unauthorized", `unauthorized request on route ${policy.server.name}`);
      this.#refused = telemetry.counter(
        "inbound_http_authz_deny_total",
        "The total number of inbound HTTP requests that could not be authorized",
        connection.labels(policy, undefined),
      );
    } else {
      this.#denied = undefined;
      this.#allowed = telemetry.counter(
        "inbound_http_authz_allow_total",
        "The total number of inbound HTTP requests that were authorized",
        labels,
      );
    }
  }

  route(): Endpoint | ProxyError {
    this.#judge();
    if (this.#denied !== undefined) {
      this.#refused!.value++;
      return this.#denied;
    }
    this.#allowed!.value++;
    return this.connection.application();
  }

  /** There is one application, and it could not be reached. */
  reroute(_connection: ServerConnection, failed: Endpoint): Endpoint | ProxyError {
    return proxyError("connect-failed", `${failed.name}: not reached`);
  }

  seriesOf(): HttpSeries {
    return this.#series!;
  }

  get isInformed(): boolean {
    return this.connection.client.identity !== undefined;
  }

  onError(error: ProxyError): void {
    this.connection.countError(error);
  }

  get isDraining(): boolean {
    return this.connection.inbound.isDraining;
  }

  onClosed(_connection: ServerConnection, errno: string): void {
    this.connection.ended(errno);
  }

  onTunnel(_connection: ServerConnection, close: () => void): void {
    this.connection.watchAuthorization(close);
  }
}
