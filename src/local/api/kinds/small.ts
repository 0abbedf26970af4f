/** The kinds with a rule or two: namespaces, secrets, config maps, RBAC, webhook configurations, and the like. */
import type {
  ConfigMap,
  Endpoints,
  EndpointSlice,
  Namespace,
  PersistentVolumeClaim,
  Secret,
} from "../../../kube/kinds.ts";
import { equalJson, type Fields } from "../object.ts";
import type { Strategy } from "./strategy.ts";

export const namespaceStrategy: Strategy = {
  setDefaults(object) {
    const { name } = object.metadata;
    if (name === undefined) return;
    object.metadata.labels = { ...object.metadata.labels, "kubernetes.io/metadata.name": name };
  },
  prepareForCreate(object) {
    const namespace = object as unknown as Namespace;
    namespace.spec = { finalizers: ["kubernetes"] };
    namespace.status = { phase: "Active" };
  },
  prepareForUpdate(object, old) {
    // Only /finalize takes finalizers of the spec away.
    object["spec"] = old["spec"];
  },
};

export const secretStrategy: Strategy = {
  setDefaults(object) {
    const secret = object as unknown as Secret;
    secret.type ??= "Opaque";
    if (secret.stringData === undefined) return;
    secret.data ??= {};
    for (const [key, value] of Object.entries(secret.stringData)) {
      secret.data[key] = base64(value);
    }
    delete secret.stringData;
  },
  validate(object, errors, old) {
    const secret = object as unknown as Secret;
    const before = old as unknown as Secret | undefined;
    const required: Record<string, string[]> = {
      "kubernetes.io/tls": ["tls.crt", "tls.key"],
      "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
    };
    for (const key of required[secret.type!] ?? []) {
      if (secret.data?.[key] === undefined) errors.required(`data[${key}]`);
    }
    if (before === undefined) return;
    if (before.type !== secret.type) errors.invalid("type", secret.type, "field is immutable");
    if (before.immutable === true && !equalJson(before.data, secret.data)) {
      errors.forbidden("data", "field is immutable when `immutable` is set");
    }
  },
};

function base64(text: string): string {
  let binary = "";
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

export const configMapStrategy: Strategy = {
  validate(object, errors, old) {
    const map = object as unknown as ConfigMap;
    const before = old as unknown as ConfigMap | undefined;
    for (const key of Object.keys({ ...map.data, ...map.binaryData })) {
      if (!/^[-._a-zA-Z0-9]+$/.test(key) || key.length > 253) {
        errors.invalid(
          `data[${key}]`,
          key,
          "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        );
      }
    }
    if (before?.immutable !== true) return;
    if (!equalJson(before.data, map.data) || !equalJson(before.binaryData, map.binaryData)) {
      errors.forbidden("data", "field is immutable when `immutable` is set");
    }
  },
};

export const endpointSliceStrategy: Strategy = {
  setDefaults(object) {
    const slice = object as unknown as EndpointSlice;
    slice.endpoints ??= [];
    for (const port of slice.ports ?? []) {
      port.name ??= "";
      port.protocol ??= "TCP";
    }
  },
  validate(object, errors, old) {
    const slice = object as unknown as EndpointSlice;
    const types = ["FQDN", "IPv4", "IPv6"];
    if (!types.includes(slice.addressType)) errors.unsupported("addressType", slice.addressType, types);
    const before = (old as unknown as EndpointSlice | undefined)?.addressType;
    if (before !== undefined && before !== slice.addressType) {
      errors.invalid("addressType", slice.addressType, "field is immutable");
    }
  },
};

export const endpointsStrategy: Strategy = {
  setDefaults(object) {
    for (const subset of (object as unknown as Endpoints).subsets ?? []) {
      for (const port of subset.ports ?? []) port.protocol ??= "TCP";
    }
  },
};

interface RoleBindingShape {
  roleRef?: { apiGroup?: string; kind: string; name: string };
  subjects?: { kind: string; apiGroup?: string; namespace?: string }[];
}

const RBAC_GROUP = "rbac.authorization.k8s.io";

export const roleBindingStrategy: Strategy = {
  setDefaults(object) {
    const binding = object as unknown as RoleBindingShape;
    if (binding.roleRef !== undefined) binding.roleRef.apiGroup ??= RBAC_GROUP;
    for (const subject of binding.subjects ?? []) {
      if (subject.kind === "User" || subject.kind === "Group") subject.apiGroup ??= RBAC_GROUP;
    }
  },
  validate(object, errors, old) {
    const binding = object as unknown as RoleBindingShape;
    const before = (old as unknown as RoleBindingShape | undefined)?.roleRef;
    if (before !== undefined && !equalJson(before, binding.roleRef)) {
      errors.invalid("roleRef", binding.roleRef, "cannot change roleRef");
    }
    for (const [index, subject] of (binding.subjects ?? []).entries()) {
      if (subject.kind === "ServiceAccount" && !subject.namespace) {
        errors.required(`subjects[${index}].namespace`);
      }
    }
  },
};

interface WebhookShape {
  failurePolicy?: string;
  matchPolicy?: string;
  timeoutSeconds?: number;
  namespaceSelector?: Fields;
  objectSelector?: Fields;
  reinvocationPolicy?: string;
  clientConfig?: { service?: { port?: number }; url?: string };
  rules?: { scope?: string }[];
}

/** Both kinds; `isMutating` adds what only mutating webhooks have. */
export function webhookStrategy(isMutating: boolean): Strategy {
  return {
    setDefaults(object) {
      for (const webhook of (object as { webhooks?: WebhookShape[] }).webhooks ?? []) {
        webhook.failurePolicy ??= "Fail";
        webhook.matchPolicy ??= "Equivalent";
        webhook.timeoutSeconds ??= 10;
        webhook.namespaceSelector ??= {};
        webhook.objectSelector ??= {};
        if (isMutating) webhook.reinvocationPolicy ??= "Never";
        if (webhook.clientConfig?.service !== undefined) webhook.clientConfig.service.port ??= 443;
        for (const rule of webhook.rules ?? []) rule.scope ??= "*";
      }
    },
    validate(object, errors) {
      const webhooks = (object as { webhooks?: WebhookShape[] }).webhooks ?? [];
      for (const [index, webhook] of webhooks.entries()) {
        const at = `webhooks[${index}]`;
        const { clientConfig } = webhook;
        if ((clientConfig?.service === undefined) === (clientConfig?.url === undefined)) {
          errors.required(`${at}.clientConfig`, "exactly one of url or service is required");
        }
        if (clientConfig?.url !== undefined && !clientConfig.url.startsWith("https://")) {
          errors.invalid(
            `${at}.clientConfig.url`,
            clientConfig.url,
            "'https' is the only allowed URL scheme",
          );
        }
        if (!["Fail", "Ignore"].includes(webhook.failurePolicy!)) {
          errors.unsupported(`${at}.failurePolicy`, webhook.failurePolicy, ["Fail", "Ignore"]);
        }
        const { timeoutSeconds } = webhook;
        if (timeoutSeconds! < 1 || timeoutSeconds! > 30) {
          errors.invalid(
            `${at}.timeoutSeconds`,
            timeoutSeconds,
            "the timeout value must be between 1 and 30 seconds",
          );
        }
      }
    },
  };
}

export const persistentVolumeClaimStrategy: Strategy = {
  setDefaults(object) {
    const { spec } = object as unknown as PersistentVolumeClaim;
    if (spec !== undefined) spec.volumeMode ??= "Filesystem";
  },
  prepareForCreate(object) {
    object["status"] = { phase: "Pending" };
  },
};
