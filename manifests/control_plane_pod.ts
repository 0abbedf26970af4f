/** The pods of the control plane: one controller container, and a proxy from the injector's own template. */
import type { Container, Deployment, PodSpec, ServiceAccount, Volume } from "../src/kube/kinds.ts";
import type { KubernetesObject } from "../src/kube/resource.ts";
import {
  initContainer,
  meshVolumes,
  proxyContainer,
  validatorContainer,
} from "../src/control/injector/containers.ts";
import { trustRootDigest } from "../src/control/injector/inject.ts";
import { resourceRequirements } from "../src/control/injector/resources.ts";
import {
  CREATED_BY_ANNOTATION,
  PROXY_VERSION_ANNOTATION,
  TRUST_ROOT_ANNOTATION,
} from "../src/mesh/annotations.ts";
import {
  COMPONENT_LABEL,
  CONTROL_PLANE_NS_LABEL,
  ownerLabel,
  WORKLOAD_NS_LABEL,
} from "../src/mesh/labels.ts";
import { mergeValues, type Values } from "../src/mesh/values.ts";

export interface Component {
  /** Of the Deployment and its service account. */
  readonly name: string;
  /** Value of the component label. */
  readonly component: string;
  readonly args: readonly string[];
  readonly containerName: string;
  readonly ports: readonly { readonly name: string; readonly port: number }[];
  /** The one that answers /live and /ready. */
  readonly adminPort: number;
  readonly volumes?: readonly Volume[];
  readonly mounts?: NonNullable<Container["volumeMounts"]>;
  readonly replicas: number;
  /** The part whose address is the loopback's for this pod's proxy. */
  readonly local?: "identity" | "destination";
  /** Ports that its proxy must not carry, beside the API server's. */
  readonly skipOutboundPorts?: string;
  readonly opaquePorts?: string;
}

export function componentLabels(values: Values, component: string): Record<string, string> {
  return { [COMPONENT_LABEL]: component, [CONTROL_PLANE_NS_LABEL]: values.namespace };
}

export function serviceAccount(values: Values, name: string, component: string): ServiceAccount {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name, namespace: values.namespace, labels: componentLabels(values, component) },
  };
}

const API_ACCESS = "kube-api-access";

/** The token for the API server, mounted by name so that automounting can stay off. */
const API_ACCESS_VOLUME: Volume = {
  name: API_ACCESS,
  projected: {
    defaultMode: 420,
    sources: [
      { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
      { configMap: { items: [{ key: "ca.crt", path: "ca.crt" }], name: "kube-root-ca.crt" } },
      {
        downwardAPI: {
          items: [{ fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" }, path: "namespace" }],
        },
      },
    ],
  },
};

function controllerContainer(values: Values, component: Component): Container {
  const resources = resourceRequirements(values.controllerResources);
  return {
    args: [...component.args],
    image: `${values.controllerImage}:${values.linkerdVersion}`,
    imagePullPolicy: values.imagePullPolicy,
    livenessProbe: { httpGet: { path: "/live", port: component.adminPort }, initialDelaySeconds: 10 },
    name: component.containerName,
    ports: component.ports.map(({ name, port }) => ({ containerPort: port, name })),
    readinessProbe: {
      failureThreshold: 7,
      httpGet: { path: "/ready", port: component.adminPort },
      periodSeconds: 1,
    },
    ...(resources === undefined ? {} : { resources }),
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      runAsUser: values.controllerUID,
      ...(values.controllerGID >= 0 ? { runAsGroup: values.controllerGID } : {}),
      seccompProfile: { type: "RuntimeDefault" },
    },
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: [
      ...component.mounts ?? [],
      { mountPath: "/var/run/secrets/kubernetes.io/serviceaccount", name: API_ACCESS, readOnly: true },
    ],
  };
}

/** The values its proxy is made from: the API server is reached directly, and nothing waits for the proxy. */
function proxyValues(values: Values, component: Component): Values {
  const list = (...ports: (string | undefined)[]) =>
    ports.filter((one) => one !== undefined && one !== "").join(",");
  return mergeValues(values, {
    // A controller that its own proxy depends on cannot wait for that proxy.
    proxy: {
      await: false,
      defaultInboundPolicy: "all-unauthenticated",
      tracing: { enabled: false }, // what asks the control plane belongs to no trace
      ...(component.opaquePorts === undefined ? {} : { opaquePorts: component.opaquePorts }),
    },
    proxyInit: {
      ignoreOutboundPorts: list(
        values.proxyInit.kubeAPIServerPorts,
        component.skipOutboundPorts,
        values.proxyInit.ignoreOutboundPorts,
      ),
      // The kubelet's probes of the controller say how the controller is, not how its proxy is.
      ignoreInboundPorts: list(values.proxyInit.ignoreInboundPorts, String(component.adminPort)),
    },
  });
}

function antiAffinity(component: Component): Pick<PodSpec, "affinity"> {
  const labelSelector = {
    matchExpressions: [{ key: COMPONENT_LABEL, operator: "In", values: [component.component] }],
  };
  return {
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [{
          podAffinityTerm: { labelSelector, topologyKey: "topology.kubernetes.io/zone" },
          weight: 100,
        }],
        requiredDuringSchedulingIgnoredDuringExecution: [{
          labelSelector,
          topologyKey: "kubernetes.io/hostname",
        }],
      },
    },
  };
}

