/**
 * Who may do what: everybody everything, or what RBAC objects say.
 *
 * Source: k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac. Aggregated cluster roles are used as stored.
 */
import type { Store } from "../store/store.ts";
import type { UserInfo } from "../verbs/state.ts";

export interface ResourceAttributes {
  namespace?: string;
  verb?: string;
  group?: string;
  version?: string;
  resource?: string;
  subresource?: string;
  name?: string;
}

export interface AccessQuestion {
  resourceAttributes?: ResourceAttributes;
  nonResourceAttributes?: { path?: string; verb?: string };
}

export interface AccessAnswer {
  allowed: boolean;
  reason?: string;
}

interface PolicyRule {
  verbs: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}

interface Binding {
  roleRef: { kind: string; name: string };
  subjects?: { kind: string; name: string; namespace?: string }[];
  metadata: { name: string; namespace?: string };
}

const RBAC = "rbac.authorization.k8s.io";

/** What every account may do without a role: ask who it is and what it may, and read discovery. */
const BASIC: PolicyRule[] = [
  {
    verbs: ["create"],
    apiGroups: ["authorization.k8s.io", "authentication.k8s.io"],
    resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"],
  },
  {
    verbs: ["get"],
    nonResourceURLs: [
      "/api",
      "/api/*",
      "/apis",
      "/apis/*",
      "/openapi/*",
      "/version",
      "/version/",
      "/healthz",
      "/livez",
      "/readyz",
      "/openid/v1/jwks",
      "/.well-known/openid-configuration",
    ],
  },
];

export class Authorizer {
  readonly #store: Store;
  readonly #mode: "allow" | "rbac";

  constructor(store: Store, mode: "allow" | "rbac") {
    this.#store = store;
    this.#mode = mode;
  }

  get isOpen(): boolean {
    return this.#mode === "allow";
  }

  review(user: UserInfo, question: AccessQuestion): AccessAnswer {
    if (this.#mode === "allow" || user.groups?.includes("system:masters")) return { allowed: true };
    const { resourceAttributes, nonResourceAttributes } = question;
    for (const { rule, by } of this.#rulesOf(user, resourceAttributes?.namespace)) {
      const isAllowed = resourceAttributes !== undefined
        ? allowsResource(rule, resourceAttributes)
        : allowsPath(rule, nonResourceAttributes ?? {});
      if (isAllowed) return { allowed: true, reason: `RBAC: allowed by ${by}` };
    }
    return { allowed: false };
  }

  /** For SelfSubjectRulesReview. */
  rules(user: UserInfo, namespace: string): unknown {
    const all: PolicyRule = { verbs: ["*"], apiGroups: ["*"], resources: ["*"] };
    const everything: PolicyRule = { verbs: ["*"], nonResourceURLs: ["*"] };
    const rules = this.#mode === "allow" || user.groups?.includes("system:masters")
      ? [all, everything]
      : this.#rulesOf(user, namespace).map(({ rule }) => rule);
    return {
      resourceRules: rules.filter(({ resources }) => resources !== undefined),
      nonResourceRules: rules.filter(({ nonResourceURLs }) => nonResourceURLs !== undefined),
      incomplete: false,
    };
  }

  #rulesOf(user: UserInfo, namespace: string | undefined): { rule: PolicyRule; by: string }[] {
    const rules = BASIC.map((rule) => ({ rule, by: "the server" }));
    const add = (resource: string, among: string | undefined) => {
      for (const object of this.#store.list(`${RBAC}/${resource}`, among)) {
        const binding = object as unknown as Binding;
        if (!binding.subjects?.some((subject) => isSubject(user, subject, binding.metadata.namespace))) {
          continue;
        }
        const role = binding.roleRef.kind === "ClusterRole"
          ? this.#store.get(`${RBAC}/clusterroles`, binding.roleRef.name)
          : this.#store.get(`${RBAC}/roles`, `${binding.metadata.namespace}/${binding.roleRef.name}`);
        for (const rule of (role?.["rules"] as PolicyRule[] | undefined) ?? []) {
          rules.push({ rule, by: `${object.kind} "${binding.metadata.name}"` });
        }
      }
    };
    add("clusterrolebindings", undefined);
    if (namespace) add("rolebindings", namespace);
    return rules;
  }
}

function isSubject(
  user: UserInfo,
  subject: { kind: string; name: string; namespace?: string },
  bindingNamespace: string | undefined,
): boolean {
  switch (subject.kind) {
    case "User":
      return subject.name === user.username;
    case "Group":
      return user.groups?.includes(subject.name) === true;
    case "ServiceAccount": {
      const namespace = subject.namespace ?? bindingNamespace;
      return user.username === `system:serviceaccount:${namespace}:${subject.name}`;
    }
    default:
      return false;
  }
}

function has(list: readonly string[] | undefined, value: string): boolean {
  return list !== undefined && (list.includes("*") || list.includes(value));
}

function allowsResource(rule: PolicyRule, attributes: ResourceAttributes): boolean {
  const { verb = "", group = "", resource = "", subresource = "", name = "" } = attributes;
  const full = subresource === "" ? resource : `${resource}/${subresource}`;
  return has(rule.verbs, verb) && has(rule.apiGroups, group) &&
    (has(rule.resources, full) || (subresource !== "" && has(rule.resources, `*/${subresource}`))) &&
    (rule.resourceNames === undefined || rule.resourceNames.length === 0 ||
      rule.resourceNames.includes(name));
}

function allowsPath(rule: PolicyRule, { path = "", verb = "" }: { path?: string; verb?: string }): boolean {
  return has(rule.verbs, verb) &&
    (rule.nonResourceURLs ?? []).some((each) =>
      each === path || each === "*" || (each.endsWith("*") && path.startsWith(each.slice(0, -1)))
    );
}
