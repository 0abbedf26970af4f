/** Requests for resources: method and path to verb, answer to bytes. */
import { KubeError } from "../../../kube/client.ts";
import type { ServiceResolver } from "../admission/webhooks.ts";
import type { Api, Target } from "../api.ts";
import type { ResourceAttributes } from "../auth/authorizer.ts";
import { badRequest, methodNotAllowed, noSuchResource } from "../errors.ts";
import { type Fields, isFields, type StoredObject } from "../object.ts";
import type { ResourceDefinition } from "../registry/definition.ts";
import { deleteCollection, deleteObject, type DeleteParameters } from "../verbs/delete.ts";
import { patchObject, type PatchType } from "../verbs/patch.ts";
import { getObject, listObjects, type ListParameters } from "../verbs/read.ts";
import type { UserInfo, WriteContext } from "../verbs/state.ts";
import { updateObject } from "../verbs/write.ts";
import { readBody } from "./body.ts";
import { answerLogs, type LogReader } from "./logs.ts";
import { eventText, type Form, formOf, listText, objectText } from "./negotiate.ts";
import { forwardPort } from "./port_forward.ts";
import { proxy } from "./proxy.ts";
import type { ResourceRequest } from "./request_info.ts";

/** Told of every decision about a caller's request for a resource. */
export type AccessListener = (user: UserInfo, asked: ResourceAttributes, isAllowed: boolean) => void;

export interface HandlerState {
  readonly api: Api;
  readonly resolveService: ServiceResolver;
  readonly readLogs: LogReader | undefined;
  readonly onAccess?: AccessListener | undefined;
}

const PATCH_TYPES: Record<string, PatchType> = {
  "application/merge-patch+json": "merge",
  "application/json-patch+json": "json",
  "application/strategic-merge-patch+json": "strategic",
  "application/apply-patch+yaml": "apply",
  "application/apply-patch+json": "apply",
};

interface Call {
  state: HandlerState;
  api: Api;
  request: Request;
  query: URLSearchParams;
  info: ResourceRequest;
  definition: ResourceDefinition;
  context: WriteContext;
  form: Form;
  now: Date;
}

export async function handleResource(
  state: HandlerState,
  request: Request,
  url: URL,
  info: ResourceRequest,
  user: UserInfo,
): Promise<Response> {
  const { api } = state;
  const definition = api.find(info.group, info.version, info.plural);
  if (info.namespace !== undefined && !definition.isNamespaced) throw noSuchResource();
  if (info.namespace === undefined && definition.isNamespaced && info.name !== undefined) {
    throw noSuchResource();
  }
  const query = url.searchParams;
  authorize(state, user, definition, named(info, query), verbOf(request.method, info, query));
  const call: Call = {
    state,
    api,
    request,
    query,
    info,
    definition,
    context: contextOf(request, query, user),
    form: formOf(request.headers.get("accept"), query),
    now: api.state.strategies.now(),
  };
  if (definition.deprecationWarning !== undefined) call.context.warnings.push(definition.deprecationWarning);
  const response = await dispatch(call);
  return withWarnings(response, call.context.warnings);
}

function verbOf(method: string, info: ResourceRequest, query: URLSearchParams): string {
  const isNamed = info.name !== undefined;
  switch (method) {
    case "GET":
    case "HEAD":
      if (isWatch(query)) return "watch";
      return isNamed ? "get" : "list";
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return isNamed ? "delete" : "deletecollection";
    default:
      throw methodNotAllowed();
  }
}

/** A list or watch that is held to one name asks for that object only. Source: RequestInfoFactory of k8s.io/apiserver. */
function named(info: ResourceRequest, query: URLSearchParams): ResourceRequest {
  if (info.name !== undefined) return info;
  const [, name] = /^metadata\.name==?([^,]+)$/.exec(query.get("fieldSelector") ?? "") ?? [];
  return name === undefined ? info : { ...info, name };
}

function isWatch(query: URLSearchParams): boolean {
  const watch = query.get("watch");
  return watch === "true" || watch === "1";
}

function authorize(
  { api, onAccess }: HandlerState,
  user: UserInfo,
  definition: ResourceDefinition,
  info: ResourceRequest,
  verb: string,
): void {
  if (api.authorizer.isOpen) return;
  const attributes = {
    verb,
    group: definition.group,
    version: definition.version,
    resource: definition.plural,
    ...(info.subresource === undefined ? {} : { subresource: info.subresource }),
    ...(info.namespace === undefined ? {} : { namespace: info.namespace }),
    ...(info.name === undefined ? {} : { name: info.name }),
  };
  const { allowed } = api.authorizer.review(user, { resourceAttributes: attributes });
  onAccess?.(user, attributes, allowed);
  if (allowed) return;
  const what = definition.plural + (info.subresource === undefined ? "" : `/${info.subresource}`);
  const where = info.namespace === undefined
    ? "at the cluster scope"
    : `in the namespace "${info.namespace}"`;
  const qualified = definition.group === "" ? definition.plural : `${definition.plural}.${definition.group}`;
  throw new KubeError(
    403,
    "Forbidden",
    `${qualified}${
      info.name === undefined ? "" : ` "${info.name}"`
    } is forbidden: User "${user.username}" cannot ` +
      `${verb} resource "${what}" in API group "${definition.group}" ${where}`,
    { name: info.name, group: definition.group, kind: definition.plural },
  );
}

