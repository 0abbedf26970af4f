/**
 * The configurations by which the API server asks about policies, routes and ServiceProfiles before it stores them.
 *
 * Linkerd has a server for each of the two; here the injector's answers both, beside its own. Without a caBundle, as the
 * injector's own: it writes that when it runs.
 */
import type { KubernetesObject } from "../src/kube/resource.ts";
import {
  INJECTOR_SERVICE,
  POLICY_VALIDATOR_CONFIGURATION,
  PROFILE_VALIDATOR_CONFIGURATION,
  VALIDATOR_PATH,
} from "../src/mesh/names.ts";
import type { Values } from "../src/mesh/values.ts";
import { POLICY_RESOURCES } from "./access.ts";
import { componentLabels } from "./control_plane_pod.ts";

interface Rule {
  readonly apiGroups: readonly string[];
  readonly apiVersions: readonly string[];
  readonly resources: readonly string[];
}

function configuration(
  values: Values,
  name: string,
  webhook: string,
  rules: readonly Rule[],
): KubernetesObject {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name, labels: componentLabels(values, "proxy-injector") },
    webhooks: [{
      name: webhook,
      namespaceSelector: {
        matchExpressions: [{
          key: "config.linkerd.io/admission-webhooks",
          operator: "NotIn",
          values: ["disabled"],
        }],
      },
      clientConfig: {
        service: { name: INJECTOR_SERVICE, namespace: values.namespace, path: VALIDATOR_PATH },
      },
      failurePolicy: values.webhookFailurePolicy,
      admissionReviewVersions: ["v1", "v1beta1"],
      rules: rules.map((rule) => ({ operations: ["CREATE", "UPDATE"], ...rule, scope: "Namespaced" })),
      sideEffects: "None",
      timeoutSeconds: values.proxyInjector.timeoutSeconds,
    }],
  } as KubernetesObject;
}

export function validators(values: Values): KubernetesObject[] {
  return [
    configuration(values, POLICY_VALIDATOR_CONFIGURATION, "linkerd-policy-validator.linkerd.io", [
      {
        apiGroups: ["policy.linkerd.io"],
        apiVersions: ["*"],
        resources: POLICY_RESOURCES,
      },
      {
        apiGroups: ["gateway.networking.k8s.io"],
        apiVersions: ["*"],
        resources: ["grpcroutes", "httproutes", "tcproutes", "tlsroutes"],
      },
    ]),
    configuration(values, PROFILE_VALIDATOR_CONFIGURATION, "linkerd-sp-validator.linkerd.io", [
      {
        apiGroups: ["linkerd.io"],
        apiVersions: ["v1alpha1", "v1alpha2"],
        resources: ["serviceprofiles"],
      },
    ]),
  ];
}
