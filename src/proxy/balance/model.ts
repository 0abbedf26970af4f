/**
 * What power of two choices is, spelled out: every ordered pair of distinct ready endpoints is as likely as any other,
 * and of a pair the less loaded is taken, the first on a tie. Too slow to serve; others are tested against it.
 */
import type { Balancer, Loaded, Random } from "./balancer.ts";

export class Model<E extends Loaded> implements Balancer<E> {
  #endpoints: readonly E[] = [];

  constructor(private readonly random: Random) {}

  update(endpoints: readonly E[]): void {
    this.#endpoints = endpoints;
  }

  /** How likely each endpoint is to be picked; those that are missing are never. */
  shares(now: number, avoid?: E): Map<E, number> {
    const ready = this.#endpoints.filter((endpoint) => endpoint.isReady(now));
    const others = ready.filter((endpoint) => endpoint !== avoid),
      candidates = others.length > 0 ? others : ready;
    if (candidates.length === 1) return new Map([[candidates[0]!, 1]]);
    const pairs = candidates.flatMap((first) =>
      candidates.filter((second) => second !== first).map((second) => [first, second] as const)
    );
    const shares = new Map<E, number>();
    for (const [first, second] of pairs) {
      const winner = second.load(now) < first.load(now) ? second : first;
      shares.set(winner, (shares.get(winner) ?? 0) + 1 / pairs.length);
    }
    return shares;
  }

  pick(now: number, avoid?: E): E | undefined {
    let point = this.random(), last: E | undefined;
    for (const [endpoint, share] of this.shares(now, avoid)) {
      last = endpoint;
      point -= share;
      if (point < 0) break;
    }
    return last;
  }
}
