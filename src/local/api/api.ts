/** The API without its transport: what both the HTTP server and the in-process client call. */
import type { TokenRequest } from "../../kube/kinds.ts";
import type { Authorizer } from "./auth/authorizer.ts";
import type { Reviews } from "./auth/reviews.ts";
import type { Tokens } from "./auth/tokens.ts";
import { badRequest, methodNotAllowed, noSuchResource, notFound } from "./errors.ts";
import { getPath, setPath } from "./json_path.ts";
import { cloneJson, type Fields, isFields, type StoredObject } from "./object.ts";
import type { ResourceDefinition } from "./registry/definition.ts";
import { decode } from "./schema/decode.ts";
import { builtinSchema } from "./schema/schema.ts";
import { readObject } from "./verbs/decode.ts";
import { deleteObject } from "./verbs/delete.ts";
import { patched, type PatchType } from "./verbs/patch.ts";
import { getObject } from "./verbs/read.ts";
import type { ApiState, WriteContext } from "./verbs/state.ts";
import type { WatchHub } from "./verbs/watch.ts";
import { createObject, updateObject } from "./verbs/write.ts";
import { formatLabelSelector } from "../../kube/selector.ts";
import type { LabelSelector } from "../../kube/resource.ts";

/** One object of one resource. */
export interface Target {
  definition: ResourceDefinition;
  namespace: string | undefined;
  name: string;
}

export class Api {
  constructor(
    readonly state: ApiState,
    readonly watches: WatchHub,
    readonly reviews: Reviews,
    readonly tokens: Tokens,
    readonly authorizer: Authorizer,
  ) {}

  /** @throws KubeError 404 when the server does not serve it */
  find(group: string, version: string, plural: string): ResourceDefinition {
    const definition = this.state.registry.find(group, version, plural);
    if (definition === undefined) throw noSuchResource();
    return definition;
  }

  /** POST on a collection. */
  async create(
    context: WriteContext,
    definition: ResourceDefinition,
    namespace: string | undefined,
    body: unknown,
  ): Promise<StoredObject> {
    if (!definition.isStored) {
      return await this.reviews.answer(context, definition, readObject(context, definition, body));
    }
    return await createObject(this.state, context, { definition, namespace }, body);
  }

  /** POST on a subresource. */
  async createSubresource(
    context: WriteContext,
    { definition, namespace, name }: Target,
    subresource: string,
    body: unknown,
  ): Promise<unknown> {
    switch (`${definition.resource}/${subresource}`) {
      case "/serviceaccounts/token": {
        const request = readAs("authentication.k8s.io", "TokenRequest", body) as unknown as TokenRequest;
        return await this.reviews.issueToken(definition, namespace!, name, request);
      }
      case "/pods/binding":
        return await this.#bind(context, { definition, namespace, name }, readAs("", "Binding", body));
      case "/pods/eviction": {
        const { deleteOptions } = readAs("policy", "Eviction", body);
        const options = isFields(deleteOptions) ? deleteOptions : {};
        await deleteObject(this.state, context, definition, namespace, name, options);
        return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 };
      }
      default:
        throw methodNotAllowed();
    }
  }

  async #bind(context: WriteContext, target: Target, body: Fields): Promise<unknown> {
    const node = isFields(body["target"]) ? body["target"]["name"] : undefined;
    if (typeof node !== "string") throw badRequest("target.name is required");
    await updateObject(
      this.state,
      context,
      { ...target, subresource: "binding", isRepeatable: true },
      (live) => ({ body: { ...live, spec: { ...(live["spec"] as Fields), nodeName: node } } }),
    );
    return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 };
  }

  /** GET on a subresource that is a view of the object. */
  getSubresource(target: Target, subresource: string): StoredObject | Fields {
    const { definition, namespace, name } = target;
    const object = getObject(this.state, definition, namespace, name);
    if (subresource === "status" && definition.hasStatus) return object;
    if (subresource === "scale" && definition.scale !== undefined) return scaleOf(definition, object);
    if (subresource === "ephemeralcontainers") return object;
    throw noSuchResource();
  }

  /** PUT on a subresource. */
  async replaceSubresource(
    context: WriteContext,
    target: Target,
    subresource: string,
    body: unknown,
  ): Promise<StoredObject | Fields> {
    const { definition } = target;
    if (subresource === "status" && definition.hasStatus) {
      return await updateObject(this.state, context, { ...target, subresource }, () => ({ body }));
    }
    if (subresource === "scale") return await this.#changeScale(context, target, () => body);
    if (subresource === "finalize" && definition.resource === "/namespaces" && isFields(body)) {
      return await updateObject(
        this.state,
        context,
        { ...target, subresource, isRepeatable: true },
        (live) => ({ body: { ...live, spec: body["spec"] ?? {} } }),
      );
    }
    throw noSuchResource();
  }

  /** PATCH on the scale subresource; the other subresources are patched like the object. */
  patchScale(
    context: WriteContext,
    target: Target,
    type: PatchType,
    patch: unknown,
  ): Promise<Fields> {
    return this.#changeScale(context, target, (scale) => {
      const form = type === "apply" || type === "strategic" ? "merge" : type;
      return patched(target.definition, form, scale, patch);
    }, true);
  }

  async #changeScale(
    context: WriteContext,
    target: Target,
    change: (scale: Fields) => unknown,
    isRepeatable = false,
  ): Promise<Fields> {
    const { definition } = target;
    const { scale } = definition;
    if (scale === undefined) throw noSuchResource();
    const stored = await updateObject(
      this.state,
      context,
      { ...target, subresource: "scale", isRepeatable },
      (live) => {
        const next = change(scaleOf(definition, live));
        const replicas = isFields(next) ? getPath(next, ".spec.replicas") ?? 0 : undefined;
        if (!Number.isInteger(replicas) || (replicas as number) < 0) {
          throw badRequest("spec.replicas must be a number of at least 0");
        }
        const body = cloneJson(live) as unknown as Fields;
        setPath(body, scale.specReplicasPath, replicas);
        const version = getPath(next, ".metadata.resourceVersion");
        setPath(body, ".metadata.resourceVersion", version ?? live.metadata.resourceVersion);
        return { body };
      },
    );
    return scaleOf(definition, stored);
  }

  /** The pod, for what reads from its containers. */
  pod(namespace: string | undefined, name: string): StoredObject {
    const definition = this.find("", "v1", "pods");
    if (namespace === undefined) throw notFound(definition, name);
    return getObject(this.state, definition, namespace, name);
  }
}

/** A body that is not the resource's own kind, without nulls and what its kind does not know. */
function readAs(group: string, kind: string, body: unknown): Fields {
  if (!isFields(body)) throw badRequest("the body of the request is not an object");
  const { value, mistyped } = decode(builtinSchema(group, "v1", kind), body, false);
  const [first] = mistyped;
  if (first === undefined) return value;
  throw badRequest(`${kind} cannot be read: ${first.path} must be of type ${first.expected}`);
}

/** The scale subresource of an object. */
function scaleOf(definition: ResourceDefinition, object: StoredObject): Fields {
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = definition.scale!;
  const selector = labelSelectorPath === undefined ? undefined : getPath(object, labelSelectorPath);
  const selectorText = isFields(selector)
    ? formatLabelSelector(
      definition.resource === "/replicationcontrollers"
        ? { matchLabels: selector as Record<string, string> }
        : selector as LabelSelector,
    )
    : selector;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: getPath(object, specReplicasPath) ?? 0 },
    status: {
      replicas: getPath(object, statusReplicasPath) ?? 0,
      ...(selectorText === undefined ? {} : { selector: selectorText }),
    },
  };
}
