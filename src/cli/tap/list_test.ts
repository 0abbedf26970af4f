import assert from "node:assert/strict";
import type { KubeClient } from "../../kube/client.ts";
import type { ResourceKind } from "../../kube/resource.ts";
import { SYSTEM } from "../environment.ts";
import { list } from "./list.ts";

const GLOBAL = { linkerdNamespace: "linkerd", cniNamespace: "linkerd-cni", verbose: false };
const pod = (namespace: string, name: string, annotations: Record<string, string> = {}) => ({
  metadata: { name, namespace, annotations, labels: { "linkerd.io/control-plane-ns": "linkerd" } },
});
const ENABLED = { "viz.linkerd.io/tap-enabled": "true" }, REFUSED = { "viz.linkerd.io/disable-tap": "true" };

Deno.test("pods are listed by whether they can be tapped, as text and as JSON", async () => {
  let printed = "", told = "";
  const pods = [
    pod("shop", "web-1", ENABLED),
    pod("shop", "web-2"),
    pod("shop", "web-3", { ...ENABLED, ...REFUSED }),
    pod("pay", "api-1", ENABLED),
  ];
  const client = {
    list: ({ plural }: ResourceKind, options: { namespace?: string } = {}) =>
      Promise.resolve({
        items: plural === "namespaces"
          ? [{ metadata: { name: "shop" } }, { metadata: { name: "pay", annotations: REFUSED } }]
          : pods.filter(({ metadata }) => (options.namespace ?? metadata.namespace) === metadata.namespace),
      }),
  } as unknown as KubeClient;
  const environment = {
    ...SYSTEM,
    print: (text: string) => void (printed += text),
    tell: (text: string) => void (told += text),
    connect: () => Promise.resolve({ client, namespace: "shop", server: "", close: () => {} }),
  };
  await list({ allNamespaces: false, output: "text" }, GLOBAL, environment);
  assert.equal(
    printed,
    "Pods with tap enabled:\n\t* web-1\n\nPods with tap disabled:\n\t* web-3\n\n" +
      "Pods missing tap configuration (restart these pods to enable tap):\n\t* web-2\n",
  );
  printed = "";
  await list({ allNamespaces: true, output: "json" }, GLOBAL, environment);
  assert.deepEqual(
    (JSON.parse(printed) as { name: string; tap: string }[]).map(({ name, tap }) => [name, tap]),
    [["web-1", "enabled"], ["web-2", "restart-needed"], ["web-3", "disabled"], ["api-1", "disabled"]],
  );
  await list({ allNamespaces: false, namespace: "empty", output: "text" }, GLOBAL, environment);
  assert.match(told, /No meshed pods found/);
});
