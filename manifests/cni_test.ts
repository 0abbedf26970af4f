import assert from "node:assert/strict";
import type { DaemonSet } from "../src/kube/kinds.ts";
import type { KubernetesObject } from "../src/kube/resource.ts";
import { defaultCniValues } from "../src/mesh/cni_values.ts";
import { parseConfig } from "../src/cni/plugin_config.ts";
import { optionsFor } from "../src/cni/pod_options.ts";
import { renderCni } from "./cni.ts";
import { toYaml } from "./render.ts";

function find<T extends KubernetesObject>(objects: KubernetesObject[], kind: string): T {
  const found = objects.find((one) => one.kind === kind);
  assert.ok(found, `${kind} is missing`);
  return found as T;
}

Deno.test("the plugin's manifests hold Linkerd's objects by Linkerd's names, the same each time", () => {
  const objects = renderCni(defaultCniValues());
  assert.equal(toYaml(objects), toYaml(renderCni(defaultCniValues())));
  const names = objects.map(({ kind, metadata }) => `${kind}/${metadata?.name}`);
  assert.deepEqual(names, [
    "Namespace/linkerd-cni",
    "ServiceAccount/linkerd-cni",
    "ClusterRole/linkerd-cni",
    "ClusterRoleBinding/linkerd-cni",
    "ConfigMap/linkerd-cni-config",
    "DaemonSet/linkerd-cni",
  ]);
});

Deno.test("what the ConfigMap holds is what the plugin reads", () => {
  const values = { ...defaultCniValues(), ignoreOutboundPorts: "25,8000-8010", proxyAdminPort: 5191 };
  const { data } = find<KubernetesObject & { data: Record<string, string> }>(renderCni(values), "ConfigMap");
  const entry = JSON.parse(data["cni_network_config"]!);
  const kubernetes = { ...entry.kubernetes, kubeconfig: "/k" };
  const config = parseConfig(JSON.stringify({ cniVersion: "1.0.0", name: "n", ...entry, kubernetes }));
  assert.deepEqual(config.kubernetes.exclude_namespaces, ["linkerd-cni", "kube-system"]);
  const options = optionsFor(config.linkerd, { metadata: {} });
  assert.deepEqual(options.outboundPortsToIgnore, [{ first: 25, last: 25 }, { first: 8000, last: 8010 }]);
  assert.ok(options.inboundPortsToIgnore.some(({ first }) => first === 5191));
  assert.equal(options.proxyUid, 2102);
});

Deno.test("the installer sees the node's two directories and nothing else, and may not repair where it shall not", () => {
  const values = { ...defaultCniValues(), destCNINetDir: "/a/net.d", destCNIBinDir: "/b/bin" };
  const { spec } = find<DaemonSet>(
    renderCni({ ...values, repairController: { enabled: false } }),
    "DaemonSet",
  );
  const pod = spec!.template.spec!;
  assert.deepEqual(pod.volumes?.map(({ hostPath }) => hostPath?.path), ["/b/bin", "/a/net.d"]);
  const [container] = pod.containers;
  assert.deepEqual(container?.volumeMounts?.map(({ mountPath }) => mountPath), [
    "/host/b/bin",
    "/host/a/net.d",
  ]);
  assert.equal(container?.securityContext?.privileged, false);
  assert.equal(container?.env?.find(({ name }) => name === "REPAIR")?.value, "false");
  const { rules } = find<KubernetesObject & { rules: { verbs: string[] }[] }>(
    renderCni({ ...values, repairController: { enabled: false } }),
    "ClusterRole",
  );
  assert.deepEqual(rules.flatMap(({ verbs }) => verbs), ["get", "list", "watch"]);
});
