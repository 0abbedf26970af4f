/**
 * An error as a value: who is at fault, what was tried and seen, and what to do about it.
 *
 * One record feeds the terminal, the JSON output, the log and `linkerd explain`.
 */

export interface MeshError {
  /** Stable, documented, greppable: `namespace-not-found`. */
  readonly code: string;
  /** Whose fault: the caller's, the cluster's, or the mesh's own. */
  readonly source: "usage" | "cluster" | "mesh";
  /** For people: what was tried, what was seen. */
  readonly detail: string;
  /** What to do now; left out where there is nothing to say. */
  readonly remedy?: string;
  readonly cause?: MeshError;
}

/** Carries a MeshError through code that throws. */
export class MeshFailure extends Error {
  override readonly name = "MeshFailure";
  constructor(readonly error: MeshError) {
    super(error.detail);
  }
}

/** The record of anything caught: its own where it has one. */
export function toMeshError(caught: unknown, code = "unexpected"): MeshError {
  if (caught instanceof MeshFailure) return caught.error;
  return { code, source: "mesh", detail: caught instanceof Error ? caught.message : String(caught) };
}

/** Two or three lines for a terminal: the detail, its causes, the remedy. */
export function formatMeshError(error: MeshError): string {
  const lines = [`${error.detail} [${error.code}]`];
  for (let cause = error.cause; cause !== undefined; cause = cause.cause) {
    lines.push(`  because ${cause.detail} [${cause.code}]`);
  }
  if (error.remedy !== undefined) lines.push(`  ${error.remedy}`);
  return lines.join("\n");
}
