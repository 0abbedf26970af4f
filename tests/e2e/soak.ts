/**
 * The whole mesh on a laptop cluster, under load, while things happen to it: each part of the control plane is taken
 * away and brought back, workloads are rolled, replicas are killed. The load generator's own counts are the yardstick:
 * nothing may fail but what is meant to and what was in flight on a killed replica, and the mesh must have counted
 * what it counted.
 *
 *   soak.ts [--seconds 300]      how long, at least, the load lasts
 */
import { equal, ok } from "node:assert/strict";
import { PODS } from "../../src/kube/kinds.ts";
import type { Cluster } from "../../src/local/cluster/cluster.ts";
import { waitForWorkloads } from "../../src/local/workloads.ts";
import { expectAgreement, expectCertificateEnds, expectMutualTls } from "./agreement.ts";
import { Descriptors } from "./descriptors.ts";
import { killReplica, type Victims } from "./killed_replica.ts";
import { Leftovers } from "./leftovers.ts";
import { MESH, more, readCounts, roll, SHOP, startMeshedShop, stopLoad, without } from "./meshed_shop.ts";
import { expectLeastPrivilege } from "./privileges.ts";
import { PATIENCE_MS, until } from "./until.ts";

export interface SoakOptions {
  readonly seconds: number;
  readonly say?: (line: string) => void;
}

/** What counts the requests of workloads that are rolled later goes first. */
const CONTROL_PLANE = [
  "metrics-api",
  "web",
  "linkerd-destination",
  "linkerd-identity",
  "linkerd-proxy-injector",
];
const ROLLED = ["recommend", "web", "cart", "payment"];
const REPLICAS = ["catalog-0", "catalog-1"], CALLERS = ["web", "recommend"];
/** Restarts are held back ever longer, as in any cluster. */
const MAX_KILLS = 6;
const VICTIMS: readonly Victims[] = ["both", "application", "proxy"];
/** How much longer a part is away, and how long things are left in peace, when there is time. */
const LONG_SECONDS = 120, AWAY_REQUESTS = { short: 100, long: 1000 };

async function expectReady(cluster: Cluster): Promise<void> {
  for (const namespace of [MESH, SHOP]) {
    await waitForWorkloads(cluster.client, namespace, { timeoutMs: PATIENCE_MS });
  }
}

/** Waits until a killed replica's containers run again. */
async function expectRestarted({ client }: Cluster, pod: string, restarts: number): Promise<void> {
  await until(`${pod} is back`, () => client.get(PODS, pod, SHOP), ({ status }) => {
    const all = [...status?.initContainerStatuses ?? [], ...status?.containerStatuses ?? []];
    return all.reduce((sum, { restartCount }) => sum + restartCount, 0) >= restarts &&
      status?.conditions?.find(({ type }) => type === "Ready")?.status === "True";
  });
}

/** What the proxies of the shop said last: told where something failed that should not have. */
async function tellLogs({ client }: Cluster, say: (line: string) => void): Promise<void> {
  for (const { metadata } of (await client.list(PODS, { namespace: SHOP })).items) {
    const path = `/api/v1/namespaces/${SHOP}/pods/${metadata?.name}/log?container=linkerd-proxy&tailLines=40`;
    say(`${metadata?.name}: ${await (await client.raw("GET", path)).text()}`);
  }
}

/** @throws AssertionError or Error that says what did not hold */
export async function soak({ seconds, say = () => {} }: SoakOptions): Promise<void> {
  const leftovers = new Leftovers(), cluster = await startMeshedShop();
  let inFlightOnKilled = 0;
  try {
    const startedAt = performance.now(), isLong = seconds > LONG_SECONDS;
    const remaining = () => seconds - (performance.now() - startedAt) / 1000;
    const step = async (what: string, work: () => Promise<unknown>) => {
      const from = performance.now(), before = await readCounts(cluster);
      await work();
      leftovers.note(cluster);
      const { requests, unexpected } = await readCounts(cluster);
      say(
        `${what}: ${((performance.now() - from) / 1000).toFixed(1)} s, ${
          requests - before.requests
        } requests, ` +
          `${unexpected - before.unexpected} failed`,
      );
    };
    await step("settle", () => more(cluster, 600));
    const descriptors = new Descriptors(cluster);

    for (const part of CONTROL_PLANE) {
      const requests = isLong ? AWAY_REQUESTS.long : AWAY_REQUESTS.short;
      await step(`${part} is away`, () => without(cluster, part, () => more(cluster, requests)));
    }
    await expectReady(cluster);
    const restarts = new Map<string, number>();
    for (let round = 0; round === 0 || remaining() > 0; round++) {
      const workload = ROLLED[round % ROLLED.length]!, victims = VICTIMS[round % VICTIMS.length]!;
      await step(`${workload} is rolled`, () => roll(cluster, workload));
      if (round < MAX_KILLS) {
        await step(`${victims} of a replica killed`, async () => {
          const { unexpected } = await readCounts(cluster);
          const { pod, inFlight } = await killReplica(cluster, REPLICAS, victims, CALLERS);
          inFlightOnKilled += inFlight;
          restarts.set(pod, (restarts.get(pod) ?? 0) + (victims === "both" ? 2 : 1));
          await expectRestarted(cluster, pod, restarts.get(pod)!);
          const counts = await more(cluster, 200), failed = counts.unexpected - unexpected;
          say(`  ${failed} failed of ${inFlight} that were in flight on ${pod}`);
          if (failed > inFlight) await tellLogs(cluster, say);
          ok(failed <= inFlight, `${failed} failed, ${inFlight} in flight: ${counts.examples.join("\n")}`);
        });
      }
      await step("peace", () => more(cluster, isLong ? 2000 : 200));
    }
    await expectReady(cluster);

    const counts = await stopLoad(cluster);
    say(
      `${counts.requests} requests: ${
        JSON.stringify(counts.statuses)
      }, in flight on killed: ${inFlightOnKilled}`,
    );
    for (const example of counts.examples) say(`  ${example}`);
    ok(
      counts.unexpected <= inFlightOnKilled,
      `${counts.unexpected} failed, ${inFlightOnKilled} were in flight on what was killed: ${
        counts.examples.join("; ")
      }`,
    );
    ok((counts.purchases["503"] ?? 0) > 0, "the deliberate failures are there");
    await expectAgreement(cluster, counts);
    await expectMutualTls(cluster);
    await expectCertificateEnds(cluster);
    await expectLeastPrivilege(cluster);
    await descriptors.expectNoMore();
    leftovers.note(cluster);
    ok(leftovers.find().length > 0, "what runs is found");
  } finally {
    await cluster.stop();
  }
  const { processes, namespaces } = leftovers.noted;
  ok(processes > 20 && namespaces > 20, `${processes} processes, ${namespaces} namespaces were there`);
  const left = await until("nothing is left", () => leftovers.find(), (found) => found.length === 0, 5000)
    .catch(() => leftovers.find()); // told next
  equal(left.length, 0, `left behind: ${left.join("; ")}`);
  say(`nothing is left of ${processes} processes and ${namespaces} namespaces`);
}

if (import.meta.main) {
  const at = Deno.args.indexOf("--seconds"), seconds = at < 0 ? 300 : Number(Deno.args[at + 1]);
  if (!(seconds > 0)) {
    console.error("usage: soak.ts [--seconds 300]");
    Deno.exit(2);
  }
  const startedAt = performance.now();
  await soak({
    seconds,
    say: (line) => console.log(`${((performance.now() - startedAt) / 1000).toFixed(1)} s  ${line}`),
  });
}
