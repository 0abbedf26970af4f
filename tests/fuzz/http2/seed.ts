/** Bytes at the beginning of an input that seed what is not on the wire: cuts, answers, how the case ends. */
export const SEED_BYTES = 4;

export function seedOf(input: Uint8Array): number {
  let seed = 0;
  for (let i = 0; i < SEED_BYTES; i++) seed = (seed << 8) | (input[i] ?? 0);
  return seed;
}
