/**
 * Do updates of 10,000 endpoints and full scrapes show in requests? Latency of a plain hop at 1,000 requests a second,
 * open loop, while
 * - quiet: nothing else happens;
 * - beside: another process of the same program does the control work and is scraped, and the hop only carries requests:
 *   what the machine makes of so much work on its processors, whosever it is;
 * - sliced: the hop does it itself;
 * - whole: the same without slices.
 *   deno run -A bench/slices.ts [--rounds N] [--modes quiet,beside,sliced,whole]
 * A mode may name flags for the hop's engine beside the proxy's: sliced+--single-threaded-gc.
 * Needs root (network namespaces) and fortio, or Go to build it.
 */
import { parseArgs } from "node:util";
import { APPLICATION_PORT, startApplication } from "./peers/application.ts";
import { bundle, start } from "./peers/candidate.ts";
import { CLIENT_IP, type Environment, SERVER_IP } from "./peers/environment.ts";
import { median, processorTime } from "./peers/measure.ts";
import { fortio } from "./peers/programs.ts";
import { runInEnvironment } from "./peers/session.ts";

const SECONDS = 8, PERCENTILES = [50, 99, 99.9];
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    modes: { type: "string", default: "quiet,beside,sliced,whole" },
  },
});
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

/**
 * Scrapes once a second until told to stop, by a reader that costs little and yields to everybody: a real one is on
 * another machine. @returns how many bytes the last one had
 */
function scrape(environment: Environment, port: number): () => Promise<number> {
  const url = `http://${CLIENT_IP}:${port}/metrics`;
  const read = ["nice", "-n", "19", "curl", "-s", "-o", "/dev/null", "-w", "%{size_download}", url];
  let isStopped = false, bytes = 0;
  const scraping = (async () => {
    while (!isStopped) {
      bytes = Number(await environment.output("client", ...read));
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
  const source = new URL("slices/busy_proxy.ts", import.meta.url).pathname;
  let nextPort = 4140;
  const launch = async (mode: string, v8Flags: readonly string[]) => {
    const command = bundle(environment.directory, "busy_proxy", source, { v8Flags });
    const port = nextPort, admin = port + 1;
    nextPort += 2;
    const addresses = [`0.0.0.0:${port}`, `0.0.0.0:${admin}`, `${SERVER_IP}:${APPLICATION_PORT}`];
    const pid = await start(environment, "client", `hop-${port}`, port, [...command, ...addresses, mode]);
    return { port, admin, pid };
  };
  const modes = values.modes.split(","), rows = modes.map((): number[][] => []);
  console.log(`${" ".repeat(12)}p50     p99   p99.9     max ms, processor of the hop and of the other`);
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [index, name] of modes.entries()) {
      const [mode = "", ...flags] = name.split("+"), isBeside = mode === "beside";
      const hop = await launch(isBeside ? "quiet" : mode, flags);
      const busy = isBeside ? await launch("sliced", flags) : hop, pids = [...new Set([hop.pid, busy.pid])];
      const stop = mode === "quiet" ? undefined : scrape(environment, busy.admin);
      const before = pids.map((pid) => processorTime([pid])), startedAt = performance.now();
      const figures = await load(environment, program, hop.port),
        nanoseconds = (performance.now() - startedAt) * 1e6;
      const shares = pids.map((pid, i) =>
        `${(100 * (processorTime([pid]) - before[i]!) / nanoseconds).toFixed(0)} %`
      );
      const bytes = await stop?.();
      for (const pid of pids) Deno.kill(pid, "SIGKILL");
      rows[index]!.push(figures);
      const scraped = bytes === undefined ? "" : `, scrapes of ${(bytes / 1e6).toFixed(1)} MB`;
      console.log(`${cells(name, figures)}  ${shares.join(" + ")}${scraped}`);
    }
  }
  const medians = rows.map((row) =>
    [0, 1, 2, 3].map((column) => median(row.map((figures) => figures[column]!)))
  );
  console.log("\nmedians");
  for (const [index, mode] of modes.entries()) console.log(cells(mode, medians[index]!));
  const beside = medians[modes.indexOf("beside")], sliced = medians[modes.indexOf("sliced")];
  if (beside === undefined || sliced === undefined) return;
  console.log(cells("sliced / beside", sliced.map((value, column) => value / beside[column]!)));
});

function cells(name: string, numbers: readonly number[]): string {
  return `${name.padEnd(7)} ${numbers.map((each) => each.toFixed(2).padStart(7)).join(" ")}`;
}
