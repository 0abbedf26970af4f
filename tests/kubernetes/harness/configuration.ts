/** The files that tell each component of the node what it is: all of them below one directory. */
import {
  API_SERVER,
  API_SERVICE_ADDRESS,
  CLUSTER_DOMAIN,
  DNS_SERVICE_ADDRESS,
  NODE_ADDRESS,
  NODE_NAME,
  POD_NETWORK,
} from "./addresses.ts";
import { createAuthority, issueServingCertificate } from "../../../src/local/api/tls/certificates.ts";
import { formatKubeConfig } from "../../../src/local/api/kubeconfig.ts";

export interface NodePaths {
  readonly directory: string;
  readonly containerdSocket: string;
  /** Where the container runtime reads how pods are connected, and where its plugins are. */
  readonly networkConfiguration: string;
  readonly networkPlugins: string;
  readonly kubeconfig: string;
  readonly authority: string;
  readonly token: string;
}

export function nodePaths(directory: string): NodePaths {
  return {
    directory,
    containerdSocket: `${directory}/containerd.sock`,
    networkConfiguration: `${directory}/cni/net.d`,
    networkPlugins: `${directory}/cni/bin`,
    kubeconfig: `${directory}/node.kubeconfig`,
    authority: `${directory}/ca.crt`,
    token: `${directory}/token`,
  };
}

function containerdConfiguration(
  { directory, containerdSocket, networkConfiguration, networkPlugins }: NodePaths,
) {
  const plugin = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = "${directory}/containerd/root"
state = "${directory}/containerd/state"
[grpc]
  address = "${containerdSocket}"
[${plugin}]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  [${plugin}.cni]
    bin_dir = "${networkPlugins}"
    conf_dir = "${networkConfiguration}"
`;
}

/** Every pod at the end of a cable of its own, so that all its packets are routed and kube-proxy's rules see them. */
function podNetwork({ directory }: NodePaths) {
  return {
    cniVersion: "0.4.0",
    name: "pods",
    plugins: [{
      type: "ptp",
      ipMasq: false,
      ipam: {
        type: "host-local",
        ranges: [[{ subnet: POD_NETWORK }]],
        routes: [{ dst: "0.0.0.0/0" }],
        dataDir: `${directory}/cni/addresses`,
      },
    }],
  };
}

/** @param cgroupRoot what this node's pods are accounted to */
function kubeletConfiguration({ directory, containerdSocket }: NodePaths, cgroupRoot: string) {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    address: NODE_ADDRESS,
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: "AlwaysAllow" },
    cgroupDriver: "cgroupfs",
    cgroupRoot,
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: [],
    clusterDNS: [DNS_SERVICE_ADDRESS],
    clusterDomain: CLUSTER_DOMAIN,
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    localStorageCapacityIsolation: false,
    imageGCHighThresholdPercent: 100,
    evictionHard: { "memory.available": "1Mi" },
    resolvConf: "",
    podLogsDir: `${directory}/pod-logs`,
    volumePluginDir: `${directory}/volume-plugins`,
    // A pod that shall be gone is seen to be gone soon: tests wait for it.
    fileCheckFrequency: "1s",
    syncFrequency: "10s",
    nodeStatusUpdateFrequency: "3s",
  };
}

function kubeProxyConfiguration({ kubeconfig }: NodePaths) {
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    clientConnection: { kubeconfig },
    hostnameOverride: NODE_NAME,
    clusterCIDR: POD_NETWORK,
    conntrack: { maxPerCore: 0, min: 0 },
  };
}

/** PEM of a fresh key pair for service accounts' tokens. */
async function serviceAccountKeys(): Promise<{ key: string; publicKey: string }> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const pair = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as CryptoKeyPair;
  const pem = (label: string, der: ArrayBuffer) => {
    const text = btoa(String.fromCharCode(...new Uint8Array(der))).replace(/.{64}/g, "$&\n");
    return `-----BEGIN ${label}-----\n${text}\n-----END ${label}-----\n`;
  };
  return {
    key: pem("PRIVATE KEY", await crypto.subtle.exportKey("pkcs8", pair.privateKey)),
    publicKey: pem("PUBLIC KEY", await crypto.subtle.exportKey("spki", pair.publicKey)),
  };
}

/** Writes everything. */
export async function writeConfiguration(directory: string, cgroupRoot: string): Promise<NodePaths> {
  const paths = nodePaths(directory);
  for (const each of ["cni/net.d", "cni/bin", "pod-logs", "volume-plugins", "containerd"]) {
    await Deno.mkdir(`${directory}/${each}`, { recursive: true });
  }
  const write = (name: string, content: string | object) =>
    Deno.writeTextFile(
      `${directory}/${name}`,
      typeof content === "string" ? content : JSON.stringify(content, null, 2),
      { mode: 0o600 },
    );
  const authority = await createAuthority("kubernetes");
  const serving = await issueServingCertificate(authority, [
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    `kubernetes.default.svc.${CLUSTER_DOMAIN}`,
    API_SERVICE_ADDRESS,
    NODE_ADDRESS,
    "127.0.0.1",
  ]);
  const keys = await serviceAccountKeys(), token = crypto.randomUUID();
  await Promise.all([
    write("ca.crt", authority.certificate),
    write("api.crt", serving.certificate),
    write("api.key", serving.key),
    write("service-accounts.key", keys.key),
    write("service-accounts.pub", keys.publicKey),
    write("token", token),
    write("tokens.csv", `${token},admin,admin,"system:masters"\n`),
    write(
      "node.kubeconfig",
      formatKubeConfig({ server: API_SERVER, caBundle: authority.certificate, token }),
    ),
    write("containerd.toml", containerdConfiguration(paths)),
    write("cni/net.d/10-pods.conflist", podNetwork(paths)),
    write("kubelet.json", kubeletConfiguration(paths, cgroupRoot)),
    write("kube-proxy.json", kubeProxyConfiguration(paths)),
  ]);
  return paths;
}
