/** What outbound decides for the HTTP requests of one connection: an endpoint of the destination, in time. */
import { type ProxyError, proxyError } from "../error.ts";
import type { Endpoint } from "../connect/endpoint.ts";
import type { Exchange } from "../http/exchange.ts";
import type { DropMask, Pipeline } from "../http/pipeline.ts";
import type { InFlight } from "../http/in_flight.ts";
import { withRuleHeaders } from "../http/header_rules.ts";
import { headerText } from "../http/record.ts";
import { outboundPlace } from "../tap/places.ts";
import type { TapPlace } from "../tap/subject.ts";
import type { Taps } from "../tap/taps.ts";
import type { AccessRequest, AccessResponse } from "../telemetry/access_log.ts";
import { type Counted, CountedTwice } from "../telemetry/route_series.ts";
import { ClassedRequest } from "../telemetry/profile_series.ts";
import { countRetry, type RetryEvent } from "../telemetry/retry_counters.ts";
import { HeaderName } from "../../wasm/http1.ts";
import { mayCarryTrace } from "../trace/context/fields.ts";
import type { RequestTrace } from "../trace/request_trace.ts";
import type { Tracer } from "../trace/tracer.ts";
import type { RequestRules } from "../route/request_rules.ts";
import { heedPeer } from "./peer_words.ts";
import type { OutboundConnection } from "./outbound_connection.ts";
import { type DestinationRule, pickEndpoint, type RuleBackend } from "../route/destination_rule.ts";
import { answerOf } from "../route/rule_filters.ts";
import { Service, type Waiter } from "../route/service.ts";
import type { BalancerSeries } from "../telemetry/balancer_series.ts";
import { disarm, type Timer, timerOf } from "../worker/timers.ts";

const bit = (id: number) => 1 << (id & 31);
/** Of the mesh's own: what is for this proxy, and what only a proxy may say. */
export const OUTBOUND_REQUEST_DROPS: DropMask = [
  0,
  0,
  bit(HeaderName.L5dRequireId) | bit(HeaderName.L5dClientId) | bit(HeaderName.L5dOrigProto) |
  bit(HeaderName.L5dDstCanonical),
];
const OUTBOUND_RULED_DROPS = withRuleHeaders(OUTBOUND_REQUEST_DROPS);
const RESPONSE_DROPS: DropMask = [
  0,
  0,
  bit(HeaderName.L5dProxyError) | bit(HeaderName.L5dProxyConnection) | bit(HeaderName.L5dProxyUndelivered) |
  bit(HeaderName.L5dOrigProto),
];

export class OutboundHttp implements Pipeline, Waiter {
  readonly isDowngrading: boolean = false;
  /** Headers that end here whatever the route, and those that do where a client may ask for rules. */
  protected readonly drops: DropMask = OUTBOUND_REQUEST_DROPS;
  protected readonly ruledDrops: DropMask = OUTBOUND_RULED_DROPS;
  readonly responseDrops = RESPONSE_DROPS;
  authority = "";
  requestExtraAt = 0;
  requestExtraLength = 0;
  responseExtraAt = 0;
  responseExtraLength = 0;
  /** Lines that every request is given, whatever its route: where they stand, and their length. */
  protected fixedAt = 0;
  protected fixedLength = 0;
  /** Of the endpoint and of the backend that the request was given to. */
  readonly #counted = new CountedTwice();
  /** Made with the first request that a ServiceProfile's route takes. */
  #classed: ClassedRequest | undefined;
  #waiting: Exchange | undefined;
  /** What took the request, and what it was given to. */
  #rule: DestinationRule | undefined;
  #backend: RuleBackend | undefined;
  /** It goes to an endpoint that knows it under another name. */
  #isBeyond = false;
  /** The rule whose filters have let the request pass, which waits: they are not asked twice. */
  #passed: DestinationRule | undefined;
  /** Where what was picked last is counted. */
  #balancer: BalancerSeries | undefined;
  /** In whose queue the request waits, and since when. */
  #queuedBefore: BalancerSeries | undefined;
  #queuedAt = 0;
  /** The request's l5d-require-id; undefined when it has none. */
  #requiredId: string | undefined;
  /** From the first wait of a request: how long it may queue. */
  #failfast: Timer | undefined;

