/**
 * Whoever is asked, in a case of the fuzzer: requests end up here and are answered when, and how, chance wants it.
 * It keeps the rules that a real upstream keeps, and complains when a request breaks them.
 */
import { Outcome } from "../../../src/wasm/http1.ts";
import type { Endpoint } from "../../../src/proxy/connect/endpoint.ts";
import { type ProxyError, proxyError } from "../../../src/proxy/error.ts";
import type { Exchange } from "../../../src/proxy/http/exchange.ts";
import { InFlight } from "../../../src/proxy/http/in_flight.ts";
import type { Pipeline } from "../../../src/proxy/http/pipeline.ts";
import type { Upstream } from "../../../src/proxy/http/sides.ts";
import type { HttpSeries } from "../../../src/proxy/telemetry/http_series.ts";
import type { Random } from "../random.ts";
import { Taps } from "../../../src/proxy/tap/taps.ts";
import { SpanIds } from "../../../src/proxy/trace/span_ids.ts";
import { type Tracer, Tracing } from "../../../src/proxy/trace/tracer.ts";
import { arena } from "./stage.ts";

const HEADS: readonly string[] = [
  "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
  "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n",
  "HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n",
  "HTTP/1.1 503 No\r\nl5d-proxy-undelivered: true\r\ncontent-length: 0\r\n\r\n",
  `HTTP/1.1 299 Odd\r\nx-long: ${"y".repeat(3000)}\r\n\r\n`,
];
const NO_SERIES = {
  request() {},
  sent() {},
  response() {},
  requestFrame() {},
  responseFrame() {},
} as unknown as HttpSeries;

class Asked implements Upstream {
  readonly isHttp1 = false;
  readonly isUntilClose = false;
  isReused = false;
  isBlocked = false;
  exchange: Exchange | undefined;
  isRequestEnded = false;
  hasAnswered = false;
  /** The response, or the whole exchange, is over. */
  isOver = false;

  constructor(readonly endpoint: Endpoint) {}

  send(exchange: Exchange, _at: number, _head: number, _body: number, _length: number, isEnd: boolean): void {
    this.exchange = exchange;
    this.isRequestEnded = isEnd;
  }

  sendBody(_at: number, _length: number, isEnd: boolean): void {
    if (this.isOver) throw new Error("content for an exchange that is over");
    if (this.isBlocked) throw new Error("content although it is blocked");
    if (this.isRequestEnded) throw new Error("content after the request's end");
    this.isRequestEnded = isEnd;
  }

  sendTrailers(): void {
    if (this.isRequestEnded) throw new Error("trailers after the request's end");
    this.isRequestEnded = true;
  }

  resume(): void {}

  cancel(): void {
    if (this.isOver) throw new Error("cancelled twice");
    this.isOver = true;
  }
}

const SPAN_IDS = new SpanIds();

/** Complains when a span is told of twice, or ends before it began. */
function checkingTracer(): Tracer {
  const told = new Set<string>();
  return new Tracing({
    take({ spanId, startMicros, endMicros }) {
      const id = spanId.toHex();
      if (told.has(id) || endMicros < startMicros) throw new Error("a span is told of twice, or backwards");
      told.add(id);
    },
  }, SPAN_IDS).inbound;
}

export class Application {
  readonly #tracer = checkingTracer();
  readonly inFlight = new InFlight(50);
  readonly #asked: Asked[] = [];
  readonly #waiting = new Set<Exchange>();
  #now: Endpoint;

  constructor(private readonly random: Random) {
    this.#now = this.#endpoint();
  }

