/** `linkerd explain CODE`: what an error means and what to do, without a network and without a cluster. */
import { type Column, formatJson, formatTable } from "../../mesh/table.ts";
import type { Environment } from "../environment.ts";
import { usageFailure } from "../failure.ts";
import { nearest } from "../nearest.ts";
import { COMMAND_CODES } from "./command_codes.ts";
import type { Explanation, Explanations } from "./explanation.ts";
import { KUBERNETES_CODES } from "./kubernetes_codes.ts";
import { PROXY_CODES } from "./proxy_codes.ts";
import { STATISTICS_CODES } from "./statistics_codes.ts";
import { TAP_CODES } from "./tap_codes.ts";

/** All codes, by name. */
export const CODES: Explanations = {
  ...COMMAND_CODES,
  ...STATISTICS_CODES,
  ...TAP_CODES,
  ...KUBERNETES_CODES,
  ...PROXY_CODES,
};

const SPEAKERS: Readonly<Record<Explanation["from"], string>> = {
  command: "a command",
  statistics: "the statistics API",
  proxy: "a proxy",
  kubernetes: "the Kubernetes API, or the way to it",
};

type Row = Explanation & { readonly code: string };
const COLUMNS: readonly Column<Row>[] = [
  { title: "CODE", value: ({ code }) => code },
  { title: "FROM", value: ({ from }) => from },
  { title: "MEANING", value: ({ meaning }) => meaning.replace(/(?<=[.:;]) .*$/, "").replace(/[.:;]$/, "") },
];

/** `[no-endpoints]` → `no-endpoints`: as it is copied from a terminal. */
function bare(text: string): string {
  return text.trim().replace(/^\[|\]$/g, "").toLowerCase();
}

/** @throws MeshFailure for a code that nothing is known of */
export function explain(
  asked: string | undefined,
  options: { readonly output: string },
  environment: Environment,
): Promise<void> {
  const isJson = options.output === "json";
  if (asked === undefined) {
    const rows = Object.entries(CODES).map(([code, explanation]) => ({ code, ...explanation }))
      .sort((a, b) => a.code < b.code ? -1 : 1);
    environment.print(isJson ? formatJson(rows) : formatTable(COLUMNS, rows));
    return Promise.resolve();
  }
  const code = bare(asked), found = CODES[code];
  if (found === undefined) {
    const near = nearest(code, Object.keys(CODES));
    throw usageFailure(
      "code-unknown",
      `nothing is known of the code "${code}"`,
      `did you mean ${near}? All of them: linkerd explain`,
    );
  }
  environment.print(
    isJson ? formatJson({ code, ...found }) : `${code}, said by ${SPEAKERS[found.from]}

  ${found.meaning}

  What to do: ${found.remedy}
`,
  );
  return Promise.resolve();
}
