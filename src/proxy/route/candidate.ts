/**
 * An endpoint that discovery told of, as far as choosing among thousands needs it. Most endpoints of a large service
 * never see a request from this proxy: what one holds (connections, estimates, series) is made when it is first chosen,
 * so that an update of 10,000 leaves little to the collector.
 */
import type { Loaded } from "../balance/balancer.ts";
import type { LoadEstimate } from "../balance/balancing.ts";
import { assumedLoad } from "../balance/peak_ewma.ts";
import type { Endpoint } from "../connect/endpoint.ts";
import type { EndpointInfo } from "../control/plane.ts";

/** What all endpoints of a service have in common. */
export interface EndpointMaker {
  readonly load: LoadEstimate;
  /** @param toldAt microseconds: since when its latency is assumed */
  create(info: EndpointInfo, toldAt: number): Endpoint;
}

export class Candidate implements Loaded {
  #endpoint: Endpoint | undefined;

  /**
   * @param index where it stands among its service's; whoever moves it says so
   * @param toldAt microseconds on the loop's clock
   */
  constructor(
    readonly info: EndpointInfo,
    public index: number,
    private readonly toldAt: number,
    private readonly maker: EndpointMaker,
  ) {}

  /** Made now if nobody asked before. */
  get endpoint(): Endpoint {
    return this.#endpoint ??= this.maker.create(this.info, this.toldAt);
  }

  is(endpoint: Endpoint): boolean {
    return this.#endpoint === endpoint;
  }

  isReady(now: number): boolean {
    return this.#endpoint === undefined || this.#endpoint.isReady(now);
  }

  load(now: number): number {
    return this.#endpoint === undefined
      ? assumedLoad(this.maker.load, now - this.toldAt)
      : this.#endpoint.load(now);
  }

  retire(): void {
    this.#endpoint?.retire();
  }
}