  constructor(protected readonly connection: OutboundConnection) {}

  route(exchange: Exchange, at: number): Endpoint | ProxyError | undefined {
    const { destination, runtime: { arena } } = this.connection;
    const rule = destination.find(arena, at, this.drops);
    this.forgetRoute();
    if (rule === undefined) return this.#queue(exchange);
    if ("code" in rule) return this.#settled(rule);
    this.#rule = rule;
    const { prefixLength } = destination;
    if (rule.filters.stops.length > 0 && rule.id !== this.#passed?.id) {
      const answer = answerOf(rule.filters, arena, at, prefixLength, Math.random);
      if (answer !== undefined) return this.#settled(answer);
    }
    const picked = this.#pick(rule, at, prefixLength, undefined);
    if (picked === undefined) {
      this.#passed = rule;
      return this.#queue(exchange);
    }
    if ("code" in picked) return this.#settled(picked);
    this.#requiredId = headerText(arena, at, HeaderName.L5dRequireId) || undefined;
    return this.#settled(this.#checkIdentity(picked));
  }

  /** No route has taken the request at hand. */
  protected forgetRoute(): void {
    this.#rule = this.#backend = undefined;
  }

  /** The request waits for nothing any more. */
  #settled<Picked>(picked: Picked): Picked {
    this.#passed = undefined;
    disarm(this.#failfast);
    return picked;
  }

