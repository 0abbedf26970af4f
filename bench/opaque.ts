/**
 * Opaque TCP beside HAProxy on this machine: bytes a second and processor time a GiB, over one stream and over 32, as
 * one plaintext hop and through a pair with mutual TLS; and small questions and answers:
 *   deno run -A bench/opaque.ts [--quick] [--only plain|pair] [--json FILE]
 * Needs root (network namespaces). Prints ratios of interleaved rounds; leaves nothing behind.
 */
import { parseArgs } from "node:util";
import { startOpaque } from "./opaque/candidates.ts";
import type { Candidate } from "./peers/candidate.ts";
import { CLIENT_IP, type Environment } from "./peers/environment.ts";
import { median, processorTime } from "./peers/measure.ts";
import { runInEnvironment } from "./peers/session.ts";

interface Load {
  readonly name: string;
  readonly connections: number;
  readonly path: string;
  /** The unit that processor time is told for. */
  readonly per: "GiB" | "request";
}

const LOADS: readonly Load[] = [
  { name: "1 stream", connections: 1, path: "file", per: "GiB" },
  { name: "32 streams", connections: 32, path: "file", per: "GiB" },
  { name: "32 connections, 100-byte answers", connections: 32, path: "small", per: "request" },
];

interface Sample {
  /** MiB or requests a second. */
  readonly rate: number;
  /** Milliseconds of processor a GiB, or microseconds a request. */
  readonly cpu: number;
}

async function sample(
  environment: Environment,
  { port, pids }: Candidate,
  load: Load,
  seconds: number,
): Promise<Sample> {
  const before = processorTime(pids), url = `http://${CLIENT_IP}:${port}/${load.path}`;
  const connections = `-c${load.connections}`;
  const text = await environment.output(
    "client",
    "wrk",
    "-t1",
    connections,
    `-d${seconds}`,
    "--timeout",
    "30",
    url,
  );
  const spent = processorTime(pids) - before;
  if (load.per === "request") {
    const requests = Number(/(\d+) requests in/.exec(text)?.[1]);
    return { rate: requests / seconds, cpu: spent / 1000 / requests };
  }
  const [, value, unit] = /requests in [\d.]+s, ([\d.]+)(MB|GB|KB|B) read/.exec(text) ?? [];
  const mebibytes = Number(value) * { GB: 1024, MB: 1, KB: 1 / 1024, B: 2 ** -20 }[unit ?? ""]!;
  if (!(mebibytes > 0)) throw new Error(`wrk reports no bytes: ${text}`);
  return { rate: mebibytes / seconds, cpu: spent / 1e6 / (mebibytes / 1024) };
}

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    json: { type: "string" },
  },
});
const [rounds, seconds] = values.quick ? [3, 1] : [7, 3];
await runInEnvironment(async (environment) => {
  const candidates = (await startOpaque(environment))
    .filter(({ figure }) => values.only === undefined || figure === values.only);
  const rows: Record<string, unknown>[] = [];
  for (const load of LOADS) {
    const samples = candidates.map((): Sample[] => []);
    for (const candidate of candidates) await sample(environment, candidate, load, 1); // warms up
    for (let round = 0; round < rounds; round++) {
      for (const [index, candidate] of candidates.entries()) {
        samples[index]!.push(await sample(environment, candidate, load, seconds));
      }
    }
    const unit = load.per === "GiB" ? ["MiB/s", "ms/GiB"] : ["req/s", "µs/req"];
    console.log(`\n${load.name}`);
    for (const figure of ["plain", "pair"]) {
      const of = candidates.flatMap((candidate, index) =>
        candidate.figure !== figure ? [] : [{
          name: candidate.name,
          isOurs: candidate.isOurs,
          rate: median(samples[index]!.map(({ rate }) => rate)),
          cpu: median(samples[index]!.map(({ cpu }) => cpu)),
        }]
      );
      for (const { name, rate, cpu } of of) {
        console.log(
          `  ${name.padEnd(30)} ${rate.toFixed(0).padStart(8)} ${unit[0]}  ${cpu.toFixed(1).padStart(8)} ${
            unit[1]
          }`,
        );
      }
      const own = of.find(({ isOurs }) => isOurs), peer = of.find(({ isOurs }) => !isOurs);
      if (own === undefined || peer === undefined) continue;
      const ratio = { load: load.name, figure, rate: own.rate / peer.rate, cpu: own.cpu / peer.cpu };
      rows.push(ratio);
      console.log(
        `  ours ÷ HAProxy: rate ${ratio.rate.toFixed(2)} (bar ≥ 1.0), processor ${ratio.cpu.toFixed(2)}`,
      );
    }
  }
  if (values.json !== undefined) {
    Deno.writeTextFileSync(values.json, JSON.stringify(rows, undefined, 2) + "\n");
  }
});
