/**
 * Choosing among a route's backends: the first that is available, or one at random by weight among those that are.
 * When none is available the first choice stands, and its queue decides.
 * Source: proxy.md §8 (distribution), protocol-api.md §10.
 */
import type { Random } from "../balance/balancer.ts";

export interface Choice<B> {
  readonly backend: B;
  readonly weight: number;
}

export function chooseBackend<B>(
  kind: "first-available" | "random",
  choices: readonly Choice<B>[],
  isAvailable: (backend: B) => boolean,
  random: Random,
): B | undefined {
  if (choices.length <= 1) return choices[0]?.backend;
  const available = choices.filter((choice) => isAvailable(choice.backend));
  if (kind === "first-available") return (available[0] ?? choices[0])!.backend;
  const among = available.length > 0 ? available : choices;
  const total = among.reduce((sum, choice) => sum + choice.weight, 0);
  if (total <= 0) return undefined;
  let point = random() * total;
  for (const choice of among) {
    point -= choice.weight;
    if (point < 0) return choice.backend;
  }
  return among.at(-1)!.backend;
}
