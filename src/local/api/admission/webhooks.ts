/**
 * Mutating and validating admission webhooks. `matchConditions` (CEL) are not evaluated: such a webhook is called for
 * everything its rules and selectors match.
 *
 * Source: admission.k8s.io/v1.
 */
import { KubeError } from "../../../kube/client.ts";
import { internal } from "../errors.ts";
import type { Fields, IncomingObject, StoredObject } from "../object.ts";
import { equalJson } from "../object.ts";
import { applyJsonPatch, type PatchOperation } from "../patch/json_patch.ts";
import { groupVersion, type ResourceDefinition } from "../registry/definition.ts";
import type { Registry } from "../registry/registry.ts";
import type { Store } from "../store/store.ts";
import { readObject } from "../verbs/decode.ts";
import type { WriteContext } from "../verbs/state.ts";
import type { AdmissionRequest } from "./admission.ts";
import { type CallTarget, WebhookCaller } from "./webhook_call.ts";
import { matchWebhook, type Webhook } from "./webhook_rules.ts";

/** Where a Service's port is answered right now; undefined when nobody answers. */
export type ServiceResolver = (
  namespace: string,
  name: string,
  port: number | string,
) => { hostname: string; port: number } | undefined;

interface AdmissionResponse {
  uid?: string;
  allowed: boolean;
  status?: { message?: string; code?: number; reason?: string };
  patch?: string;
  patchType?: string;
  warnings?: string[];
}

const MUTATING = "admissionregistration.k8s.io/mutatingwebhookconfigurations";
const VALIDATING = "admissionregistration.k8s.io/validatingwebhookconfigurations";

export class Webhooks {
  readonly #store: Store;
  readonly #registry: Registry;
  readonly #resolve: ServiceResolver;
  readonly #caller = new WebhookCaller();

  constructor(store: Store, registry: Registry, resolve: ServiceResolver) {
    this.#store = store;
    this.#registry = registry;
    this.#resolve = resolve;
  }

  close(): void {
    this.#caller.close();
  }

  async mutate(
    context: WriteContext,
    request: AdmissionRequest & { object: IncomingObject },
  ): Promise<IncomingObject> {
    const webhooks = this.#webhooks(MUTATING);
    if (webhooks.length === 0) return request.object;
    let { object } = request;
    const again: Webhook[] = [];
    for (const webhook of webhooks) {
      const changed = await this.#mutateBy(context, webhook, { ...request, object });
      if (changed !== object && !equalJson(changed, object)) {
        object = changed;
        again.push(...webhooks.filter((each) =>
          each !== webhook && each.reinvocationPolicy === "IfNeeded" &&
          webhooks.indexOf(each) < webhooks.indexOf(webhook)
        ));
      }
    }
    for (const webhook of new Set(again)) {
      object = await this.#mutateBy(context, webhook, { ...request, object });
    }
    return object;
  }

