/**
 * How cost grows with connections, ours beside HAProxy (pairs with mutual TLS, HTTP/2 between) and beside the least
 * that carrying bytes takes here (growth/floor.ts: the kernel, our loop, and nothing else): processor time a request at
 * 10 to 8,000 connections that ask, and private memory with thousands that stay silent:
 *   deno run -A bench/growth.ts [--quick] [--costs] [--json FILE]
 *   deno run -A bench/growth.ts --idle N
 * `--costs` leaves the memory out; `--idle` tells nothing but our memory with N connections.
 * Needs root (network namespaces) and a descriptor limit of 20,000 (HAProxy takes two a connection).
 */
import { parseArgs } from "node:util";
import { cost } from "./growth/cost.ts";
import { APPLICATION_PORT } from "./peers/application.ts";
import { bundle, type Candidate, start as startProcess } from "./peers/candidate.ts";
import { startCandidates } from "./peers/candidates.ts";
import { CLIENT_IP, type Environment, SERVER_IP } from "./peers/environment.ts";
import { median, privateMemory } from "./peers/measure.ts";
import { table } from "./peers/report.ts";
import { prepare, withEnvironment } from "./peers/session.ts";

const CONNECTIONS = [10, 100, 1000, 8000], IDLE = 8000;
const HOLD = new URL("growth/hold.ts", import.meta.url).pathname;
const FLOOR = new URL("growth/floor.ts", import.meta.url).pathname, FLOOR_PORT = 4190;
const NAMES = ["ours, pair", "HAProxy, pair, h2 between"], FLOOR_NAME = "the kernel and our loop alone";

/** MiB of each side with so many connections that have asked once. */
async function idle(
  environment: Environment,
  { port, pids }: Candidate,
  connections: number,
): Promise<number[]> {
  const holder = environment.spawn(
    "client",
    Deno.execPath(),
    "run",
    "-A",
    HOLD,
    CLIENT_IP,
    `${port}`,
    `${connections}`,
  );
  const reader = holder.stdout.getReader();
  const { value } = await reader.read();
  if (new TextDecoder().decode(value).trim() !== "held") {
    throw new Error("the connections could not be opened");
  }
  await new Promise((done) => setTimeout(done, 15_000)); // long enough to give back what opening them took
  const memory = pids.map((pid) => privateMemory([pid]) / 1024);
  await holder.stdin.close();
  reader.releaseLock();
  await holder.stdout.cancel();
  await holder.status;
  return memory;
}

/** The two pairs, started anew. */
async function start(environment: Environment): Promise<Candidate[]> {
  const { candidates } = await startCandidates(environment, false);
  return NAMES.map((name) => candidates.find((candidate) => candidate.name === name)!);
}

async function startFloor(environment: Environment): Promise<Candidate> {
  const command = bundle(environment.directory, "floor", FLOOR), port = FLOOR_PORT;
  const argv = [...command, `0.0.0.0:${port}`, `${SERVER_IP}:${APPLICATION_PORT}`];
  const pid = await startProcess(environment, "client", "floor", port, argv);
  return { name: FLOOR_NAME, figure: "plain", isOurs: true, port, pids: [pid] };
}

/** Microseconds by candidate, number of connections and round. */
async function measureCosts(
  environment: Environment,
  rounds: number,
  seconds: number,
): Promise<number[][][]> {
  const candidates = [...await start(environment), await startFloor(environment)];
  const costs = candidates.map(() => CONNECTIONS.map((): number[] => []));
  for (const candidate of candidates) await cost(environment, candidate, 32, 2);
  for (let round = 0; round < rounds; round++) {
    for (const [column, connections] of CONNECTIONS.entries()) {
      for (const [row, candidate] of candidates.entries()) {
        const sides = await cost(environment, candidate, connections, seconds);
        costs[row]![column]!.push(sides.reduce((sum, micros) => sum + micros));
        const parts = sides.map((micros) => micros.toFixed(1)).join(" + ");
        console.log(`${candidate.name}, ${connections} connections: ${parts} µs`);
      }
    }
  }
  return costs;
}

/** MiB by candidate and side. Apart from the costs: connections closed by the thousand leave the kernel busy. */
async function measureIdle(environment: Environment): Promise<number[][]> {
  const held: number[][] = [];
  for (const candidate of await start(environment)) held.push(await idle(environment, candidate, IDLE));
  return held;
}

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    costs: { type: "boolean", default: false },
    idle: { type: "string" },
    json: { type: "string" },
  },
});
const [rounds, seconds] = options.quick ? [1, 2] as const : [3, 4] as const;
prepare();
if (options.idle !== undefined) {
  const connections = Number(options.idle);
  const sides = await withEnvironment(async (environment) => {
    const [ours] = await start(environment);
    return await idle(environment, ours!, connections);
  });
  console.log(
    `ours, MiB with ${connections} idle (out + in): ${sides.map((size) => size.toFixed(1)).join(" + ")}`,
  );
  Deno.exit(0);
}
const costs = await withEnvironment((environment) => measureCosts(environment, rounds, seconds));
const held = options.costs ? [] : await withEnvironment(measureIdle);
const medians = costs.map((row) => row.map(median)), names = [...NAMES, FLOOR_NAME];
const cells = names.map((name, row) => [
  name,
  ...medians[row]!.map((micros) => micros.toFixed(1)),
  (held[row] ?? []).map((size) => size.toFixed(1)).join(" + "),
]);
const counts = CONNECTIONS.map(String);
const head = ["µs a request, both sides", ...counts, `MiB with ${IDLE} idle (out + in)`];
console.log(`\n${table(head, cells)}`);
for (const [column, count] of CONNECTIONS.slice(0, 2).entries()) {
  const grown = names.map((name, row) => {
    const base = medians[row]![column]!;
    return [name, ...medians[row]!.map((micros) => (micros / base).toFixed(2))];
  });
  console.log(`\n${table([`divided by that at ${count}`, ...counts], grown)}`);
}
if (options.json !== undefined) {
  Deno.writeTextFileSync(
    options.json,
    JSON.stringify({ names, connections: CONNECTIONS, costs, held }, undefined, 2),
  );
}
Deno.exit(0);
