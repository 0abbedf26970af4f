/** linkerd-cni: the DaemonSet that puts the CNI plugin on every node; what `linkerd install-cni` prints. */
import type { DaemonSet, Namespace, ServiceAccount } from "../src/kube/kinds.ts";
import type { KubernetesObject } from "../src/kube/resource.ts";
import { CREATED_BY_ANNOTATION } from "../src/mesh/annotations.ts";
import { CNI_CONFIG_MAP, CNI_NAME, CNI_PORT, type CniValues } from "../src/mesh/cni_values.ts";
import { ADMISSION_WEBHOOKS_LABEL, CNI_RESOURCE_LABEL } from "../src/mesh/labels.ts";
import { imageOf, pullPolicyOf } from "../src/mesh/values.ts";
import { READ } from "./access.ts";

const LABELS = { [CNI_RESOURCE_LABEL]: "true" };
const RBAC = "rbac.authorization.k8s.io";

function namespace(values: CniValues): Namespace {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name: values.namespace,
      annotations: { "linkerd.io/inject": "disabled" },
      labels: {
        ...LABELS,
        [ADMISSION_WEBHOOKS_LABEL]: "disabled",
        // Directories of the node are mounted.
        "pod-security.kubernetes.io/enforce": "privileged",
      },
    },
  };
}

function access(values: CniValues): KubernetesObject[] {
  const metadata = { name: CNI_NAME, labels: LABELS };
  const repair = [
    { apiGroups: [""], resources: ["pods"], verbs: ["delete"] },
    { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
  ];
  const rules = [
    { apiGroups: [""], resources: ["pods"], verbs: READ },
    ...(values.repairController.enabled ? repair : []),
  ];
  return [
    {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { ...metadata, namespace: values.namespace },
    } as ServiceAccount,
    { apiVersion: `${RBAC}/v1`, kind: "ClusterRole", metadata, rules } as KubernetesObject,
    {
      apiVersion: `${RBAC}/v1`,
      kind: "ClusterRoleBinding",
      metadata,
      roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: CNI_NAME },
      subjects: [{ kind: "ServiceAccount", name: CNI_NAME, namespace: values.namespace }],
    } as KubernetesObject,
  ];
}

function ports(text: string): string[] {
  return text.split(",").map((part) => part.trim()).filter((part) => part !== "");
}

/** The plugin's entry in a node's configuration; the installer adds where its kubeconfig is. */
function pluginEntry(values: CniValues): string {
  const entry = {
    type: CNI_NAME,
    log_level: values.logLevel,
    linkerd: {
      "incoming-proxy-port": values.inboundProxyPort,
      "outgoing-proxy-port": values.outboundProxyPort,
      "proxy-uid": values.proxyUID,
      ...(values.proxyGID >= 0 ? { "proxy-gid": values.proxyGID } : {}),
      "control-port": values.proxyControlPort,
      "admin-port": values.proxyAdminPort,
      "ports-to-redirect": ports(values.portsToRedirect),
      "inbound-ports-to-ignore": ports(values.ignoreInboundPorts),
      "outbound-ports-to-ignore": ports(values.ignoreOutboundPorts),
      simulate: false,
      "use-wait-flag": values.useWaitFlag,
      "iptables-mode": "nft",
      ipv6: !values.disableIPv6,
    },
    kubernetes: { exclude_namespaces: [values.namespace, ...values.excludeNamespaces] },
  };
  return JSON.stringify(entry, null, 2);
}

function daemonSet(values: CniValues): DaemonSet {
  const setting = (name: string, key: string) => ({
    name,
    valueFrom: { configMapKeyRef: { name: CNI_CONFIG_MAP, key } },
  });
  const labels = { "k8s-app": CNI_NAME, ...LABELS };
  const directory = (name: string, path: string) => ({ name, hostPath: { path, type: "DirectoryOrCreate" } });
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: CNI_NAME, namespace: values.namespace, labels },
    spec: {
      selector: { matchLabels: { "k8s-app": CNI_NAME } },
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } },
      template: {
        metadata: {
          annotations: {
            [CREATED_BY_ANNOTATION]: `linkerd/cli ${values.linkerdVersion}`,
            "linkerd.io/inject": "disabled",
          },
          labels,
        },
        spec: {
          containers: [{
            name: "install-cni",
            image: imageOf(values.image, values),
            imagePullPolicy: pullPolicyOf(values.image, values),
            env: [
              setting("DEST_CNI_NET_DIR", "dest_cni_net_dir"),
              setting("DEST_CNI_BIN_DIR", "dest_cni_bin_dir"),
              setting("CNI_NETWORK_CONFIG", "cni_network_config"),
              { name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
              { name: "REPAIR", value: String(values.repairController.enabled) },
            ],
            livenessProbe: { httpGet: { path: "/live", port: CNI_PORT }, initialDelaySeconds: 10 },
            ports: [{ containerPort: CNI_PORT, name: "admin-http" }],
            readinessProbe: { httpGet: { path: "/ready", port: CNI_PORT }, periodSeconds: 2 },
            // Root of its own files and the node's two directories, and nothing else.
            securityContext: {
              allowPrivilegeEscalation: false,
              capabilities: { drop: ["ALL"] },
              privileged: false,
              readOnlyRootFilesystem: true,
              runAsNonRoot: false,
              runAsUser: 0,
              seccompProfile: { type: "RuntimeDefault" },
            },
            terminationMessagePolicy: "FallbackToLogsOnError",
            volumeMounts: [
              { mountPath: `/host${values.destCNIBinDir}`, name: "cni-bin-dir" },
              { mountPath: `/host${values.destCNINetDir}`, name: "cni-net-dir" },
            ],
          }],
          nodeSelector: { "kubernetes.io/os": "linux" },
          ...(values.priorityClassName === "" ? {} : { priorityClassName: values.priorityClassName }),
          serviceAccountName: CNI_NAME,
          // Taking the plugin away at the end must not be cut short.
          terminationGracePeriodSeconds: 30,
          // Every node has pods, also those that others keep away from.
          tolerations: [{ operator: "Exists" }],
          volumes: [
            directory("cni-bin-dir", values.destCNIBinDir),
            directory("cni-net-dir", values.destCNINetDir),
          ],
        },
      },
    },
  };
}

/** In an order that can be applied from top to bottom; the same each time. */
export function renderCni(values: CniValues): KubernetesObject[] {
  return [
    namespace(values),
    ...access(values),
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: CNI_CONFIG_MAP, namespace: values.namespace, labels: LABELS },
      data: {
        dest_cni_net_dir: values.destCNINetDir,
        dest_cni_bin_dir: values.destCNIBinDir,
        cni_network_config: pluginEntry(values),
      },
    } as KubernetesObject,
    daemonSet(values),
  ];
}
