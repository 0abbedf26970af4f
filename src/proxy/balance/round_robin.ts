/** Each ready endpoint in turn: the plain yardstick that other balancers are tested against. */
import type { Balancer, Loaded } from "./balancer.ts";

export class RoundRobin<E extends Loaded> implements Balancer<E> {
  #endpoints: readonly E[] = [];
  #next = 0;

  update(endpoints: readonly E[]): void {
    this.#endpoints = endpoints;
  }

  pick(now: number, avoid?: E): E | undefined {
    const endpoints = this.#endpoints;
    let fallback: E | undefined;
    for (let i = 0; i < endpoints.length; i++) {
      const endpoint = endpoints[this.#next++ % endpoints.length]!;
      if (!endpoint.isReady(now)) continue;
      if (endpoint !== avoid) return endpoint;
      fallback = endpoint;
    }
    return fallback;
  }
}
