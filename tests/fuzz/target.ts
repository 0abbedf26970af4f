/** What the fuzzer feeds. */
import type { Random } from "./random.ts";

export interface Target {
  readonly name: string;
  /** Makes an input; a string of one character per byte. */
  generate(random: Random): string;
  /** Throws when the input shows a fault of ours. */
  check(input: Uint8Array): void;
}
