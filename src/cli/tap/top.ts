/**
 * `linkerd top`: what of a resource is asked most, and how long it takes: a tap, added up. Source: cli.md §3.
 *
 * On a terminal the table is drawn anew each second, until Ctrl-C. Where nobody looks (a pipe, `-o json`), requests are
 * counted for `--duration`, and the table is printed once.
 */
import type { TapLine } from "../../mesh/tap.ts";
import { type Column, formatJson, formatRate, formatTable } from "../../mesh/table.ts";
import type { Environment } from "../environment.ts";
import type { GlobalOptions } from "../global_options.ts";
import { queryFor, type TapFilters, TapNews } from "./tap.ts";
import { openTap } from "./tap_stream.ts";
import { type TopRow, TopRows } from "./top_rows.ts";

export interface TopOptions extends TapFilters {
  readonly hideSources: boolean;
  /** Milliseconds. */
  readonly duration: number;
  readonly output: "table" | "json";
}

const REFRESH_MS = 1000, SHOWN_ROWS = 40;

const millis = (micros: number | undefined) =>
  micros === undefined ? undefined : `${(micros / 1000).toFixed(micros < 10_000 ? 1 : 0)}ms`;

function columns(hasSources: boolean): Column<TopRow>[] {
  const source: Column<TopRow> = { title: "SOURCE", value: ({ source }) => source };
  return [
    ...(hasSources ? [source] : []),
    { title: "DESTINATION", value: ({ destination }) => destination },
    { title: "METHOD", value: ({ method }) => method },
    { title: "PATH", value: ({ path }) => path.length > 60 ? `${path.slice(0, 59)}…` : path },
    { title: "COUNT", align: "right", value: ({ count }) => count },
    { title: "BEST", align: "right", value: ({ best }) => millis(best) },
    { title: "WORST", align: "right", value: ({ worst }) => millis(worst) },
    { title: "LAST", align: "right", value: ({ last }) => millis(last) },
    { title: "SUCCESS", align: "right", value: (row) => formatRate(row.success / row.count) },
  ];
}

/** Reads lines until the reader's time is over. */
async function count(
  lines: AsyncIterable<TapLine>,
  rows: TopRows,
  news: TapNews,
  over: Promise<void>,
): Promise<void> {
  const iterator = lines[Symbol.asyncIterator](),
    end = over.then(() => ({ done: true as const, value: undefined }));
  for (;;) {
    const { done, value } = await Promise.race([iterator.next(), end]);
    if (done === true || value === undefined) return;
    if ("event" in value) rows.take(value.event);
    else news.take(value);
    if ("observing" in value) rows.observed = new Set(value.observing.pods);
  }
}

export async function top(
  words: readonly string[],
  options: TopOptions,
  global: GlobalOptions,
  environment: Environment,
): Promise<void> {
  const { lines, close } = await openTap(queryFor(words, options), global, environment);
  const rows = new TopRows(!options.hideSources, options.to !== undefined), news = new TapNews(environment);
  const table = (shown: readonly TopRow[]) => formatTable(columns(!options.hideSources), shown);
  try {
    if (options.output === "table" && environment.isOutputTerminal) {
      let height = 0, isOver = false;
      const drawing = (async () => {
        while (!isOver) {
          await environment.sleep(REFRESH_MS);
          const text = table(rows.sorted().slice(0, SHOWN_ROWS));
          environment.print(`${height > 0 ? `\x1b[${height}A\x1b[J` : ""}${text}`);
          height = text.split("\n").length - 1;
        }
      })();
      await count(lines, rows, news, new Promise(() => {})).finally(() => isOver = true);
      return await drawing;
    }
    await count(lines, rows, news, environment.sleep(options.duration));
    const found = rows.sorted();
    if (options.output === "json") return environment.print(formatJson(found));
    if (found.length === 0) return environment.tell("No requests were seen.\n");
    environment.print(table(found));
  } finally {
    close();
  }
}
