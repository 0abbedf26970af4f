/** Results for a terminal, as Linkerd prints them. */
import type { CheckResult, Result } from "./check_model.ts";

const MARKS: Readonly<Record<Result, string>> = { success: "√", warning: "‼", error: "×" };

export function formatCategory(name: string): string {
  return `${name}\n${"-".repeat(name.length)}\n`;
}

export function formatCheck({ description, result, error, hint }: CheckResult): string {
  const line = `${MARKS[result]} ${description}\n`;
  if (result === "success") return line;
  const why = (error ?? "").split("\n").map((text) => `    ${text}\n`).join("");
  return `${line}${why}    see ${hint} for hints\n`;
}

export function formatStatus(isSuccess: boolean): string {
  return `Status check results are ${isSuccess ? "√" : "×"}\n`;
}
