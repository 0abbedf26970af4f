/**
 * Do updates of 10,000 endpoints and full scrapes show in requests? Latency of a plain hop at 1,000 requests a second,
 * open loop, while its control side is quiet, busy in slices, and busy without them:
 *   deno run -A bench/slices.ts [--rounds N]
 * Needs root (network namespaces) and fortio, or Go to build it.
 */
import { parseArgs } from "node:util";
import { APPLICATION_PORT, startApplication } from "./peers/application.ts";
import { bundle, start } from "./peers/candidate.ts";
import { CLIENT_IP, type Environment, SERVER_IP } from "./peers/environment.ts";
import { median } from "./peers/measure.ts";
import { fortio } from "./peers/programs.ts";
import { runInEnvironment } from "./peers/session.ts";

const SECONDS = 8, PERCENTILES = [50, 99, 99.9];
const { values } = parseArgs({ options: { rounds: { type: "string", default: "3" } } });
interface FortioReport {
  readonly DurationHistogram: {
    readonly Max: number;
    readonly Percentiles: readonly { readonly Percentile: number; readonly Value: number }[];
  };
}

/** Milliseconds at each percentile, and the longest. */
async function load(environment: Environment, program: string, port: number): Promise<number[]> {
  const shape =
    `load -qps 1000 -c 50 -t ${SECONDS}s -r 0.00002 -uniform -nocatchup -quiet -loglevel Error -json -`;
  const text = await environment.output(
    "client",
    ...["timeout", String(SECONDS + 20), program, ...shape.split(" ")],
    ...["-p", PERCENTILES.join(), `http://${CLIENT_IP}:${port}/`],
  );
  const { DurationHistogram } = JSON.parse(text.slice(text.indexOf("{\n"))) as FortioReport;
  return [
    ...PERCENTILES.map((wanted) =>
      DurationHistogram.Percentiles.find(({ Percentile }) => Percentile === wanted)!.Value * 1000
    ),
    DurationHistogram.Max * 1000,
  ];
}

/** Scrapes once a second until told to stop. @returns how many bytes the last one had */
function scrape(environment: Environment, port: number): () => Promise<number> {
  let isStopped = false, bytes = 0;
  const scraping = (async () => {
    while (!isStopped) {
      const text = await environment.output("client", "curl", "-s", `http://${CLIENT_IP}:${port}/metrics`);
      bytes = text.length;
      await new Promise((done) => setTimeout(done, 1000));
    }
  })();
  return async () => {
    isStopped = true;
    await scraping;
    return bytes;
  };
}

await runInEnvironment(async (environment) => {
  const program = fortio(new URL("../.cache/bench", import.meta.url).pathname);
  if (program === undefined) return console.log("skipped: it needs fortio, or Go to build it");
  await startApplication(environment);
  const command = bundle(
    environment.directory,
    "busy_proxy",
    new URL("slices/busy_proxy.ts", import.meta.url).pathname,
  );
  const modes = ["quiet", "sliced", "whole"], rows = modes.map((): number[][] => []);
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [index, mode] of modes.entries()) {
      const port = 4140 + 10 * (round * modes.length + index), admin = port + 1;
      const addresses = [`0.0.0.0:${port}`, `0.0.0.0:${admin}`, `${SERVER_IP}:${APPLICATION_PORT}`];
      const pid = await start(environment, "client", `${mode}-${round}`, port, [
        ...command,
        ...addresses,
        mode,
      ]);
      const stop = mode === "quiet" ? undefined : scrape(environment, admin);
      const figures = await load(environment, program, port), bytes = await stop?.();
      Deno.kill(pid, "SIGKILL");
      rows[index]!.push(figures);
      const scraped = bytes === undefined ? "" : `, scrapes of ${(bytes / 1e6).toFixed(1)} MB`;
      console.log(
        `${mode.padEnd(7)} ${figures.map((each) => each.toFixed(2).padStart(7)).join(" ")} ms${scraped}`,
      );
    }
  }
  console.log(`\nmedians, ms${" ".repeat(6)}p50     p99   p99.9     max`);
  for (const [index, mode] of modes.entries()) {
    const columns = [0, 1, 2, 3].map((column) => median(rows[index]!.map((row) => row[column]!)));
    console.log(`${mode.padEnd(11)} ${columns.map((each) => each.toFixed(2).padStart(7)).join(" ")}`);
  }
});
