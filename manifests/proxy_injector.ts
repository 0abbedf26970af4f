/** linkerd-proxy-injector: the admission webhook, and the configuration that calls it. */
import type { KubernetesObject } from "../src/kube/resource.ts";
import {
  CONFIG_MAP,
  CONTROL_PORTS,
  INJECTOR_SERVICE,
  INJECTOR_WEBHOOK_CONFIGURATION,
  TRUST_ROOTS_CONFIG_MAP,
  TRUST_ROOTS_DIRECTORY,
  VALIDATOR_CONFIGURATIONS,
} from "../src/mesh/names.ts";
import type { Values } from "../src/mesh/values.ts";
import { clusterAccess, namespacedAccess, READ } from "./access.ts";
import {
  type Component,
  componentLabels,
  deployment,
  disruptionBudget,
  serviceAccount,
} from "./control_plane_pod.ts";
import { service } from "./services.ts";
import { validators } from "./validators.ts";

const NAME = INJECTOR_SERVICE;

/** Without a caBundle: the injector writes it, and nothing in a rendered manifest is random. */
function webhookConfiguration(values: Values): KubernetesObject {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name: INJECTOR_WEBHOOK_CONFIGURATION, labels: componentLabels(values, "proxy-injector") },
    webhooks: [{
      name: "linkerd-proxy-injector.linkerd.io",
      namespaceSelector: values.proxyInjector.namespaceSelector,
      objectSelector: values.proxyInjector.objectSelector,
      clientConfig: { service: { name: NAME, namespace: values.namespace, path: "/" } },
      failurePolicy: values.webhookFailurePolicy,
      admissionReviewVersions: ["v1", "v1beta1"],
      rules: [{
        operations: ["CREATE"],
        apiGroups: [""],
        apiVersions: ["v1"],
        resources: ["pods", "services"],
        scope: "Namespaced",
      }],
      sideEffects: "None",
      timeoutSeconds: values.proxyInjector.timeoutSeconds,
    }],
  } as KubernetesObject;
}

export function proxyInjector(values: Values): KubernetesObject[] {
  const component: Component = {
    name: NAME,
    component: "proxy-injector",
    containerName: "proxy-injector",
    args: ["proxy-injector", `--controller-namespace=${values.namespace}`],
    ports: [
      { name: "proxy-injector", port: CONTROL_PORTS.injector },
      { name: "injector-admin", port: CONTROL_PORTS.injectorAdmin },
    ],
    adminPort: CONTROL_PORTS.injectorAdmin,
    replicas: values.controllerReplicas,
    opaquePorts: String(CONTROL_PORTS.injector),
    volumes: [
      { configMap: { name: CONFIG_MAP }, name: "config" },
      { configMap: { name: TRUST_ROOTS_CONFIG_MAP }, name: "trust-roots" },
    ],
    mounts: [
      { mountPath: "/var/run/linkerd/config", name: "config" },
      { mountPath: TRUST_ROOTS_DIRECTORY, name: "trust-roots" },
    ],
  };
  return [
    serviceAccount(values, NAME, "proxy-injector"),
    ...clusterAccess(values, `linkerd-${values.namespace}-proxy-injector`, NAME, "proxy-injector", [
      { apiGroups: [""], resources: ["events"], verbs: ["create"] },
      { apiGroups: [""], resources: ["namespaces"], verbs: READ },
      // Whether a Job's pods belong to a CronJob.
      { apiGroups: ["batch"], resources: ["jobs"], verbs: ["get"] },
      // Whether a new Server is for a port that another is for.
      { apiGroups: ["policy.linkerd.io"], resources: ["servers"], verbs: ["list"] },
      // List and watch cannot be held to a name for every authorizer; writing can.
      {
        apiGroups: ["admissionregistration.k8s.io"],
        resources: ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
        verbs: READ,
      },
      {
        apiGroups: ["admissionregistration.k8s.io"],
        resources: ["validatingwebhookconfigurations"],
        resourceNames: [...VALIDATOR_CONFIGURATIONS],
        verbs: ["update"],
      },
      {
        apiGroups: ["admissionregistration.k8s.io"],
        resources: ["mutatingwebhookconfigurations"],
        resourceNames: [INJECTOR_WEBHOOK_CONFIGURATION],
        verbs: ["update"],
      },
    ]),
    ...namespacedAccess(values, NAME, NAME, "proxy-injector", [
      {
        apiGroups: [""],
        resources: ["configmaps"],
        resourceNames: [CONFIG_MAP, TRUST_ROOTS_CONFIG_MAP],
        verbs: READ,
      },
    ]),
    service(
      values,
      NAME,
      "proxy-injector",
      [{ name: "proxy-injector", port: 443, targetPort: "proxy-injector" }],
      { annotations: { "config.linkerd.io/opaque-ports": "443" } },
    ),
    deployment(values, component),
    ...disruptionBudget(values, component),
    webhookConfiguration(values),
    ...validators(values),
  ];
}
