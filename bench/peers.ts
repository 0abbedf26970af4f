/**
 * Our proxy beside HAProxy and Envoy on this machine, as pairs with mutual TLS and as one plain hop:
 *   deno run -A bench/peers.ts [--quick] [--no-envoy] [--only FIGURE] [--json FILE]
 * --only takes one figure (pair, http2, grpc, handshake, plain) and writes no RESULTS.md.
 * Needs root (network namespaces). Prints and writes bench/RESULTS.md; leaves nothing else behind.
 */
import { parseArgs } from "node:util";
import type { Candidate } from "./peers/candidate.ts";
import { startCandidates } from "./peers/candidates.ts";
import type { Environment } from "./peers/environment.ts";
import { checkGrpc } from "./peers/h2load.ts";
import { medians, privateMemory, type Sample, sample } from "./peers/measure.ts";
import { microTable } from "./peers/micro.ts";
import { fortio } from "./peers/programs.ts";
import { runInEnvironment } from "./peers/session.ts";
import { compare, report, type Result } from "./peers/report.ts";

const WARM_UP_SECONDS = 2;

/** Measures the candidates in turn, round after round, so that the machine's noise meets all of them. */
async function measure(
  environment: Environment,
  candidates: readonly Candidate[],
  rounds: number,
  seconds: number,
  program: string | undefined,
) {
  const idle = candidates.map(({ pids }) => privateMemory(pids));
  const samples = candidates.map((): Sample[] => []);
  for (const { figure, port } of candidates) if (figure === "grpc") await checkGrpc(environment, port);
  for (const candidate of candidates) await sample(environment, candidate, WARM_UP_SECONDS, undefined);
  for (let round = 1; round <= rounds; round++) {
    for (const [index, candidate] of candidates.entries()) {
      const one = await sample(environment, candidate, seconds, program);
      samples[index]?.push(one);
      console.log(
        `${round}/${rounds} ${candidate.name}: ${one.cpuMicroseconds.toFixed(1)} µs, ${one.perSecond} req/s`,
      );
    }
  }
  return candidates.map((candidate, index): Result => ({
    candidate,
    figures: medians(samples[index] ?? [], idle[index] ?? 0),
  }));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      quick: { type: "boolean", default: false },
      json: { type: "string" },
      only: { type: "string" },
      "no-envoy": { type: "boolean", default: false },
    },
  });
  const [rounds, seconds] = values.quick ? [2, 2] : [5, 3];
  await runInEnvironment(async (environment) => {
    const { candidates: all, versions } = await startCandidates(environment, !values["no-envoy"]);
    const candidates = all.filter(({ figure }) => values.only === undefined || figure === values.only);
    const program = fortio(new URL("../.cache/bench", import.meta.url).pathname);
    if (program === undefined) console.log("the fixed rate is skipped: it needs fortio, or Go to build it");
    const before = Deno.loadavg()[0] ?? 0;
    const results = await measure(environment, candidates, rounds, seconds, program);
    const loads = [before, Deno.loadavg()[0] ?? 0] as const;
    const micro = values.only === undefined ? await microTable() : "";
    const text = report(results, { rounds, seconds, versions, loads }, micro);
    console.log(`\n${text}`);
    if (values.only === undefined) Deno.writeTextFileSync(new URL("RESULTS.md", import.meta.url), text);
    if (values.json !== undefined) {
      Deno.writeTextFileSync(values.json, JSON.stringify(compare(results), undefined, 2) + "\n");
    }
  });
}

await main();
