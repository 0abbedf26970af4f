/** From an empty cluster to one where everything is √, as the documentation says it. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { kubectl, linkerd, linkerdInto } from "../commands.ts";
import type { KubernetesCluster } from "../harness/cluster.ts";

const LIMIT_SECONDS = 30, CHECK_LIMIT_SECONDS = 5;

interface CheckResult {
  readonly success: boolean;
  readonly categories: readonly {
    readonly categoryName: string;
    readonly checks: readonly {
      readonly description: string;
      readonly result: string;
      readonly error?: string;
    }[];
  }[];
}

/**
 * Holds a time to its limit, where the machine has processors to spare: how long others' work delays this one says
 * nothing of it, and is only told.
 */
export function holdToLimit(what: string, value: number, limit: number, unit: string): void {
  const [load = 0] = Deno.loadavg(), isBusy = load > 3 * navigator.hardwareConcurrency;
  const note = isBusy ? ` (not held to ${limit} ${unit}: the machine's load is ${load.toFixed(1)})` : "";
  console.log(`    ${what}: ${value.toFixed(1)} ${unit}${note}`);
  if (!isBusy) ok(value <= limit, `${what}: ${value.toFixed(1)} ${unit}, more than ${limit}`);
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

/** Every check is √: a warning counts as something else. @returns how many there are */
export async function expectAllGreen(cluster: KubernetesCluster, ...args: string[]): Promise<number> {
  const text = await linkerd(cluster, "check", "--wait", "180s", "-o", "json", ...args);
  const { categories } = JSON.parse(text) as CheckResult;
  const checks = categories.flatMap((category) =>
    category.checks.map((check) => ({ ...check, category: category.categoryName }))
  );
  const others = checks.filter(({ result }) => result !== "success");
  deepEqual(others, [], "not √");
  return checks.length;
}

export async function installEverything(cluster: KubernetesCluster): Promise<void> {
  await expectAllGreen(cluster, "--pre");
  let checks = 0;
  const taken = await seconds(async () => {
    await linkerdInto(cluster, "apply", "install", "--crds");
    await linkerdInto(cluster, "apply", "install");
    checks = await expectAllGreen(cluster);
  });
  holdToLimit(`from an empty cluster to ${checks} checks √`, taken, LIMIT_SECONDS, "s");
  holdToLimit("linkerd check", await seconds(() => linkerd(cluster, "check")), CHECK_LIMIT_SECONDS, "s");
}

/** What stands in no manifest may not be random: an upgrade without changes is the same bytes, each time. */
export async function renderTwice(cluster: KubernetesCluster): Promise<void> {
  const [first, second] = [await linkerd(cluster, "upgrade"), await linkerd(cluster, "upgrade")];
  equal(first, second, "two runs differ");
  const { code, stdout } = await kubectl(cluster, ["diff", "-f", "-"], first);
  equal(stdout, "", "an upgrade without changes changes something");
  equal(code, 0);
}
