/** Which strategy a built-in resource has. */
import { customResourceDefinitionStrategy } from "./custom_resource_definition.ts";
import { cronJobStrategy, jobStrategy } from "./job.ts";
import { podStrategy } from "./pod.ts";
import { serviceStrategy } from "./service.ts";
import {
  configMapStrategy,
  endpointSliceStrategy,
  endpointsStrategy,
  namespaceStrategy,
  persistentVolumeClaimStrategy,
  roleBindingStrategy,
  secretStrategy,
  webhookStrategy,
} from "./small.ts";
import type { Strategy } from "./strategy.ts";
import {
  daemonSetStrategy,
  deploymentStrategy,
  replicaSetStrategy,
  statefulSetStrategy,
} from "./workloads.ts";

const STRATEGIES: Record<string, Strategy> = {
  "/pods": podStrategy,
  "/services": serviceStrategy,
  "/namespaces": namespaceStrategy,
  "/secrets": secretStrategy,
  "/configmaps": configMapStrategy,
  "/endpoints": endpointsStrategy,
  "/persistentvolumeclaims": persistentVolumeClaimStrategy,
  "apps/deployments": deploymentStrategy,
  "apps/replicasets": replicaSetStrategy,
  "apps/daemonsets": daemonSetStrategy,
  "apps/statefulsets": statefulSetStrategy,
  "batch/jobs": jobStrategy,
  "batch/cronjobs": cronJobStrategy,
  "discovery.k8s.io/endpointslices": endpointSliceStrategy,
  "rbac.authorization.k8s.io/rolebindings": roleBindingStrategy,
  "rbac.authorization.k8s.io/clusterrolebindings": roleBindingStrategy,
  "admissionregistration.k8s.io/mutatingwebhookconfigurations": webhookStrategy(true),
  "admissionregistration.k8s.io/validatingwebhookconfigurations": webhookStrategy(false),
  "apiextensions.k8s.io/customresourcedefinitions": customResourceDefinitionStrategy,
};

const NONE: Strategy = {};

export function strategyOf(resource: string): Strategy {
  return STRATEGIES[resource] ?? NONE;
}
