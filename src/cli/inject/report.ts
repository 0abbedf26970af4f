/** What was done to each object, for standard error. */
import type { Manifest } from "./documents.ts";
import type { Named } from "./workload.ts";

export interface Report {
  readonly kind: string;
  readonly name: string;
  readonly outcome: "injected" | "annotated" | "skipped" | "uninjected";
  readonly warnings: readonly string[];
}

export function nameOf(manifest: Manifest): { kind: string; name: string } {
  const { kind, metadata } = manifest as Named;
  return { kind: (kind ?? "document").toLowerCase(), name: metadata?.name ?? metadata?.generateName ?? "" };
}

/** Warnings first, then a line for each object. */
export function formatReports(reports: readonly Report[]): string {
  const warnings = reports.flatMap((one) =>
    one.warnings.map((warning) => `‼ ${one.kind} "${one.name}": ${warning}\n`)
  );
  const lines = reports.map((one) =>
    one.name === "" ? `${one.kind} ${one.outcome}\n` : `${one.kind} "${one.name}" ${one.outcome}\n`
  );
  return [...warnings, ...(warnings.length > 0 ? ["\n"] : []), ...lines].join("");
}
