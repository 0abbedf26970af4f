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
import { ClassedRequest } from "../telemetry/profile_series.ts";
import { type Counted, CountedTwice } from "../telemetry/route_series.ts";
import { HeaderName } from "../../wasm/http1.ts";
import { mayCarryTrace } from "../trace/context/fields.ts";
import type { RequestTrace } from "../trace/request_trace.ts";
import type { Tracer } from "../trace/tracer.ts";
import type { InboundRule } from "../policy/inbound_rule.ts";
import type { RateLimiter } from "../policy/rate_limiter.ts";
import { answerOf } from "../route/rule_filters.ts";
import type { InboundConnection, Labels } from "./inbound_connection.ts";
import type { IdentityLine, IdentityLines } from "./identity_lines.ts";
import type { ProfiledRoute } from "./service_profiles.ts";
import { AUDIT, type Verdict } from "./verdicts.ts";

const bit = (id: number) => 1 << (id & 31);
/** A client cannot say who it is: only its certificate can. */
export const INBOUND_REQUEST_DROPS: DropMask = [
  0,
  0,
  bit(HeaderName.L5dClientId) | bit(HeaderName.L5dRequireId) | bit(HeaderName.L5dOrigProto),
];
const RESPONSE_DROPS: DropMask = [0, 0, bit(HeaderName.L5dProxyUndelivered)];

export class InboundHttp implements Pipeline {
  readonly isDowngrading = true;
  readonly rules = undefined;
  readonly requestDrops = INBOUND_REQUEST_DROPS;
  readonly responseDrops = RESPONSE_DROPS;
  readonly authority = "";
  requestExtraAt: number;
  requestExtraLength: number;
  responseExtraAt = 0;
  responseExtraLength = 0;
  /** Tells the application who asks. */
  readonly #line: IdentityLine;
  /** Of the tunnel that the request has become. */
  #stopWatching: (() => void) | undefined;
  #current: Verdict | undefined;
  #rule: InboundRule | undefined;
  /** The route of a ServiceProfile that took the request; the rest is made with the first that one took. */
  #profiled: ProfiledRoute | undefined;
  #classed: ClassedRequest | undefined;
  #counted: CountedTwice | undefined;

  constructor(private readonly connection: InboundConnection, lines: IdentityLines) {
    const line = this.#line = lines.of(connection.client.identity);
    this.requestExtraAt = line.at;
    this.requestExtraLength = line.length;
  }

  route(exchange: Exchange, at: number): Endpoint | ProxyError {
    const { connection, connection: { client, inbound } } = this, refused = this.admit(exchange, at);
    this.#profiled = refused === undefined
      ? inbound.profiles.find(at, client.identity !== undefined)
      : undefined;
    return refused ?? connection.application();
  }

  /** Judges and counts the request whose head stands in the record. @returns why it may not pass */
  admit(_exchange: Exchange, at: number): ProxyError | undefined {
    const { connection } = this, { policy, runtime: { arena } } = connection, table = policy.rules;
    const rule = this.#rule = table.find(arena, at, INBOUND_REQUEST_DROPS);
    if (rule === undefined) return this.#notFound();
    const { prefixLength } = table, verdict = this.#current = connection.verdicts.judge(policy.current, rule);
    verdict.count.value++;
    if (verdict.denied !== undefined) return verdict.denied;
    if (verdict.isAudited) this.#audit(rule);
    const answer = rule.filters.stops.length === 0
      ? undefined
      : answerOf(rule.filters, arena, at, prefixLength, Math.random);
    return answer ?? (policy.limiter === undefined ? undefined : this.#limit(policy.limiter));
  }

  /** Tells of a request that only the audit policy lets pass (proxy.md §3). */
  #audit({ route: { resource } }: InboundRule): void {
    const { client, runtime, policy: { current: { server } } } = this.connection;
    runtime.log.info("request allowed", {
      direction: "inbound",
      client: client.ip,
      id: client.identity ?? "-",
      server: server.name,
      route: resource.name,
      authz: AUDIT,
    });
  }

  #notFound(): ProxyError {
    this.#current = undefined;
    const help = "The total number of inbound HTTP requests that no route takes";
    const { telemetry } = this.connection.runtime;
    telemetry.counter("inbound_http_route_not_found_total", help, this.#serverLabels()).value++;
    return proxyError("route-not-found", "no route takes the request");
  }

  /** What tells the server's requests apart, whatever route they take. */
  #serverLabels(): Labels {
    const { connection } = this;
    const { route_group: _group, route_kind: _kind, route_name: _name, ...labels } = connection.labels(
      connection.policy.current,
      undefined,
    );
    return labels;
  }

  #limit(limiter: RateLimiter): ProxyError | undefined {
    const { runtime, client } = this.connection;
    const scope = limiter.admit(client.identity, runtime.loop.now);
    if (scope === undefined) return undefined;
    const { group, kind, name } = limiter.limit.resource;
    const help = "The total number of inbound HTTP requests that were refused by a local rate limit";
    runtime.telemetry.counter("inbound_http_local_ratelimit_total", help, {
      ...this.#serverLabels(),
      ratelimit_group: group,
      ratelimit_kind: kind,
      ratelimit_name: name,
      ratelimit_scope: scope,
    }).value++;
    return proxyError("rate-limited", `the rate limit ${name} (${scope}) is reached`);
  }

  /** There is one application, and it could not be reached. */
  reroute(_exchange: Exchange, failed: Endpoint): Endpoint | ProxyError {
    return proxyError("connect-failed", `${failed.name}: not reached`);
  }

  editRequest(at: number, trace: RequestTrace | undefined): void {
    const edit = this.#rule?.filters.requestEdit, line = this.#line;
    if (edit === undefined && trace === undefined) {
      this.requestExtraAt = line.at;
      this.requestExtraLength = line.length;
      return;
    }
    const { inbound: { requestLines } } = this.connection;
    this.requestExtraAt = requestLines.at;
    this.requestExtraLength = requestLines.compose(at, line.at, line.length, edit, trace);
  }

  editResponse(at: number): void {
    const edit = this.#rule?.filters.responseEdit;
    if (edit === undefined) {
      this.responseExtraLength = 0;
      return;
    }
    const { inbound: { responseLines } } = this.connection;
    this.responseExtraAt = responseLines.at;
    this.responseExtraLength = responseLines.compose(at, 0, 0, edit, undefined);
  }

  /** Of a ServiceProfile's route; beside that, requests are counted with their endpoint, of which there is one. */
  get requestSeries(): Counted | undefined {
    return this.#profiled?.series;
  }

  seriesOf(): Counted {
    const { series, ofPeer, ofRoute } = this.#current!, profiled = this.#profiled;
    if (profiled === undefined) return series;
    const counted = this.#counted ??= new CountedTwice();
    counted.first = (this.#classed ??= new ClassedRequest()).of(ofPeer, profiled.failures);
    counted.second = ofRoute;
    return counted;
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
    if (error.code !== "redirect") this.connection.countError(error);
  }

  get isDraining(): boolean {
    return this.connection.inbound.isDraining;
  }

  get inFlight(): InFlight {
    return this.connection.inbound.inFlight;
  }

  get isWatched(): boolean {
    const { inbound: { accessLog }, runtime: { arena } } = this.connection;
    return accessLog !== undefined || (this.tracer !== undefined && mayCarryTrace(arena));
  }

  get tracer(): Tracer | undefined {
    return this.connection.runtime.tracing?.inbound;
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
