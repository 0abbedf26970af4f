/**
 * Whoever asks, in a case of the fuzzer for the client connection: an exchange that checks what it is told. A response
 * comes in order, is as long as it says, and ends once.
 */
import { Body, Head } from "../../../src/wasm/http1.ts";
import type { ProxyError } from "../../../src/proxy/error.ts";
import type { Exchange } from "../../../src/proxy/http/exchange.ts";
import type { ClientStream } from "../../../src/proxy/http/http2/client_stream.ts";
import type { Upstream } from "../../../src/proxy/http/sides.ts";
import type { Random } from "../random.ts";
import { arena } from "./stage.ts";

const HEAD = "HTTP/1.1\r\nhost: web\r\nx-a: 1\r\n\r\n", METHODS = ["GET", "POST", "HEAD"];
const METHOD_IDS: Readonly<Record<string, number>> = { GET: 1, HEAD: 2, POST: 3 };

export class Asker {
  readonly version: number;
  readonly method: number;
  readonly downstream = { isHttp1: false, isHttp10: false, isBlocked: false };
  readonly pipeline = {
    authority: "",
    requestDrops: [0, 0, 0],
    requestExtraAt: 0,
    requestExtraLength: 0,
    isDowngrading: false,
  };
  isOver = false;
  #isRequestEnded: boolean;
  #hasHead = false;
  #expected = -1;
  #received = 0;
  readonly #name: string;

  constructor(private readonly stream: ClientStream, private readonly random: Random) {
    this.#name = random.pick(METHODS);
    this.method = METHOD_IDS[this.#name]!;
    this.version = random.pick([11, 20]);
    this.#isRequestEnded = random.once(2);
  }

  #exchange(): Exchange {
    return this as unknown as Exchange;
  }

  begin(): void {
    const at = arena.resendAt, length = arena.writeAscii(at, `${this.#name} / ${HEAD}`);
    if (arena.wasm.parseRequestHead(at, at + length, arena.recordAt, 0, 8192, 8192, 64) <= 0) {
      throw new Error("the fuzzer's own request is malformed");
    }
    this.stream.send(this.#exchange(), at, length, arena.scratchAt, 0, this.#isRequestEnded);
  }

  /** Goes on with the request, takes more of the response, or gives up. */
  act(): void {
    const { random } = this, kind = random.below(6);
    if (this.isOver) return;
    if (kind === 0) {
      this.downstream.isBlocked = !this.downstream.isBlocked;
      if (!this.downstream.isBlocked) this.stream.resume();
    } else if (kind === 1 && random.once(3)) {
      this.isOver = true;
      this.stream.cancel();
    } else if (!this.#isRequestEnded && !this.stream.isBlocked) {
      this.#isRequestEnded = random.once(3);
      this.stream.sendBody(
        arena.scratchAt,
        random.below(random.once(5) ? 40_000 : 300),
        this.#isRequestEnded,
      );
    }
  }

  #live(what: string): void {
    if (this.isOver) throw new Error(`${what} after the end`);
  }

  onInterim(): boolean {
    this.#live("an interim head");
    if (this.#hasHead) throw new Error("an interim head after the final one");
    return true;
  }

  onResponse(
    _from: Upstream,
    _at: number,
    _head: number,
    _body: number,
    length: number,
    isEnd: boolean,
  ): boolean {
    this.#live("a head");
    if (this.#hasHead) throw new Error("two heads");
    this.#hasHead = true;
    const { words, doubles } = arena.memory, { recordAt } = arena, record = recordAt >> 2;
    const status = words[record + Head.Status]!,
      isBodiless = this.#name === "HEAD" || status === 204 || status === 304;
    if (words[record + Head.Body] === Body.Length && !isBodiless) {
      this.#expected = doubles[(recordAt >> 3) + (Head.ContentLength >> 1)]!;
    }
    return this.onResponseBody(0, length, isEnd);
  }

  onResponseBody(_at: number, length: number, isEnd: boolean): boolean {
    this.#live("content");
    if (!this.#hasHead) throw new Error("content before a head");
    this.#received += length;
    if (this.#expected >= 0 && this.#received > this.#expected) throw new Error("more than it says");
    if (isEnd && this.#expected >= 0 && this.#received !== this.#expected) {
      throw new Error("less than it says");
    }
    return true;
  }

  onResponseTrailers(): boolean {
    this.#live("trailers");
    if (!this.#hasHead) throw new Error("trailers before a head");
    return true;
  }

  onResponseEnd(): void {
    this.#live("an end");
    if (!this.#hasHead) throw new Error("an end without a head");
    this.isOver = true;
  }

  onResponseFailed(_upstream: Upstream, _error: ProxyError): void {
    this.#live("a failure");
    this.isOver = true;
  }

  onUpstreamDrained(): void {}
}
