/** What is known of an error's code. */
export interface Explanation {
  /** Who says it: a command, the statistics API, a proxy, the Kubernetes API. */
  readonly from: "command" | "statistics" | "proxy" | "kubernetes";
  /** One or two sentences. */
  readonly meaning: string;
  readonly remedy: string;
}

export type Explanations = Readonly<Record<string, Explanation>>;

/** Builds a catalog's part from lines of code, meaning and remedy. */
export function explanations(
  from: Explanation["from"],
  entries: Readonly<Record<string, readonly [meaning: string, remedy: string]>>,
): Explanations {
  return Object.fromEntries(
    Object.entries(entries).map(([code, [meaning, remedy]]) => [code, { from, meaning, remedy }]),
  );
}
