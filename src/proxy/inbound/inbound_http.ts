/** What inbound decides for the HTTP requests of one connection: authorize, then to the application. */
import type { Endpoint } from "../connect/endpoint.ts";
import { type ProxyError, proxyError } from "../error.ts";
import { formatAddress } from "../../linux/address.ts";
import type { Exchange } from "../http/exchange.ts";
import type { InFlight } from "../http/in_flight.ts";
import type { DropMask, Pipeline } from "../http/pipeline.ts";
import { inboundPlace } from "../tap/places.ts";
import type { TapPlace } from "../tap/subject.ts";
import type { Taps } from "../tap/taps.ts";
import type { AccessRequest, AccessResponse } from "../telemetry/access_log.ts";
import type { HttpSeries } from "../telemetry/http_series.ts";
import type { Value } from "../telemetry/telemetry.ts";
import { Head, HeaderName } from "../../wasm/http1.ts";
import { authorize, DEFAULT_ROUTE, type InboundRoute, type ServerPolicy } from "../policy/server_policy.ts";
import type { InboundConnection, Labels } from "./inbound_connection.ts";
import { IdentityLines } from "./identity_lines.ts";

const bit = (id: number) => 1 << (id & 31);
/** A client cannot say who it is: only its certificate can. */
const REQUEST_DROPS: DropMask = [
  0,
  0,
  bit(HeaderName.L5dClientId) | bit(HeaderName.L5dRequireId) | bit(HeaderName.L5dOrigProto),
];
const RESPONSE_DROPS: DropMask = [0, 0, bit(HeaderName.L5dProxyUndelivered)];

interface Verdict {
  readonly series: HttpSeries;
  readonly denied: ProxyError | undefined;
  readonly count: Value;
  readonly labels: Labels;
}

export class InboundHttp implements Pipeline {
  readonly isDowngrading = true;
  readonly rules = undefined;
  readonly requestDrops = REQUEST_DROPS;
  readonly responseDrops = RESPONSE_DROPS;
  readonly authority = "";
  readonly requestExtraAt: number;
  readonly requestExtraLength: number;
  readonly responseExtraAt = 0;
  readonly responseExtraLength = 0;
  #judged: ServerPolicy | undefined;
  /** Of the tunnel that the request has become. */
  #stopWatching: (() => void) | undefined;
  /** What was decided for the default route (first) and for each of the policy's routes, under this policy. */
  #verdicts: (Verdict | undefined)[] = [];
  #current: Verdict | undefined;

  constructor(private readonly connection: InboundConnection, lines: IdentityLines) {
    const line = lines.of(connection.client.identity);
    this.requestExtraAt = line.at;
    this.requestExtraLength = line.length;
  }

  /** Every request is judged by the policy of this moment; a verdict is kept while the policy is the same. */
  #judge(at: number): Verdict {
    const { policy: { current: policy } } = this.connection;
    if (policy !== this.#judged) {
      this.#judged = policy;
      this.#verdicts = [];
    }
    const index = policy.routes.length === 0 ? 0 : this.#routeIndex(policy, at);
    return this.#verdicts[index] ??= this.#decide(policy, policy.routes[index - 1] ?? DEFAULT_ROUTE);
  }

  /** 0 for the default route, else one more than the route's place. Paths are read only when their length fits. */
  #routeIndex(policy: ServerPolicy, at: number): number {
    const { arena } = this.connection.runtime, words = arena.memory.words, record = arena.recordAt >> 2;
    const length = words[record + Head.PathOnlyLength]!, offset = words[record + Head.PathOffset]!;
    for (let i = 0; i < policy.routes.length; i++) {
      for (const { path, method } of policy.routes[i]!.matches) {
        if (path.length !== length || arena.readAscii(at + offset, length) !== path) continue;
        const sent = words[record + Head.MethodLength]!;
        if (method === undefined) return i + 1;
        if (
          method.length === sent && arena.readAscii(at + words[record + Head.MethodOffset]!, sent) === method
        ) {
          return i + 1;
        }
      }
    }
    return 0;
  }

  #decide(policy: ServerPolicy, route: InboundRoute): Verdict {
    const { connection } = this, { telemetry } = connection.runtime;
    const authorization = authorize(policy, connection.client, route);
    const labels = connection.labels(policy, authorization?.resource, route.resource);
    const series = telemetry.httpSeries({ direction: "inbound", ...labels });
    if (authorization === undefined) {
      const help = "The total number of inbound HTTP requests that could not be authorized";
      return {
        series,
        denied: proxyError("unauthorized", `unauthorized request on route ${route.resource.name}`),
        count: telemetry.counter("inbound_http_authz_deny_total", help, labels),
        labels,
      };
    }
    const help = "The total number of inbound HTTP requests that were authorized";
    return {
      series,
      denied: undefined,
      count: telemetry.counter("inbound_http_authz_allow_total", help, labels),
      labels,
    };
  }

  route(exchange: Exchange, at: number): Endpoint | ProxyError {
    return this.admit(exchange, at) ?? this.connection.application();
  }

  /** Judges and counts the request whose head stands in the record. @returns why it may not pass */
  admit(_exchange: Exchange, at: number): ProxyError | undefined {
    const verdict = this.#current = this.#judge(at);
    verdict.count.value++;
    return verdict.denied;
  }

  /** There is one application, and it could not be reached. */
  reroute(_exchange: Exchange, failed: Endpoint): Endpoint | ProxyError {
    return proxyError("connect-failed", `${failed.name}: not reached`);
  }

  editRequest(): void {}

  editResponse(): void {}

  seriesOf(): HttpSeries {
    return this.#current!.series;
  }

  get taps(): Taps {
    return this.connection.runtime.telemetry.taps;
  }

  tapPlace(): TapPlace {
    return inboundPlace(this.connection.client, this.#current!.labels);
  }

  countRetry(): void {} // what comes in has no rules

  get isInformed(): boolean {
    return this.connection.client.identity !== undefined;
  }

  onError(error: ProxyError): void {
    this.connection.countError(error);
  }

  get isDraining(): boolean {
    return this.connection.inbound.isDraining;
  }

  get inFlight(): InFlight {
    return this.connection.inbound.inFlight;
  }

  logAccess(exchange: Exchange, at: number): AccessRequest | undefined {
    const { inbound: { accessLog }, client } = this.connection;
    if (accessLog === undefined) return undefined;
    const address = formatAddress({ ip: client.ip, port: client.port ?? 0 });
    return accessLog.begin(at, exchange.version, address, client.identity);
  }

  endAccess(request: AccessRequest, response: AccessResponse): void {
    this.connection.inbound.accessLog!.end(request, response);
  }

  /** An application is no proxy of the mesh. */
  heedPeer(): boolean {
    return false;
  }

  release(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
  }

  onTunnel(close: () => void): void {
    const { route_group: group = "", route_kind: kind = "", route_name: name = "" } = this.#current!.labels;
    this.#stopWatching = this.connection.watchAuthorization(close, { group, kind, name });
  }
}
