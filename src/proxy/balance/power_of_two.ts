/**
 * Two distinct endpoints at random, the less loaded wins; the first on a tie.
 * Source: Mitzenmacher, "The power of two choices in randomized load balancing" (2001); Linkerd's default.
 */
import type { Balancer, Loaded, Random } from "./balancer.ts";

export class PowerOfTwoChoices<E extends Loaded> implements Balancer<E> {
  #endpoints: readonly E[] = [];

  constructor(private readonly random: Random = Math.random) {}

  update(endpoints: readonly E[]): void {
    this.#endpoints = endpoints;
  }

  pick(now: number, avoid?: E): E | undefined {
    const endpoints = this.#endpoints, count = endpoints.length;
    if (count === 0) return undefined;
    if (count === 1) return endpoints[0]!.isReady(now) ? endpoints[0] : undefined;
    const first = (this.random() * count) | 0;
    let second = (this.random() * (count - 1)) | 0;
    if (second >= first) second++;
    const a = endpoints[first]!, b = endpoints[second]!;
    const isUsableA = a !== avoid && a.isReady(now), isUsableB = b !== avoid && b.isReady(now);
    if (isUsableA && isUsableB) return b.load(now) < a.load(now) ? b : a;
    if (isUsableA) return a;
    if (isUsableB) return b;
    return this.#pickAmongReady(now, avoid);
  }

  /** Both samples were unready: the same choice among those that are (rare, so it may look at all). */
  #pickAmongReady(now: number, avoid: E | undefined): E | undefined {
    const ready = this.#endpoints.filter((endpoint) => endpoint !== avoid && endpoint.isReady(now));
    if (ready.length === 0) return avoid?.isReady(now) && this.#endpoints.includes(avoid) ? avoid : undefined;
    const a = ready[(this.random() * ready.length) | 0]!, b = ready[(this.random() * ready.length) | 0]!;
    return b.load(now) < a.load(now) ? b : a;
  }
}
