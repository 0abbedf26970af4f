/** What a check is: a claim, how it is tested, and what a failure means for those after it. */
import type { Facts } from "./facts.ts";

/** Returned by a check that does not apply here: nothing is printed. */
export const SKIPPED = Symbol("skipped");

/** Thrown by a check whose claim does not hold; the message names the cause. */
export class CheckFailure extends Error {
  override readonly name = "CheckFailure";
}

export interface Check {
  /** The claim, in Linkerd's words. */
  readonly description: string;
  /** Page of docs/checks, by Linkerd's anchors. */
  readonly anchor: string;
  /** Nothing after it makes sense when it fails. */
  readonly isFatal?: boolean;
  /** A failure is told, but does not fail the command. */
  readonly isWarning?: boolean;
  /** It may still come about: asked again until the deadline. */
  readonly isRetried?: boolean;
  /** @throws CheckFailure, or whatever stood in the way */
  run(facts: Facts): Promise<void | typeof SKIPPED>;
}

export interface Category {
  readonly name: string;
  readonly checks: readonly Check[];
}

export type Result = "success" | "warning" | "error";

export interface CheckResult {
  readonly description: string;
  readonly result: Result;
  /** Where the remedy is written; only of failures. */
  readonly hint?: string;
  readonly error?: string;
}

export interface CategoryResult {
  readonly categoryName: string;
  readonly checks: readonly CheckResult[];
}

/** Fails unless `problems` is empty. */
export function refuse(problems: readonly string[], introduction = ""): void {
  if (problems.length === 0) return;
  const shown = problems.slice(0, 10), more = problems.length - shown.length;
  const lines = [...shown, ...(more > 0 ? [`and ${more} more`] : [])];
  throw new CheckFailure(
    introduction === ""
      ? lines.join("; ")
      : `${introduction}\n${lines.map((line) => `* ${line}`).join("\n")}`,
  );
}