  /** An endpoint of one of the rule's backends. @param at where the request's head stands; -1: it does not */
  #pick(
    rule: DestinationRule,
    at: number,
    prefixLength: number,
    failed: Endpoint | undefined,
  ): Endpoint | ProxyError | undefined {
    const { arena, loop: { now } } = this.connection.runtime, backend = rule.choose(now);
    if ("code" in backend) return backend;
    this.#backend = backend;
    const answer = backend.filters.stops.length === 0
      ? undefined
      : answerOf(backend.filters, arena, at, prefixLength, Math.random);
    if (answer !== undefined) return answer;
    const { target } = backend, picked = pickEndpoint(backend, now, failed);
    this.#balancer = target instanceof Service ? target.series : undefined;
    if (this.#balancer !== undefined && picked !== undefined) this.#balancer.requests++;
    return picked;
  }

  /** What the request demands of its endpoint holds for every endpoint it is sent to. */
  #checkIdentity(endpoint: Endpoint): Endpoint | ProxyError {
    const required = this.#requiredId;
    this.#isBeyond = endpoint.authority !== "";
    if (required === undefined || endpoint.info.identity?.name === required) return endpoint;
    return proxyError("identity-required", `${endpoint.name}: its identity is not ${required}`);
  }

  #queue(exchange: Exchange): ProxyError | undefined {
    const { destination, runtime, outbound } = this.connection;
    if (outbound.queued >= runtime.config.outbound.queueCapacity) {
      return proxyError("load-shed", `${destination.key}: ${outbound.queued} requests are waiting already`);
    }
    const failfast = this.#failfast ??= timerOf(() => this.#fail());
    if (failfast.deadline === 0) {
      runtime.loop.lane(runtime.config.outbound.failfastMs).arm(failfast, runtime.loop.now);
    }
    this.#waiting = exchange;
    outbound.queued++;
    this.#enter(this.#backend === undefined ? undefined : this.#balancer);
    destination.wait(this, this.#rule);
    return undefined;
  }

  /** The balancer's queue holds the request; undefined: it is not known yet to whom it goes. */
  #enter(balancer: BalancerSeries | undefined): void {
    this.#queuedBefore = balancer;
    this.#queuedAt = this.connection.runtime.loop.now;
    if (balancer !== undefined) balancer.queued++;
  }

  #stopWaiting(): Exchange | undefined {
    const waiting = this.#waiting;
    if (waiting === undefined) return undefined;
    this.#waiting = undefined;
    this.connection.outbound.queued--;
    this.#queuedBefore?.waited(this.connection.runtime.loop.now - this.#queuedAt);
    this.#queuedBefore = undefined;
    this.connection.destination.stopWaiting(this);
    return waiting;
  }

  onMayProceed(): void {
    this.#stopWaiting()?.proceed();
  }

  #fail(): void {
    this.#passed = undefined;
    this.#stopWaiting()?.refuse(this.connection.destination.explain(this.#rule));
  }

  reroute(
    exchange: Exchange,
    failed: Endpoint,
    mayWait: boolean,
  ): Endpoint | ProxyError | undefined {
    const { destination } = this.connection, before = this.#rule, backend = this.#backend;
    const rule = this.#rule = before && destination.presentRule(before);
    if (rule === undefined) {
      return proxyError("failfast", `${destination.key}: its route was taken away meanwhile`);
    }
    const picked = this.#pick(rule, -1, -1, failed);
    if (!mayWait && (picked === undefined || "code" in picked)) this.#backend = backend; // what it answered stands
    if (picked === undefined) return mayWait ? this.#queue(exchange) : undefined;
    disarm(this.#failfast);
    return "code" in picked ? picked : this.#checkIdentity(picked);
  }

  /** What a client may ask of the proxy is not for anyone else. */
  get requestDrops(): DropMask {
    return this.rules?.allowsHeaders === true ? this.ruledDrops : this.drops;
  }

  get rules(): RequestRules | undefined {
    return this.#rule?.spec.rules;
  }

  editRequest(at: number, trace: RequestTrace | undefined): void {
    const backend = this.#backend, edit = this.#isBeyond ? backend?.editBeyond : backend?.filters.requestEdit;
    if (edit === undefined && trace === undefined) {
      this.requestExtraAt = this.fixedAt;
      this.requestExtraLength = this.fixedLength;
      return;
    }
    const { outbound: { requestLines } } = this.connection;
    this.requestExtraAt = requestLines.at;
    this.requestExtraLength = requestLines.compose(at, this.fixedAt, this.fixedLength, edit, trace);
  }

  editResponse(at: number): void {
    const edit = this.#backend?.filters.responseEdit;
    if (edit === undefined) {
      this.responseExtraLength = 0;
      return;
    }
    const { outbound: { responseLines } } = this.connection;
    this.responseExtraAt = responseLines.at;
    this.responseExtraLength = responseLines.compose(at, 0, 0, edit, undefined);
  }

  seriesOf(_exchange: Exchange, endpoint: Endpoint): Counted {
    const counted = this.#counted, rule = this.#rule, backend = this.#backend, { http } = endpoint.series;
    const profile = rule?.spec.profile;
    counted.first = profile === undefined
      ? http
      : (this.#classed ??= new ClassedRequest()).of(http, profile.failures);
    counted.second = rule === undefined || backend === undefined ? undefined : rule.seriesOf(backend);
    return counted;
  }

  get requestSeries(): Counted | undefined {
    return this.#rule?.series;
  }

  get taps(): Taps {
    return this.connection.runtime.telemetry.taps;
  }

  tapPlace(endpoint: Endpoint): TapPlace {
    const { client, destination } = this.connection;
    return outboundPlace(client, endpoint.info, destination.decision?.parent, this.#rule?.spec.route);
  }

  countRetry(event: RetryEvent, rules: RequestRules): void {
    const { runtime: { telemetry }, destination: { decision } } = this.connection;
    countRetry(telemetry, decision?.parent, rules, event);
  }

  get isInformed(): boolean {
    return !this.connection.runtime.config.isInformationalHeadersDisabled;
  }

  onError(error: ProxyError): void {
    if (error.code !== "redirect") this.connection.countError(error);
  }

  get isDraining(): boolean {
    return this.connection.outbound.isDraining;
  }

  get inFlight(): InFlight {
    return this.connection.outbound.inFlight;
  }

  get isWatched(): boolean {
    return this.tracer !== undefined && mayCarryTrace(this.connection.runtime.arena);
  }

  get tracer(): Tracer | undefined {
    return this.connection.runtime.tracing?.outbound;
  }

  /** What comes in is logged, not what goes out. */
  logAccess(_exchange: Exchange, _at: number): AccessRequest | undefined {
    return undefined;
  }

  endAccess(_request: AccessRequest, _response: AccessResponse): void {}

  heedPeer(endpoint: Endpoint, at: number): boolean {
    const { arena, log } = this.connection.runtime;
    return heedPeer(arena, at, endpoint, log);
  }

  release(): void {
    this.#passed = undefined;
    this.#stopWaiting();
    disarm(this.#failfast);
  }

  onTunnel(_close: () => void): void {}
}
