/** Runs statistics commands against answers of the statistics API that are values. */
import { SYSTEM } from "../environment.ts";
import { runCli } from "../main.ts";

/** What was counted, as rows have it. */
export const REQUESTS = {
  success: 9,
  failure: 1,
  successRate: 0.9,
  rps: 2.5,
  latencyP50: 3,
  latencyP95: 8,
  latencyP99: 9.6,
};

/** What a command printed, told and asked; `lines` have two spaces between columns. */
export async function runWith(rowsOf: (url: URL) => readonly object[], ...words: readonly string[]) {
  let text = "", told = "";
  const asked: URL[] = [];
  const code = await runCli([...words, "--api-addr", "api:80"], {
    ...SYSTEM,
    print: (more) => void (text += more),
    tell: (more) => void (told += more),
    fetch: (url) => {
      const one = new URL(String(url));
      asked.push(one);
      return Promise.resolve(Response.json({ rows: rowsOf(one) }));
    },
  });
  const lines = text.trimEnd().split("\n").map((line) => line.replaceAll(/ {2,}/g, "  "));
  return { code, told, text, asked, lines };
}
