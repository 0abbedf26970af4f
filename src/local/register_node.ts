/** The Node object of the laptop: ready, with what this machine has. */
import type { KubeClient } from "../kube/client.ts";
import { type Node, NODES } from "../kube/kinds.ts";

export async function registerNode(client: KubeClient, name: string, address: string): Promise<void> {
  const memory = `${Math.floor(Deno.systemMemoryInfo().total / 1024)}Ki`,
    cpu = String(navigator.hardwareConcurrency);
  const capacity = { cpu, memory, pods: "250" }, now = new Date().toISOString();
  const node: Node = {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": Deno.build.arch === "aarch64" ? "arm64" : "amd64",
      },
    },
    spec: { podCIDR: "10.42.0.0/16", podCIDRs: ["10.42.0.0/16"] },
  };
  const created = await client.create(NODES, node);
  const status = {
    capacity,
    allocatable: capacity,
    addresses: [{ type: "InternalIP", address }, { type: "Hostname", address: name }],
    conditions: [{
      type: "Ready",
      status: "True",
      reason: "KubeletReady",
      message: "the pod runner is ready",
      lastHeartbeatTime: now,
      lastTransitionTime: now,
    }],
    nodeInfo: {
      architecture: Deno.build.arch === "aarch64" ? "arm64" : "amd64",
      bootID: "",
      containerRuntimeVersion: `processes://${Deno.version.deno}`,
      kernelVersion: Deno.osRelease(),
      kubeProxyVersion: "",
      kubeletVersion: "v1.35.4+linkerd-deno",
      machineID: "",
      operatingSystem: "linux",
      osImage: "this machine",
      systemUUID: "",
    },
  };
  await client.replace(NODES, { ...created, status } as Node, "status");
}
