/**
 * Choosing among a route's backends: the first that is available, or one at random by weight among those that are.
 * When none is available the first choice stands, or one by weight among all, and its queue decides.
 * Source: proxy.md §8 (distribution), protocol-api.md §10.
 */
import type { Random } from "../balance/balancer.ts";

export interface Choice<B> {
  readonly backend: B;
  readonly weight: number;
}

/** @param isAvailable asked twice of each */
export function chooseBackend<B>(
  kind: "first-available" | "random",
  choices: readonly Choice<B>[],
  isAvailable: (backend: B, now: number) => boolean,
  random: Random,
  now: number,
): B | undefined {
  if (choices.length <= 1) return choices[0]?.backend;
  if (kind === "first-available") {
    for (let i = 0; i < choices.length; i++) {
      if (isAvailable(choices[i]!.backend, now)) return choices[i]!.backend;
    }
    return choices[0]!.backend;
  }
  let available = 0, all = 0;
  for (let i = 0; i < choices.length; i++) {
    const { weight, backend } = choices[i]!;
    all += weight;
    if (weight > 0 && isAvailable(backend, now)) available += weight;
  }
  if (all <= 0) return undefined;
  let point = random() * (available > 0 ? available : all), last: B | undefined;
  for (let i = 0; i < choices.length; i++) {
    const { weight, backend } = choices[i]!;
    if (weight <= 0 || (available > 0 && !isAvailable(backend, now))) continue;
    point -= weight;
    last = backend;
    if (point < 0) break;
  }
  return last;
}
