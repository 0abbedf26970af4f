/**
 * Two or more checkouts of this project in turn on this machine, and HAProxy beside them, to see what a change costs:
 *   deno run -A bench/versions.ts DIRECTORY[+V8FLAGS]... [--figure pair|http2|grpc|handshake] [--rounds 8] [--seconds 2]
 *     [--connections N]
 * Each DIRECTORY is a checkout that has been built (`deno task build`); flags (`--a,--b`) are given to its engine beside
 * the proxy's. CPU per request, as in peers.ts, or as in growth.ts with so many connections that ask: medians, and the
 * ratio to the first. Needs root (network namespaces).
 */
import { parseArgs } from "node:util";
import { cost as costWith } from "./growth/cost.ts";
import { APPLICATION_PORT, HTTP2_APPLICATION_PORT, startApplication } from "./peers/application.ts";
import { bundle, type Candidate, type Figure, start } from "./peers/candidate.ts";
import { type Environment, SERVER_IP } from "./peers/environment.ts";
import { startHaproxies } from "./peers/haproxy.ts";
import { median, sample } from "./peers/measure.ts";
import { runInEnvironment } from "./peers/session.ts";

/** Bundles the proxy of one checkout. @returns the command that runs it */
function bundleOf(environment: Environment, version: string, index: number): string[] {
  const [checkout = "", ...v8Flags] = version.split("+"), wasm = `${checkout}/dist/wasm/mesh.wasm`;
  const source = `${checkout}/bench/peers/static_proxy.ts`;
  return bundle(`${environment.directory}/version-${index}`, "static_proxy", source, { wasm, v8Flags });
}

async function startVersion(environment: Environment, version: string, index: number, figure: Figure) {
  const opaque = figure === "handshake" ? ["env", `BENCH_OPAQUE=${APPLICATION_PORT}`] : [];
  const command = [...opaque, ...bundleOf(environment, version, index)];
  const port = 5000 + 10 * index, peer = port + 3;
  const isHttp1 = figure === "pair" || figure === "handshake";
  const application = isHttp1 ? APPLICATION_PORT : HTTP2_APPLICATION_PORT;
  const [inName, outName] = [`in-${index}`, `out-${index}`], { directory } = environment;
  const inbound = [...command, "inbound", `0.0.0.0:${peer}`, directory];
  const inboundPid = await start(environment, "server", inName, peer, inbound);
  const outbound = [
    ...command,
    "outbound",
    `0.0.0.0:${port}`,
    `${SERVER_IP}:${peer}`,
    `${application}`,
    directory,
  ];
  const outboundPid = await start(environment, "client", outName, port, outbound);
  return { name: version, figure, isOurs: true, port, pids: [outboundPid, inboundPid] } satisfies Candidate;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    figure: { type: "string", default: "pair" },
    rounds: { type: "string", default: "8" },
    seconds: { type: "string", default: "2" },
    connections: { type: "string" },
  },
});
const figure = values.figure as Figure, rounds = Number(values.rounds), seconds = Number(values.seconds);

await runInEnvironment(async (environment) => {
  await startApplication(environment);
  const candidates: Candidate[] = [];
  for (const [index, version] of positionals.entries()) {
    candidates.push(await startVersion(environment, version, index, figure));
  }
  const peers = (await startHaproxies(environment)).filter((one) => one.figure === figure);
  candidates.push(peers.at(-1)!);
  const costs = candidates.map(() => [] as number[]), sides = candidates.map(() => [[], []] as number[][]);
  for (const candidate of candidates) await sample(environment, candidate, 2, undefined);
  for (let round = 0; round < rounds; round++) {
    for (const [index, candidate] of candidates.entries()) {
      const parts = values.connections === undefined
        ? (await sample(environment, candidate, seconds, undefined)).sideMicroseconds
        : await costWith(environment, candidate, Number(values.connections), seconds);
      costs[index]!.push(parts.reduce((sum, cost) => sum + cost));
      for (const [side, cost] of parts.entries()) sides[index]![side]!.push(cost);
    }
  }
  const base = median(costs[0]!), theirs = median(costs.at(-1)!);
  for (const [index, { name }] of candidates.entries()) {
    const cost = median(costs[index]!), [outbound = 0, inbound = 0] = sides[index]!.map(median);
    const parts = `${outbound.toFixed(1)} + ${inbound.toFixed(1)}`;
    const range = `${Math.min(...costs[index]!).toFixed(1)} to ${Math.max(...costs[index]!).toFixed(1)}`;
    const ratios = `${(cost / base).toFixed(3)} of the first, ${(cost / theirs).toFixed(3)} of HAProxy`;
    console.log(`${name}: ${cost.toFixed(1)} µs (${parts}; ${range}), ${ratios}`);
  }
});
