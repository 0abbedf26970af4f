/**
 * What a second loop brings on this machine: requests a second and processor time a request of a plain hop with one
 * loop and with two, interleaved, and how the two share the work:
 *   deno run -A bench/cores.ts [--rounds N]
 * The generator and the application run on the same processors, so the rate tells less than the cost: where a request
 * costs the same with two loops, two processors of the proxy's own do twice as many.
 */
import { parseArgs } from "node:util";
import { APPLICATION_PORT, startApplication } from "./peers/application.ts";
import { bundle, start } from "./peers/candidate.ts";
import { CLIENT_IP, SERVER_IP } from "./peers/environment.ts";
import { median, parseReport } from "./peers/measure.ts";
import { runInEnvironment } from "./peers/session.ts";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "7" } } });

/** Nanoseconds of processor by thread. */
function times(pid: number): Map<string, number> {
  const tasks = [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => name);
  return new Map(
    tasks.map((task) => [
      task,
      Number(Deno.readTextFileSync(`/proc/${pid}/task/${task}/schedstat`).split(" ")[0]),
    ]),
  );
}

await runInEnvironment(async (environment) => {
  const { directory } = environment;
  await startApplication(environment);
  const source = new URL("cores/loops_proxy.ts", import.meta.url).pathname;
  const command = bundle(directory, "loops_proxy", source), application = `${SERVER_IP}:${APPLICATION_PORT}`;
  const candidates = [];
  for (const loops of [1, 2]) {
    const port = 4140 + loops;
    const argv = [...command, `0.0.0.0:${port}`, application, String(loops), directory];
    const pid = await start(environment, "client", `loops-${loops}`, port, argv);
    candidates.push({ loops, port, pid, rate: [] as number[], cost: [] as number[], shares: [] as number[] });
  }
  for (let round = -1; round < Number(values.rounds); round++) {
    for (const { port, pid, rate, cost, shares } of candidates) {
      const before = times(pid), url = `http://${CLIENT_IP}:${port}/`;
      const text = await environment.output("client", "wrk", "-t1", "-c64", "-d2", "--latency", url);
      const spent = [...times(pid)].map(([task, now]) => now - (before.get(task) ?? 0)).sort((a, b) => b - a);
      const { requests, perSecond } = parseReport(text), all = spent.reduce((sum, one) => sum + one, 0);
      if (round < 0) continue; // warms up
      rate.push(perSecond);
      cost.push(all / requests / 1000);
      shares.push(spent[1]! / spent[0]!);
    }
  }
  for (const { loops, rate, cost, shares } of candidates) {
    console.log(
      `${loops} loop(s): ${median(rate).toFixed(0)} requests/s, ${
        median(cost).toFixed(1)
      } µs of processor each` +
        (loops > 1 ? `, the less busy loop did ${median(shares).toFixed(2)} of the other's work` : ""),
    );
  }
  const [one, two] = candidates;
  console.log(
    `two ÷ one: rate ${(median(two!.rate) / median(one!.rate)).toFixed(2)}, ` +
      `cost ${(median(two!.cost) / median(one!.cost)).toFixed(2)}`,
  );
});