/** What an init container would be told, for the plugin that stands in for it. */
function skippedPorts({ proxyInit }: Values): Record<string, string> {
  return {
    "config.linkerd.io/skip-inbound-ports": proxyInit.ignoreInboundPorts,
    "config.linkerd.io/skip-outbound-ports": proxyInit.ignoreOutboundPorts,
  };
}

export function deployment(values: Values, component: Component): Deployment {
  const forProxy = proxyValues(values, component);
  // As the controller's own: what the namespace's Pod Security level asks for counts for every container.
  const capabilities = { drop: ["ALL"] };
  const proxy = proxyContainer(forProxy, {
    inboundPorts: component.ports.map(({ port }) => port),
    capabilities,
    readsTrustRootsFromConfigMap: true,
    ...(component.local === undefined ? {} : { component: component.local }),
  });
  const first = values.cniEnabled
    ? validatorContainer(forProxy)
    : initContainer(forProxy, { inboundPorts: [], capabilities });
  const isNative = forProxy.proxy.nativeSidecar;
  const controller = controllerContainer(values, component);
  const labels = {
    ...componentLabels(values, component.component),
    [ownerLabel("Deployment")]: component.name,
  };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: {
      name: component.name,
      namespace: values.namespace,
      labels: {
        "app.kubernetes.io/name": component.component,
        "app.kubernetes.io/part-of": "Linkerd",
        ...labels,
      },
      annotations: { [CREATED_BY_ANNOTATION]: `linkerd/cli ${values.linkerdVersion}` },
    },
    spec: {
      replicas: component.replicas,
      revisionHistoryLimit: 10,
      selector: { matchLabels: labels },
      ...(values.highAvailability
        ? { strategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: "25%" } } }
        : {}),
      template: {
        metadata: {
          annotations: {
            "cluster-autoscaler.kubernetes.io/safe-to-evict": "true",
            "config.linkerd.io/default-inbound-policy": "all-unauthenticated",
            ...(component.opaquePorts === undefined
              ? {}
              : { "config.linkerd.io/opaque-ports": component.opaquePorts }),
            ...(values.cniEnabled ? skippedPorts(forProxy) : {}),
            [CREATED_BY_ANNOTATION]: `linkerd/cli ${values.linkerdVersion}`,
            [PROXY_VERSION_ANNOTATION]: values.proxy.image.version || values.linkerdVersion,
            [TRUST_ROOT_ANNOTATION]: trustRootDigest(values.identityTrustAnchorsPEM),
          },
          labels: { ...labels, [WORKLOAD_NS_LABEL]: values.namespace },
        },
        spec: {
          ...(values.enablePodAntiAffinity ? antiAffinity(component) : {}),
          automountServiceAccountToken: false,
          containers: isNative ? [controller] : [proxy, controller],
          initContainers: isNative ? [first, proxy] : [first],
          nodeSelector: { "kubernetes.io/os": "linux" },
          securityContext: { seccompProfile: { type: "RuntimeDefault" } },
          serviceAccountName: component.name,
          volumes: [...component.volumes ?? [], API_ACCESS_VOLUME, ...meshVolumes(forProxy)],
        },
      },
    },
  };
}

/** Keeps one replica up while nodes are drained; only where asked for. */
export function disruptionBudget(values: Values, component: Component): KubernetesObject[] {
  if (!values.enablePodDisruptionBudget) return [];
  return [{
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: {
      name: component.name,
      namespace: values.namespace,
      labels: componentLabels(values, component.component),
    },
    spec: {
      maxUnavailable: 1,
      selector: { matchLabels: { [COMPONENT_LABEL]: component.component } },
    },
  } as KubernetesObject];
}
