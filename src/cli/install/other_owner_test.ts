import assert from "node:assert/strict";
import { applyObjects } from "../../kube/apply.ts";
import type { ConfigMap } from "../../kube/kinds.ts";
import type { ObjectMeta } from "../../kube/resource.ts";
import { withCluster } from "../../local/controllers/test_cluster.ts";
import { SYSTEM } from "../environment.ts";
import { runCli } from "../main.ts";

const HELM: Partial<ObjectMeta> = {
  labels: { "app.kubernetes.io/managed-by": "Helm" },
  annotations: { "meta.helm.sh/release-name": "mesh", "meta.helm.sh/release-namespace": "linkerd" },
};

/** What each command says of a cluster whose linkerd-config is this one. */
async function saidOf(config: Partial<ConfigMap>, commands: readonly string[]): Promise<string[]> {
  const said: string[] = [];
  await withCluster(async ({ client }) => {
    const metadata = { ...config.metadata, name: "linkerd-config", namespace: "linkerd" };
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "linkerd" } };
    const map = { apiVersion: "v1", kind: "ConfigMap", ...config, metadata };
    await applyObjects(client, [namespace, map], { fieldManager: "test" });
    for (const command of commands) {
      let printed = "", told = "";
      const code = await runCli(command.split(" "), {
        ...SYSTEM,
        print: (text) => void (printed += text),
        tell: (text) => void (told += text),
        variable: () => undefined,
        connect: () => Promise.resolve({ client, namespace: "default", server: "", close: () => {} }),
      });
      assert.deepEqual([code, printed], [1, ""], command);
      said.push(told);
    }
  });
  return said;
}

Deno.test("an installation of Helm's is left to Helm, by the name of its release", async () => {
  const config = { metadata: HELM, data: { values: "controllerReplicas: 1\n" } };
  const [install, upgrade, prune] = await saidOf(config, ["install", "upgrade", "prune"]);
  assert.match(
    install!,
    /namespace linkerd has a control plane of Helm's release mesh \[already-installed\]\n.*helm upgrade mesh/,
  );
  for (const said of [upgrade!, prune!]) {
    assert.match(
      said,
      /in namespace linkerd belongs to Helm's release mesh \[not-installed-here\]\n.*helm upgrade mesh/,
    );
  }
});

Deno.test("an installation of Linkerd's own is left to it, by its version", async () => {
  const values =
    "linkerdVersion: edge-26.8.1\ncontrollerImage: cr.l5d.io/linkerd/controller\nheartbeatSchedule: ''\n";
  for (const said of await saidOf({ data: { values } }, ["install", "install --apply", "upgrade"])) {
    assert.match(said, /Linkerd itself \(edge-26\.8\.1\)/);
    assert.match(said, /uninstall it with its own command line first/);
  }
});

Deno.test("an installation of this command line is to be upgraded", async () => {
  const values = "linkerdVersion: 0.1.0\ncontrollerImage: registry.example/linkerd/controller\n";
  const [said] = await saidOf({ data: { values } }, ["install"]);
  assert.match(said!, /ConfigMap linkerd-config is there.*\n.*linkerd upgrade/);
});
