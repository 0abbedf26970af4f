/** The word somebody meant. */

/** Levenshtein distance: insertions, deletions and substitutions that make one text the other. */
export function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, substituted));
    }
    row = next;
  }
  return row[b.length]!;
}

/**
 * The candidate that is closest to `name`, whatever its case: one that it begins, or else the fewest changes away.
 * Undefined without candidates.
 */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const lower = name.toLowerCase();
  const begun = lower === "" ? undefined : candidates.find((one) => one.toLowerCase().startsWith(lower));
  if (begun !== undefined) return begun;
  const scored = candidates.map((one) => ({ one, away: distance(lower, one.toLowerCase()) }));
  return scored.sort((left, right) => left.away - right.away)[0]?.one;
}
