/**
 * Two distinct ready endpoints at random, the less loaded wins; the first on a tie.
 * Source: Mitzenmacher, "The power of two choices in randomized load balancing" (2001); Linkerd's default.
 */
import type { Balancer, Loaded, Random } from "./balancer.ts";

/** Draws before all endpoints are looked at: enough while every second is ready. */
const DRAWS = 8;

export class PowerOfTwoChoices<E extends Loaded> implements Balancer<E> {
  #endpoints: readonly E[] = [];

  constructor(private readonly random: Random = Math.random) {}

  update(endpoints: readonly E[]): void {
    this.#endpoints = endpoints;
  }

  pick(now: number, avoid?: E): E | undefined {
    const endpoints = this.#endpoints;
    if (endpoints.length === 0) return undefined;
    if (endpoints.length === 1) return endpoints[0]!.isReady(now) ? endpoints[0] : undefined;
    const first = this.#draw(now, avoid, undefined);
    if (first === undefined) return avoid?.isReady(now) && endpoints.includes(avoid) ? avoid : undefined;
    const second = this.#draw(now, avoid, first);
    return second !== undefined && second.load(now) < first.load(now) ? second : first;
  }

  /** A ready endpoint that is neither of the two, each as likely as the others; undefined when there is none. */
  #draw(now: number, avoid: E | undefined, drawn: E | undefined): E | undefined {
    const endpoints = this.#endpoints, count = endpoints.length;
    for (let i = 0; i < DRAWS; i++) {
      const endpoint = endpoints[(this.random() * count) | 0]!;
      if (endpoint !== avoid && endpoint !== drawn && endpoint.isReady(now)) return endpoint;
    }
    let chosen: E | undefined, seen = 0;
    for (const endpoint of endpoints) {
      if (endpoint === avoid || endpoint === drawn || !endpoint.isReady(now)) continue;
      if (this.random() * ++seen < 1) chosen = endpoint;
    }
    return chosen;
  }
}