  async #mutateBy(
    context: WriteContext,
    webhook: Webhook,
    request: AdmissionRequest & { object: IncomingObject },
  ): Promise<IncomingObject> {
    const version = matchWebhook(this.#store, this.#registry, webhook, request);
    if (version === undefined) return request.object;
    const response = await this.#call(context, webhook, version, request);
    if (response?.patch === undefined) return request.object;
    try {
      const patch = JSON.parse(new TextDecoder().decode(fromBase64(response.patch))) as PatchOperation[];
      const seen = inVersion(version, request.object);
      const patched = applyJsonPatch(seen as unknown as Fields, patch);
      patched["apiVersion"] = groupVersion(request.definition);
      return readObject({ ...context, validation: "Ignore" }, request.definition, patched);
    } catch (error) {
      if (webhook.failurePolicy === "Ignore") return request.object;
      throw internal(`failed calling webhook "${webhook.name}": its patch: ${(error as Error).message}`);
    }
  }

  async validate(context: WriteContext, request: AdmissionRequest): Promise<void> {
    const calls: Promise<unknown>[] = [];
    for (const webhook of this.#webhooks(VALIDATING)) {
      const version = matchWebhook(this.#store, this.#registry, webhook, request);
      if (version !== undefined) calls.push(this.#call(context, webhook, version, request));
    }
    await Promise.all(calls);
  }

  #webhooks(resource: string): Webhook[] {
    if (this.#store.count(resource) === 0) return [];
    return this.#store.list(resource).flatMap((object) =>
      (object["webhooks"] as Webhook[] | undefined) ?? []
    );
  }

  /** @returns undefined when the call failed and the webhook says that does not matter */
  async #call(
    context: WriteContext,
    webhook: Webhook,
    version: ResourceDefinition,
    request: AdmissionRequest,
  ): Promise<AdmissionResponse | undefined> {
    const uid = crypto.randomUUID();
    let response: AdmissionResponse;
    try {
      const target = this.#target(webhook);
      const body = JSON.stringify(reviewOf(context, version, request, uid));
      const text = await this.#caller.call(target, body, webhook.timeoutSeconds * 1000);
      response = readReview(text, uid);
    } catch (error) {
      if (webhook.failurePolicy === "Ignore") {
        context.warnings.push(
          `webhook "${webhook.name}" failed and is ignored: ${(error as Error).message}`,
        );
        return undefined;
      }
      throw internal(
        `failed calling webhook "${webhook.name}": failed to call webhook: ${(error as Error).message}`,
      );
    }
    for (const warning of response.warnings ?? []) context.warnings.push(warning);
    if (response.allowed) return response;
    const { message, code = 403, reason } = response.status ?? {};
    const why = message === undefined ? "without explanation" : `the request: ${message}`;
    throw new KubeError(
      code >= 400 && code < 600 ? code : 403,
      reason || (code === 403 ? "Forbidden" : "Invalid"),
      `admission webhook "${webhook.name}" denied ${
        message === undefined ? "the request without explanation" : why
      }`,
    );
  }

  #target(webhook: Webhook): CallTarget {
    const { url, service, caBundle } = webhook.clientConfig;
    const pem = caBundle ? new TextDecoder().decode(fromBase64(caBundle)) : undefined;
    if (url !== undefined) {
      const { hostname, port, pathname, search } = new URL(url);
      const bare = hostname.replace(/^\[|\]$/g, "");
      return {
        hostname: bare,
        port: port === "" ? 443 : Number(port),
        serverName: bare,
        path: pathname + search,
        caBundle: pem,
      };
    }
    const { namespace, name, path = "/", port = 443 } = service!;
    const endpoint = this.#resolve(namespace, name, port);
    if (endpoint === undefined) throw new Error(`no endpoints available for service "${name}"`);
    return { ...endpoint, serverName: `${name}.${namespace}.svc`, path, caBundle: pem };
  }
}

function inVersion<T extends IncomingObject | StoredObject>(version: ResourceDefinition, object: T): T {
  return { ...object, apiVersion: groupVersion(version) };
}

function reviewOf(
  context: WriteContext,
  version: ResourceDefinition,
  request: AdmissionRequest,
  uid: string,
): unknown {
  const { definition, operation, object, oldObject, subresource } = request;
  const kind = (each: ResourceDefinition) => ({
    group: each.group,
    version: each.version,
    kind: each.kind,
  });
  const resource = (each: ResourceDefinition) => ({
    group: each.group,
    version: each.version,
    resource: each.plural,
  });
  const options = { CREATE: "CreateOptions", UPDATE: "UpdateOptions", DELETE: "DeleteOptions" }[operation];
  return {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid,
      kind: kind(version),
      resource: resource(version),
      ...(subresource === undefined ? {} : { subResource: subresource, requestSubResource: subresource }),
      requestKind: kind(definition),
      requestResource: resource(definition),
      name: request.name,
      ...(request.namespace === undefined ? {} : { namespace: request.namespace }),
      operation,
      userInfo: context.user,
      object: object === undefined ? null : inVersion(version, object),
      oldObject: oldObject === undefined ? null : inVersion(version, oldObject),
      dryRun: context.isDryRun,
      options: {
        kind: options,
        apiVersion: "meta.k8s.io/v1",
        ...(operation === "DELETE" ? {} : { fieldManager: context.fieldManager }),
      },
    },
  };
}

function readReview(text: string, uid: string): AdmissionResponse {
  let review: { kind?: string; response?: AdmissionResponse };
  try {
    review = JSON.parse(text);
  } catch (error) {
    throw new Error(`its answer is not JSON: ${(error as Error).message}`);
  }
  const { response } = review;
  if (review.kind !== "AdmissionReview" || response === undefined) {
    throw new Error("its answer is not an AdmissionReview with a response");
  }
  if (response.uid !== uid) throw new Error("its answer has another uid than the request");
  if (response.patch !== undefined && response.patchType !== "JSONPatch") {
    throw new Error(`its patch is of the type ${response.patchType}; only JSONPatch is known`);
  }
  return response;
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text.replaceAll(/\s/g, "")), (character) => character.charCodeAt(0));
}
