/** Which webhooks a request goes to: rules, scopes, selectors. */
import type { LabelSelector } from "../../../kube/resource.ts";
import { matchLabelSelector } from "../../../kube/selector.ts";
import type { Registry } from "../registry/registry.ts";
import type { ResourceDefinition } from "../registry/definition.ts";
import type { Store } from "../store/store.ts";
import type { AdmissionRequest } from "./admission.ts";

export interface WebhookRule {
  operations: string[];
  apiGroups: string[];
  apiVersions: string[];
  resources: string[];
  scope?: "*" | "Cluster" | "Namespaced";
}

export interface Webhook {
  name: string;
  clientConfig: {
    url?: string;
    service?: { namespace: string; name: string; path?: string; port?: number };
    caBundle?: string;
  };
  rules?: WebhookRule[];
  failurePolicy: "Fail" | "Ignore";
  matchPolicy: "Exact" | "Equivalent";
  namespaceSelector: LabelSelector;
  objectSelector: LabelSelector;
  sideEffects: string;
  timeoutSeconds: number;
  admissionReviewVersions: string[];
  reinvocationPolicy?: "Never" | "IfNeeded";
}

/** Configurations of webhooks never go to webhooks: a broken one must be removable. */
const EXEMPT = [
  "admissionregistration.k8s.io/mutatingwebhookconfigurations",
  "admissionregistration.k8s.io/validatingwebhookconfigurations",
];

/**
 * The version of the resource a webhook wants to see the request in, or undefined when the request is not for it.
 */
export function matchWebhook(
  store: Store,
  registry: Registry,
  webhook: Webhook,
  request: AdmissionRequest,
): ResourceDefinition | undefined {
  if (EXEMPT.includes(request.definition.resource)) return undefined;
  const version = matchRules(registry, webhook, request);
  if (version === undefined) return undefined;
  if (!matchesObject(webhook, request) || !matchesNamespace(store, webhook, request)) return undefined;
  return version;
}

function matchRules(
  registry: Registry,
  webhook: Webhook,
  request: AdmissionRequest,
): ResourceDefinition | undefined {
  const { definition } = request;
  const rules = webhook.rules ?? [];
  if (rules.some((rule) => matchesRule(rule, definition, request))) return definition;
  if (webhook.matchPolicy === "Exact") return undefined;
  for (const version of registry.versions(definition.group)) {
    const other = registry.find(definition.group, version, definition.plural);
    if (other !== undefined && rules.some((rule) => matchesRule(rule, other, request))) return other;
  }
  return undefined;
}

function includes(list: readonly string[], value: string): boolean {
  return list.includes("*") || list.includes(value);
}

function matchesRule(rule: WebhookRule, definition: ResourceDefinition, request: AdmissionRequest): boolean {
  const { scope = "*" } = rule;
  if (scope === "Cluster" && definition.isNamespaced) return false;
  if (scope === "Namespaced" && !definition.isNamespaced) return false;
  return includes(rule.operations, request.operation) &&
    includes(rule.apiGroups, definition.group) &&
    includes(rule.apiVersions, definition.version) &&
    rule.resources.some((each) => matchesResource(each, definition.plural, request.subresource));
}

function matchesResource(pattern: string, plural: string, subresource: string | undefined): boolean {
  const [resource, sub] = pattern.split("/");
  if (resource !== "*" && resource !== plural) return false;
  if (sub === undefined) return subresource === undefined;
  return sub === "*" || sub === subresource;
}

function matchesObject(webhook: Webhook, request: AdmissionRequest): boolean {
  const matches = matchLabelSelector(webhook.objectSelector);
  return (request.object !== undefined && matches(request.object.metadata.labels)) ||
    (request.oldObject !== undefined && matches(request.oldObject.metadata.labels));
}

function matchesNamespace(store: Store, webhook: Webhook, request: AdmissionRequest): boolean {
  const { definition } = request;
  if (definition.resource === "/namespaces") {
    const object = request.object ?? request.oldObject;
    return matchLabelSelector(webhook.namespaceSelector)(object?.metadata.labels);
  }
  if (!definition.isNamespaced || request.namespace === undefined) return true;
  const namespace = store.get("/namespaces", request.namespace);
  return matchLabelSelector(webhook.namespaceSelector)(namespace?.metadata.labels);
}
