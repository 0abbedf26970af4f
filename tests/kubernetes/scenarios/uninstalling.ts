/** The end of an installation: nothing of it is left, and applications run on. */
import { equal, match } from "node:assert/strict";
import { NAMESPACES, PODS } from "../../../src/kube/kinds.ts";
import { more, SHOP } from "../../e2e/meshed_shop.ts";
import { until } from "../../e2e/until.ts";
import { kubectl, linkerdInto, runLinkerd } from "../commands.ts";
import type { KubernetesCluster } from "../harness/cluster.ts";

/** Everything in the cluster, of every kind that can be listed, whose name or labels say that it is the mesh's. */
async function leftovers(cluster: KubernetesCluster): Promise<string[]> {
  const kinds = await kubectl(cluster, ["api-resources", "--verbs=list", "-o", "name"]);
  const names = kinds.stdout.trim().split("\n").filter((name) => !name.startsWith("events"));
  const { stdout } = await kubectl(cluster, [
    "get",
    names.join(","),
    "--all-namespaces",
    "--ignore-not-found",
    "-o",
    'jsonpath={range .items[*]}{.kind}{"/"}{.metadata.namespace}{"/"}{.metadata.name}{" "}{.metadata.labels}{"\\n"}{end}',
  ]);
  return stdout.split("\n").filter((line) => /linkerd/.test(line) && !line.includes(`/${SHOP}/`));
}

export async function uninstallEverything(cluster: KubernetesCluster): Promise<void> {
  const refused = await runLinkerd(cluster, ["uninstall"]);
  equal(refused.code, 1);
  match(refused.stderr, /still used: pods are meshed: .*shop\//);
  await cluster.client.patch(NAMESPACES, SHOP, undefined, {
    metadata: { annotations: { "linkerd.io/inject": "disabled" } },
  }, { type: "merge" });
  const { items } = await cluster.client.list(PODS, { namespace: SHOP });
  for (const { metadata } of items) await cluster.client.delete(PODS, metadata!.name!, SHOP);
  await until(
    "the shop runs without the mesh",
    () => cluster.client.list(PODS, { namespace: SHOP }),
    (now) =>
      now.items.length === items.length &&
      now.items.every(({ spec, status, metadata }) =>
        metadata?.deletionTimestamp === undefined &&
        spec?.containers.length === 1 && (spec.initContainers ?? []).length === 0 &&
        status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True")
      ),
  );
  await until("the load goes on without the mesh", () => more(cluster, 100), () => true);
  await linkerdInto(cluster, "delete", "uninstall");
  await until("the namespace is gone", () => leftovers(cluster), (found) => found.length === 0);
  await more(cluster, 200);
}
