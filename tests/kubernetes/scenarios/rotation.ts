/** Trust anchors changed from end to end by the steps of docs/rotating-trust.md, under load, without a restart. */
import { deepEqual, equal } from "node:assert/strict";
import { createAuthority, type KeyPair } from "../../../src/control/identity/authority.ts";
import { CONFIG_MAPS, type Pod, PODS } from "../../../src/kube/kinds.ts";
import { more, roll, SHOP } from "../../e2e/meshed_shop.ts";
import { until } from "../../e2e/until.ts";
import { kubectl, linkerd } from "../commands.ts";
import type { KubernetesCluster } from "../harness/cluster.ts";
import { expectAllGreen } from "./installing.ts";
import { applyUpgrade, unharmed } from "./traffic.ts";

/** Short, so that what takes a day takes a minute; renewal begins at 70 % of it. */
const LIFETIME_SECONDS = 30, YEAR_MS = 365 * 86_400_000;

function startsOf({ metadata, status }: Pod): string {
  const containers = [...status?.initContainerStatuses ?? [], ...status?.containerStatuses ?? []];
  return `${metadata?.name} ${containers.map(({ restartCount }) => restartCount).join()}`;
}

async function shopPods({ client }: KubernetesCluster): Promise<string[]> {
  return (await client.list(PODS, { namespace: SHOP })).items.map(startsOf).sort();
}

/** Until every certificate that was issued before now has been replaced. */
async function oneLifetime(cluster: KubernetesCluster): Promise<void> {
  await new Promise((done) => setTimeout(done, LIFETIME_SECONDS * 1000));
  await more(cluster, 100);
}

async function eventOf(cluster: KubernetesCluster, reason: string): Promise<number> {
  const { stdout } = await kubectl(cluster, [
    "-n",
    "linkerd",
    "get",
    "events",
    "-o",
    "name",
    `--field-selector=reason=${reason}`,
  ]);
  return stdout.trim().split("\n").filter((line) => line !== "").length;
}

export async function rotateAnchors(cluster: KubernetesCluster): Promise<void> {
  const write = async (name: string, text: string) => {
    const path = `${cluster.directory}/${name}`;
    await Deno.writeTextFile(path, text, { mode: 0o600 });
    return path;
  };
  await applyUpgrade(cluster, "--identity-issuance-lifetime", `${LIFETIME_SECONDS}s`);
  // Whoever has a certificate for a day would not ask again in this test: they start with a short one.
  for (const name of ["web", "cart", "payment", "recommend", "store", "load"]) await roll(cluster, name);
  const { code, stderr } = await kubectl(cluster, [
    "-n",
    SHOP,
    "rollout",
    "restart",
    "statefulset",
    "catalog",
  ]);
  equal(code, 0, stderr);
  await kubectl(cluster, ["-n", SHOP, "rollout", "status", "statefulset", "catalog", "--timeout=60s"]);
  await until("the load has begun again", () => more(cluster, 100), () => true);
  const pods = await shopPods(cluster);

  const { data } = await cluster.client.get(CONFIG_MAPS, "linkerd-identity-trust-roots", "linkerd");
  const next: KeyPair = await createAuthority("identity.linkerd.cluster.local", {
    now: Date.now(),
    lifetimeMs: YEAR_MS,
  });
  const both = await write("both.pem", data!["ca-bundle.crt"]! + next.certificatePem);
  const anchors = await write("new-anchors.pem", next.certificatePem),
    key = await write("new-issuer.key", next.keyPem);
  await unharmed(cluster, "trust the old and the new anchors", async () => {
    await applyUpgrade(cluster, "--identity-trust-anchors-file", both);
    await oneLifetime(cluster);
  });
  await unharmed(cluster, "sign with the new issuer", async () => {
    const before = await eventOf(cluster, "IssuerUpdated");
    await applyUpgrade(
      cluster,
      "--identity-issuer-certificate-file",
      anchors,
      "--identity-issuer-key-file",
      key,
    );
    await until(
      "the identity service has the new issuer",
      () => eventOf(cluster, "IssuerUpdated"),
      (now) => now > before,
    );
    await oneLifetime(cluster);
  });
  await unharmed(cluster, "trust the new anchors alone", async () => {
    await applyUpgrade(cluster, "--identity-trust-anchors-file", anchors);
    await oneLifetime(cluster);
  });
  deepEqual(await shopPods(cluster), pods, "an application's pod was started again");
  await unharmed(cluster, "roll an application that was described before", () => roll(cluster, "web"));
  await expectAllGreen(cluster);
  await linkerd(cluster, "check", "--proxy");
}
