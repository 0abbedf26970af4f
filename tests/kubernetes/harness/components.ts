/** The node's processes, and how each is started. */
import { API_PORT, ETCD, NODE_ADDRESS, NODE_NAME, SERVICE_NETWORK } from "./addresses.ts";
import { kubernetesProgram } from "./binaries.ts";
import type { NodePaths } from "./configuration.ts";

export const START_ORDER = [
  "etcd",
  "containerd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kube-proxy",
  "kubelet",
] as const;
export type ComponentName = typeof START_ORDER[number];

type Command = readonly [string, ...string[]];

function apiServer({ directory, authority }: NodePaths): Command {
  return [
    kubernetesProgram("kube-apiserver"),
    `--etcd-servers=${ETCD}`,
    `--cert-dir=${directory}/certificates`,
    `--tls-cert-file=${directory}/api.crt`,
    `--tls-private-key-file=${directory}/api.key`,
    `--bind-address=${NODE_ADDRESS}`,
    `--advertise-address=${NODE_ADDRESS}`,
    `--secure-port=${API_PORT}`,
    `--service-cluster-ip-range=${SERVICE_NETWORK}`,
    "--authorization-mode=Node,RBAC",
    `--token-auth-file=${directory}/tokens.csv`,
    `--requestheader-client-ca-file=${authority}`,
    `--service-account-key-file=${directory}/service-accounts.pub`,
    `--service-account-signing-key-file=${directory}/service-accounts.key`,
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    "--allow-privileged=true",
    "--kubelet-preferred-address-types=InternalIP",
  ];
}

export function componentCommands(paths: NodePaths): Record<ComponentName, Command> {
  const { directory, kubeconfig } = paths;
  return {
    "etcd": [
      "etcd",
      `--data-dir=${directory}/etcd`,
      `--listen-client-urls=${ETCD}`,
      `--advertise-client-urls=${ETCD}`,
      "--listen-peer-urls=http://127.0.0.1:2380",
      "--unsafe-no-fsync",
    ],
    "containerd": ["containerd", "--config", `${directory}/containerd.toml`],
    "kube-apiserver": apiServer(paths),
    "kube-controller-manager": [
      kubernetesProgram("kube-controller-manager"),
      `--kubeconfig=${kubeconfig}`,
      `--service-account-private-key-file=${directory}/service-accounts.key`,
      `--root-ca-file=${paths.authority}`,
      "--use-service-account-credentials=true",
      "--leader-elect=false",
      `--cert-dir=${directory}/controller-certificates`,
    ],
    "kube-scheduler": [
      kubernetesProgram("kube-scheduler"),
      `--kubeconfig=${kubeconfig}`,
      "--leader-elect=false",
      `--cert-dir=${directory}/scheduler-certificates`,
    ],
    "kube-proxy": [kubernetesProgram("kube-proxy"), `--config=${directory}/kube-proxy.json`],
    "kubelet": [
      kubernetesProgram("kubelet"),
      `--config=${directory}/kubelet.json`,
      `--kubeconfig=${kubeconfig}`,
      `--root-dir=${directory}/kubelet`,
      `--cert-dir=${directory}/kubelet-certificates`,
      `--hostname-override=${NODE_NAME}`,
      `--node-ip=${NODE_ADDRESS}`,
    ],
  };
}
