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
  console.log(`    from an empty cluster to ${checks} checks √: ${taken.toFixed(1)} s`);
  ok(taken <= LIMIT_SECONDS, `${taken.toFixed(1)} s, more than ${LIMIT_SECONDS}`);
  const again = await seconds(() => linkerd(cluster, "check"));
  console.log(`    linkerd check: ${again.toFixed(1)} s`);
  ok(again <= CHECK_LIMIT_SECONDS, `${again.toFixed(1)} s, more than ${CHECK_LIMIT_SECONDS}`);
}

/** What stands in no manifest may not be random: an upgrade without changes is the same bytes, each time. */
export async function renderTwice(cluster: KubernetesCluster): Promise<void> {
  const [first, second] = [await linkerd(cluster, "upgrade"), await linkerd(cluster, "upgrade")];
  equal(first, second, "two runs differ");
  const { code, stdout } = await kubectl(cluster, ["diff", "-f", "-"], first);
  equal(stdout, "", "an upgrade without changes changes something");
  equal(code, 0);
}
