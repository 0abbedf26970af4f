/** What rows of every kind are made with. */
import type { FamilyRow } from "./rows.ts";

/** The row that begins a family of counters, gauges or histograms, which loops' values add up to. */
export function family(
  name: string,
  type: FamilyRow["type"],
  help: string,
  bounds?: readonly number[],
): FamilyRow {
  return { kind: "family", name, type, help, merge: "sum", ...(bounds === undefined ? {} : { bounds }) };
}

/** Two lists of labels in text form as one. */
export function join(labels: string, more: string): string {
  return labels === "" ? more : more === "" ? labels : `${labels},${more}`;
}
