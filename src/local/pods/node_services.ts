/** Everything the laptop cluster's one node does, behind one call: network, service addresses, names, pods. */
import { isAlreadyExists, type KubeClient } from "../../kube/client.ts";
import { startInformer } from "../../kube/informer.ts";
import { CONFIG_MAPS, ENDPOINT_SLICES, type Node, NODES, PODS, SECRETS, SERVICES } from "../../kube/kinds.ts";
import { type DnsServer, startDns } from "../dns/server.ts";
import { NodeNetwork } from "../network/node_network.ts";
import { followServices } from "../network/service_watch.ts";
import type { BackOffOptions } from "./back_off.ts";
import type { ImageMap } from "./images.ts";
import { PodRunner } from "./runner.ts";

const DNS_ADDRESS = "10.43.0.10", DOMAIN = "cluster.local";

export interface NodeServicesOptions {
  readonly client: KubeClient;
  /** Made before, where the API server must listen at one of its addresses first. */
  readonly network: NodeNetwork;
  readonly nodeName: string;
  /** An existing empty directory; memory is mounted there. */
  readonly directory: string;
  readonly images?: ImageMap;
  readonly environment?: Readonly<Record<string, string>>;
  readonly backOff?: BackOffOptions;
  readonly onError?: (error: unknown) => void;
}

export interface NodeServices {
  readonly runner: PodRunner;
  readonly dns: DnsServer;
  /** Ends all pods, DNS and the service rules' following; not the network. */
  stop(graceMs?: number): Promise<void>;
}

/** The node as the API shows it. */
export function nodeObject(name: string, address: string, now = new Date()): Node {
  const time = now.toISOString().replace(/\.[0-9]+Z$/, "Z");
  const capacity = {
    cpu: String(navigator.hardwareConcurrency),
    memory: `${Math.floor(Deno.systemMemoryInfo().total / 1024)}Ki`,
    pods: "250",
  };
  const condition = (type: string, status: string, reason: string, message: string) => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: time,
    lastTransitionTime: time,
  });
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": ARCHITECTURE,
      },
    },
    spec: { podCIDR: "10.42.0.0/16", podCIDRs: ["10.42.0.0/16"] },
    status: {
      capacity,
      allocatable: capacity,
      addresses: [{ type: "InternalIP", address }, { type: "Hostname", address: name }],
      conditions: [
        condition(
          "MemoryPressure",
          "False",
          "KubeletHasSufficientMemory",
          "kubelet has sufficient memory available",
        ),
        condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
      ],
      nodeInfo: {
        architecture: ARCHITECTURE,
        bootID: "",
        containerRuntimeVersion: "process://1",
        kernelVersion: Deno.osRelease(),
        kubeProxyVersion: "",
        kubeletVersion: "v1.35.0",
        machineID: "",
        operatingSystem: "linux",
        osImage: "this machine",
        systemUUID: "",
      },
    },
  };
}

const ARCHITECTURE = Deno.build.arch === "aarch64" ? "arm64" : "amd64";

async function register(client: KubeClient, node: Node): Promise<void> {
  try {
    await client.create(NODES, node);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
  // Creation keeps no status, as for every kind that has one.
  const body = { status: node.status };
  await client.patch(NODES, node.metadata!.name!, undefined, body, { type: "merge", subresource: "status" });
}

/** Starts them all; the node is Ready in the API when it resolves. @throws SystemError, or what the API refuses */
export async function startNodeServices(options: NodeServicesOptions): Promise<NodeServices> {
  const { client, network, nodeName, directory, images, environment, backOff } = options;
  const onError = options.onError ?? ((error: unknown) => console.error("node:", error));
  const stopped = new AbortController();
  const informerOptions = { signal: stopped.signal, onError };
  const services = startInformer(client, SERVICES, informerOptions);
  const slices = startInformer(client, ENDPOINT_SLICES, informerOptions);
  const configMaps = startInformer(client, CONFIG_MAPS, informerOptions);
  const secrets = startInformer(client, SECRETS, informerOptions);
  const pods = startInformer(client, PODS, informerOptions);
  const unfollow = followServices(network, services, slices, onError);
  const [dns] = await Promise.all([
    startDns({ address: DNS_ADDRESS, domain: DOMAIN, services, slices }),
    register(client, nodeObject(nodeName, network.nodeAddress)),
    ...[services, slices, configMaps, secrets].map(({ synced }) => synced),
  ]);
  const runner = new PodRunner({
    client,
    network,
    pods,
    configMaps,
    secrets,
    services,
    nodeName,
    directory,
    dns: { server: DNS_ADDRESS, domain: DOMAIN },
    onError,
    ...(images === undefined ? {} : { images }),
    ...(environment === undefined ? {} : { environment }),
    ...(backOff === undefined ? {} : { backOff }),
  });
  return {
    runner,
    dns,
    stop: async (graceMs = 0) => {
      await runner.stop(graceMs);
      stopped.abort();
      unfollow();
      dns.close();
    },
  };
}
