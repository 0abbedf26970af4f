/** Runs categories in their order: retries what may still come about, ends after a fatal failure. */
import { describeFailure } from "../failure.ts";
import {
  type Category,
  type CategoryResult,
  type Check,
  CheckFailure,
  type CheckResult,
  SKIPPED,
} from "./check_model.ts";
import type { Facts } from "./facts.ts";

const CHECK_TIMEOUT_MS = 30_000, RETRY_MS = 5_000;

export interface RunOptions {
  /** When waiting ends, milliseconds since the epoch. */
  readonly deadline: number;
  onCategory?(name: string): void;
  onCheck?(result: CheckResult): void;
  /** Told why a check is tried again. */
  onWait?(check: Check, why: string): void;
}

function pageOf(anchor: string): string {
  return `docs/checks/${anchor}.md`;
}

async function within<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await Promise.race([
      work,
      new Promise<never>((_, failed) => {
        timer = setTimeout(
          () => failed(new CheckFailure(`no answer in ${CHECK_TIMEOUT_MS / 1000} s`)),
          CHECK_TIMEOUT_MS,
        );
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

/** @returns what went wrong, undefined when nothing did */
async function attempt(check: Check, facts: Facts): Promise<string | undefined | typeof SKIPPED> {
  try {
    return await within(check.run(facts)) === SKIPPED ? SKIPPED : undefined;
  } catch (error) {
    return error instanceof CheckFailure ? error.message : describeFailure(error).detail;
  }
}

async function settle(check: Check, facts: Facts, options: RunOptions) {
  for (;;) {
    const outcome = await attempt(check, facts);
    if (typeof outcome !== "string" || check.isRetried !== true) return outcome;
    if (facts.now + RETRY_MS > options.deadline) return outcome;
    options.onWait?.(check, outcome);
    await facts.environment.sleep(RETRY_MS);
    facts.forget();
  }
}

/** @returns the results, and whether a fatal failure ended the run early */
export async function runChecks(
  categories: readonly Category[],
  facts: Facts,
  options: RunOptions,
): Promise<{ results: CategoryResult[]; isCut: boolean }> {
  const results: CategoryResult[] = [];
  for (const category of categories) {
    const checks: CheckResult[] = [];
    for (const check of category.checks) {
      const outcome = await settle(check, facts, options);
      if (outcome === SKIPPED) continue;
      const result: CheckResult = outcome === undefined
        ? { description: check.description, result: "success" }
        : {
          description: check.description,
          result: check.isWarning ? "warning" : "error",
          hint: pageOf(check.anchor),
          error: outcome,
        };
      if (checks.length === 0) options.onCategory?.(category.name);
      checks.push(result);
      options.onCheck?.(result);
      if (result.result === "error" && check.isFatal) {
        results.push({ categoryName: category.name, checks });
        return { results, isCut: true };
      }
    }
    if (checks.length > 0) results.push({ categoryName: category.name, checks });
  }
  return { results, isCut: false };
}