  #endpoint(): Endpoint {
    const endpoint = {
      name: "fuzzed",
      isMeshed: true,
      authority: "",
      heedPeer: () => false,
      countRetry() {},
      info: { identity: undefined },
      measured() {},
      acquire: () => {
        const asked = new Asked(endpoint as unknown as Endpoint);
        this.#asked.push(asked);
        return asked;
      },
    };
    return endpoint as unknown as Endpoint;
  }

  /** What decides for one stream's requests. */
  pipeline(): Pipeline {
    const waiting = this.#waiting, { random } = this;
    let current: Exchange | undefined;
    const decide = (exchange: Exchange, mayWait: boolean): Endpoint | ProxyError | undefined => {
      if (random.once(12)) return proxyError(random.pick(["unauthorized", "failfast"]), "as chance wants it");
      if (!mayWait || !random.once(5)) return this.#now;
      waiting.add(current = exchange);
      return undefined;
    };
    return {
      route: (exchange) => decide(exchange, true),
      reroute: (exchange, _failed, mayWait) => decide(exchange, mayWait),
      requestDrops: [0, 0, 0],
      responseDrops: [0, 0, 0],
      requestExtraAt: 0,
      requestExtraLength: 0,
      responseExtraAt: 0,
      responseExtraLength: 0,
      editRequest() {},
      editResponse() {},
      rules: undefined,
      authority: "",
      heedPeer: () => false,
      countRetry() {},
      isDowngrading: random.once(2),
      inFlight: this.inFlight,
      taps: new Taps(),
      tapPlace() {
        throw new Error("no tap runs");
      },
      isWatched: true,
      tracer: this.#tracer,
      logAccess: () => undefined,
      endAccess() {},
      requestSeries: undefined,
      seriesOf: () => NO_SERIES,
      isInformed: true,
      onError() {},
      isDraining: false,
      release() {
        if (current !== undefined) waiting.delete(current);
      },
      onTunnel() {},
    };
  }

  #head(text: string): number {
    const at = arena.resendAt, length = arena.writeAscii(at, text);
    if (arena.wasm.parseResponseHead(at, at + length, arena.recordAt, 0, 65536, 128, 1) <= Outcome.Bad) {
      throw new Error(`the fuzzer's own head is malformed: ${text}`);
    }
    return length;
  }

  /** Something happens on the application's side. */
  act(): void {
    const { random } = this;
    if (random.once(4) && this.#waiting.size > 0) {
      const exchange = random.pick([...this.#waiting]);
      this.#waiting.delete(exchange);
      return exchange.proceed();
    }
    const open = this.#asked.filter(({ isOver, exchange }) => !isOver && exchange !== undefined);
    if (open.length === 0) return;
    const asked = random.pick(open), exchange = asked.exchange!;
    const kind = random.below(8);
    if (kind === 0) {
      asked.isBlocked = !asked.isBlocked;
      if (!asked.isBlocked) exchange.onUpstreamDrained();
    } else if (kind === 1) {
      asked.isOver = true;
      exchange.onResponseFailed(
        asked,
        proxyError(random.pick(["upstream-reset", "refused", "connect-failed"]), "chance"),
      );
    } else if (!exchange.downstream.isBlocked) this.#answer(asked, exchange);
  }

  #answer(asked: Asked, exchange: Exchange): void {
    const { random } = this, bodyAt = arena.scratchAt, length = random.below(random.once(6) ? 20_000 : 300);
    if (!asked.hasAnswered && random.once(6)) {
      exchange.onInterim(arena.resendAt, this.#head("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"));
      return;
    }
    let isEnd = random.once(2), goesOn: boolean;
    if (!asked.hasAnswered) {
      const text = random.pick(HEADS), head = this.#head(text);
      const isEmpty = text.includes("content-length: 0");
      if (isEmpty) isEnd = true;
      asked.hasAnswered = true;
      goesOn = exchange.onResponse(asked, arena.resendAt, head, bodyAt, isEmpty ? 0 : length, isEnd);
    } else goesOn = exchange.onResponseBody(bodyAt, length, isEnd);
    if (!goesOn || asked.isOver || !isEnd) return;
    asked.isOver = true;
    exchange.onResponseEnd();
  }

  /** The connection is over. @throws Error when something is still held */
  assertNothingLeft(): void {
    const open = this.#asked.filter(({ isOver, exchange }) => !isOver && exchange !== undefined);
    if (open.length > 0) throw new Error(`${open.length} requests were never ended`);
    if (this.inFlight.count !== 0) throw new Error(`${this.inFlight.count} requests are still counted`);
    if (this.#waiting.size > 0) throw new Error("a request still waits");
  }
}
