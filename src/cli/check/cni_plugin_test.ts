import assert from "node:assert/strict";
import { renderCni } from "../../../manifests/cni.ts";
import { applyObjects } from "../../kube/apply.ts";
import type { KubeClient } from "../../kube/client.ts";
import {
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  CONFIG_MAPS,
  DAEMON_SETS,
  NODES,
  PODS,
  SERVICE_ACCOUNTS,
} from "../../kube/kinds.ts";
import { startApiServer } from "../../local/api/server.ts";
import { defaultCniValues } from "../../mesh/cni_values.ts";
import { cniPlugin } from "./categories/cni_plugin.ts";
import type { Facts } from "./facts.ts";
import { runChecks } from "./runner.ts";

const NAMESPACE = "linkerd-cni";

/** The first failure; undefined where everything is √. */
async function failure(client: KubeClient, isAskedFor = true): Promise<string | undefined> {
  const facts = {
    client,
    now: 0,
    global: { cniNamespace: NAMESPACE },
    values: () => Promise.resolve({ cniEnabled: false }),
    forget: () => {},
  } as unknown as Facts;
  const { results } = await runChecks([cniPlugin(isAskedFor)], facts, { deadline: 0 });
  return results.flatMap(({ checks }) => checks).find(({ result }) => result !== "success")?.error;
}

/** A cluster of one node with the plugin installed, whose installer says `status`. */
async function withPlugin(
  work: (client: KubeClient, say: (status: object) => void) => Promise<void>,
): Promise<void> {
  const api = await startApiServer();
  try {
    await applyObjects(api.client, renderCni(defaultCniValues()), { fieldManager: "test" });
    await api.client.create(NODES, { metadata: { name: "node1" } });
    await api.client.create(PODS, {
      metadata: { name: "cni-1", namespace: NAMESPACE, labels: { "k8s-app": "linkerd-cni" } },
      spec: {
        nodeName: "node1",
        serviceAccountName: "linkerd-cni",
        containers: [{ name: "install-cni", image: "x" }],
      },
    });
    const conditions = [{ type: "Ready", status: "True" }];
    const body = { status: { phase: "Running", conditions } };
    await api.client.patch(PODS, "cni-1", NAMESPACE, body, { type: "merge", subresource: "status" });
    let status: object = { isReady: true };
    const raw = () => Promise.resolve(Response.json(status));
    const client = new Proxy(api.client as KubeClient, {
      get: (target, name) => name === "raw" ? raw : Reflect.get(target, name).bind(target),
    });
    await work(client, (said) => status = said);
  } finally {
    await api.stop();
  }
}

Deno.test("a plugin that is on every node and in its chain is √, and nothing is asked where it is not used", () =>
  withPlugin(async (client) => {
    assert.equal(await failure(client), undefined);
    await client.delete(DAEMON_SETS, "linkerd-cni", NAMESPACE);
    assert.equal(await failure(client, false), undefined);
  }));

const BROKEN: readonly (readonly [
  string,
  (client: KubeClient, say: (status: object) => void) => Promise<unknown>,
  RegExp,
])[] = [
  [
    "no ConfigMap",
    (client) => client.delete(CONFIG_MAPS, "linkerd-cni-config", NAMESPACE),
    /there is no ConfigMap linkerd-cni-config in namespace linkerd-cni: linkerd install-cni/,
  ],
  [
    "a role that may not read pods",
    (client) => client.patch(CLUSTER_ROLES, "linkerd-cni", undefined, { rules: [] }, { type: "merge" }),
    /does not allow to get pods/,
  ],
  [
    "a binding to another account",
    (client) =>
      client.patch(CLUSTER_ROLE_BINDINGS, "linkerd-cni", undefined, { subjects: [] }, { type: "merge" }),
    /does not bind ServiceAccount linkerd-cni\/linkerd-cni/,
  ],
  [
    "a directory without a configuration",
    (_, say) =>
      Promise.resolve(say({ isReady: false, problem: "there is no network configuration in /wrong" })),
    /node node1: there is no network configuration in \/wrong/,
  ],
  [
    "a node without the plugin",
    (client) => client.create(NODES, { metadata: { name: "node2" } }),
    /node node2 has no pod of linkerd-cni/,
  ],
  [
    "a pod that came before the plugin",
    async (client) => {
      await client.create(SERVICE_ACCOUNTS, { metadata: { name: "default", namespace: "default" } });
      await client.create(PODS, {
        metadata: {
          name: "early",
          namespace: "default",
          labels: { "linkerd.io/control-plane-ns": "linkerd" },
        },
        spec: { containers: [{ name: "app", image: "x" }] },
      });
      const terminated = { exitCode: 95 };
      const validator = {
        name: "linkerd-network-validator",
        image: "",
        imageID: "",
        ready: false,
        restartCount: 1,
      };
      const body = { status: { initContainerStatuses: [{ ...validator, lastState: { terminated } }] } };
      await client.patch(PODS, "early", "default", body, { type: "merge", subresource: "status" });
    },
    /started before the plugin was there.*\n\* default\/early/,
  ],
];

for (const [what, breakIt, message] of BROKEN) {
  Deno.test(`the check finds ${what}, and names it`, () =>
    withPlugin(async (client, say) => {
      await breakIt(client, say);
      assert.match(await failure(client) ?? "√", message);
    }));
}