function contextOf(request: Request, query: URLSearchParams, user: UserInfo): WriteContext {
  const validation = query.get("fieldValidation");
  const agent = (request.headers.get("user-agent") ?? "unknown").split("/")[0]!;
  return {
    user,
    fieldManager: query.get("fieldManager") ?? (request.method === "PATCH" ? "" : agent),
    isDryRun: query.getAll("dryRun").includes("All"),
    validation: validation === "Strict" || validation === "Ignore" ? validation : "Warn",
    warnings: [],
  };
}

function withWarnings(response: Response, warnings: readonly string[]): Response {
  for (const warning of new Set(warnings)) {
    // Headers hold one line of Latin-1.
    const text = warning.replaceAll(/[^\x20-\x7e]/g, " ").replaceAll(/["\\]/g, "\\$&");
    response.headers.append("warning", `299 - "${text}"`);
  }
  return response;
}

async function dispatch(call: Call): Promise<Response> {
  const { request, info, query, definition } = call;
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (info.subresource === "proxy") return await proxy(call.api, call.state.resolveService, info, request);
  if (info.plural === "pods" && info.subresource === "portforward") {
    return forwardPort(call.api, info, request);
  }
  if (info.name === undefined) return await onCollection(call, isRead);
  if (isRead && isWatch(query)) return answerWatch(call);
  const target: Target = { definition, namespace: info.namespace, name: info.name };
  if (info.subresource !== undefined) return await onSubresource(call, target, info.subresource, isRead);
  return await onObject(call, target, isRead);
}

async function onCollection(call: Call, isRead: boolean): Promise<Response> {
  const { api, request, info, query, definition, context } = call;
  if (isRead) return isWatch(query) ? answerWatch(call) : answerList(call);
  if (request.method === "POST") {
    const created = await api.create(context, definition, info.namespace, await readBody(request));
    return answerObject(call, created, 201);
  }
  if (request.method === "DELETE") {
    const parameters = deleteParameters(await readBody(request), query);
    const items = await deleteCollection(
      api.state,
      context,
      definition,
      info.namespace,
      listParameters(query),
      parameters,
    );
    const list = { items, resourceVersion: String(api.state.store.version) };
    return jsonText(listText(definition, list, call.form, call.now));
  }
  throw methodNotAllowed();
}

async function onObject(call: Call, target: Target, isRead: boolean): Promise<Response> {
  const { api, request, query, definition, context } = call;
  const { namespace, name } = target;
  if (isRead) return answerObject(call, getObject(api.state, definition, namespace, name));
  switch (request.method) {
    case "PUT": {
      const body = await readBody(request);
      return answerObject(
        call,
        await updateObject(api.state, context, { ...target, needsVersion: true }, () => ({ body })),
      );
    }
    case "PATCH": {
      const patched = await patchFrom(call, target);
      return answerObject(call, patched);
    }
    case "DELETE": {
      const parameters = deleteParameters(await readBody(request), query);
      const { object, isGone } = await deleteObject(
        api.state,
        context,
        definition,
        namespace,
        name,
        parameters,
      );
      if (!isGone) return answerObject(call, object);
      return Response.json({
        kind: "Status",
        apiVersion: "v1",
        metadata: {},
        status: "Success",
        details: {
          name,
          ...(definition.group === "" ? {} : { group: definition.group }),
          kind: definition.plural,
          uid: object.metadata.uid,
        },
      });
    }
    default:
      throw methodNotAllowed();
  }
}

async function patchFrom(call: Call, target: Target, subresource?: string): Promise<StoredObject> {
  const { api, request, query, context } = call;
  const type = PATCH_TYPES[(request.headers.get("content-type") ?? "").split(";")[0]!.trim()];
  if (type === undefined) {
    throw new KubeError(
      415,
      "UnsupportedMediaType",
      `the body of the request was in an unknown format - accepted media types include: ${
        Object.keys(PATCH_TYPES).join(", ")
      }`,
    );
  }
  const body = await readBody(request);
  const agent = (request.headers.get("user-agent") ?? "unknown").split("/")[0]!;
  const manager = context.fieldManager === "" && type !== "apply"
    ? { ...context, fieldManager: agent }
    : context;
  if (subresource === "scale") return await api.patchScale(manager, target, type, body) as never;
  const full = subresource === undefined ? target : { ...target, subresource };
  return await patchObject(api.state, manager, full, type, body, query.get("force") === "true");
}

async function onSubresource(
  call: Call,
  target: Target,
  subresource: string,
  isRead: boolean,
): Promise<Response> {
  const { api, request, query, definition, context, state } = call;
  if (isRead) {
    if (definition.resource === "/pods" && subresource === "log") {
      const pod = api.pod(target.namespace, target.name);
      return await answerLogs(state.readLogs, pod, query, call.now);
    }
    return answerObject(call, api.getSubresource(target, subresource) as StoredObject);
  }
  switch (request.method) {
    case "POST": {
      const body = await readBody(request);
      return Response.json(await api.createSubresource(context, target, subresource, body), { status: 201 });
    }
    case "PUT": {
      const body = await readBody(request);
      return Response.json(await api.replaceSubresource(context, target, subresource, body));
    }
    case "PATCH": {
      const isKnown = (subresource === "status" && definition.hasStatus) ||
        (subresource === "scale" && definition.scale !== undefined);
      if (!isKnown) throw noSuchResource();
      return Response.json(await patchFrom(call, target, subresource));
    }
    default:
      throw methodNotAllowed();
  }
}

function answerObject(call: Call, object: StoredObject, status = 200): Response {
  return jsonText(objectText(call.definition, object, call.form, call.now), status);
}

function jsonText(text: string, status = 200): Response {
  return new Response(text, { status, headers: { "content-type": "application/json" } });
}

function listParameters(query: URLSearchParams): ListParameters {
  const text = (name: string) => query.get(name) ?? undefined;
  const limit = Number(query.get("limit") ?? 0);
  return {
    labelSelector: text("labelSelector"),
    fieldSelector: text("fieldSelector"),
    resourceVersion: text("resourceVersion"),
    resourceVersionMatch: text("resourceVersionMatch"),
    continue: text("continue"),
    limit: Number.isInteger(limit) && limit > 0 ? limit : 0,
  };
}

function deleteParameters(body: unknown, query: URLSearchParams): DeleteParameters {
  if (body !== undefined && !isFields(body)) throw badRequest("the body of the request is not DeleteOptions");
  const options = (body ?? {}) as Fields & DeleteParameters;
  const grace = options.gracePeriodSeconds ?? query.get("gracePeriodSeconds") ?? undefined;
  const policy = options.propagationPolicy ?? query.get("propagationPolicy") ?? undefined;
  if (grace !== undefined && !/^-?\d+$/.test(String(grace))) {
    throw badRequest("gracePeriodSeconds must be a number");
  }
  return {
    ...(grace === undefined ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(policy === undefined
      ? {}
      : { propagationPolicy: policy as NonNullable<DeleteParameters["propagationPolicy"]> }),
    ...(options.orphanDependents === undefined ? {} : { orphanDependents: options.orphanDependents }),
    ...(options.preconditions === undefined ? {} : { preconditions: options.preconditions }),
  };
}

function answerList(call: Call): Response {
  const { api, definition, info, query } = call;
  const list = listObjects(api.state, definition, info.namespace, listParameters(query));
  return jsonText(listText(definition, list, call.form, call.now));
}

function answerWatch(call: Call): Response {
  const { api, definition, info, query, form } = call;
  const parameters = listParameters(query);
  const timeout = query.get("timeoutSeconds");
  const initial = query.get("sendInitialEvents");
  const byName = info.name === undefined ? undefined : `metadata.name=${info.name}`;
  const watch = api.watches.open(api.state, definition, info.namespace, {
    ...parameters,
    fieldSelector: byName ?? parameters.fieldSelector,
    allowsBookmarks: query.get("allowWatchBookmarks") === "true" || query.get("allowWatchBookmarks") === "1",
    ...(initial === null ? {} : { sendsInitialEvents: initial === "true" }),
    ...(timeout === null ? {} : { timeoutSeconds: Number(timeout) }),
  });
  const encoder = new TextEncoder();
  let isFirst = true;
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const events = await watch.next();
      if (events.length === 0) {
        controller.close();
        return;
      }
      const now = api.state.strategies.now();
      const texts = events.map((event) => {
        const text = eventText(definition, event, form, now, isFirst);
        isFirst = false;
        return text;
      });
      controller.enqueue(encoder.encode(texts.join("")));
    },
    cancel() {
      watch.close();
    },
  });
  return new Response(stream, { headers: { "content-type": "application/json" } });
}
