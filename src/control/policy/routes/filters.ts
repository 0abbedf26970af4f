/** What rules of routes change, as messages. A filter that cannot be done as it says is a reason to fail, not to go on. */
import { Buffer } from "node:buffer";
import type { GrpcFailureInjector } from "../../../../proto/gen/grpc_route.ts";
import type {
  HttpFailureInjector,
  PathModifier,
  RequestHeaderModifier,
  RequestRedirect,
} from "../../../../proto/gen/http_route.ts";
import { type Headers, type Scheme, Scheme_Registered } from "../../../../proto/gen/http_types.ts";
import type { HeaderModifier, HeaderValue, HttpRouteFilter } from "../../../kube/kinds.ts";
import { Code } from "../../grpc/status.ts";

/** The filters that both directions know. */
export type CommonFilter =
  | { $case: "requestHeaderModifier"; value: RequestHeaderModifier }
  | { $case: "responseHeaderModifier"; value: RequestHeaderModifier }
  | { $case: "redirect"; value: RequestRedirect };

/** A rule's filters, or why it cannot be followed: its requests are then answered with a failure. */
export type Filters = { readonly filters: CommonFilter[] } | { readonly failure: string };

function headers(values: readonly HeaderValue[] | undefined): Headers | undefined {
  if (values === undefined || values.length === 0) return undefined;
  return { headers: values.map(({ name, value }) => ({ name, value: Buffer.from(value) })) };
}

function headerModifier({ add, set, remove = [] }: HeaderModifier): RequestHeaderModifier {
  return { add: headers(add), set: headers(set), remove };
}

function scheme(name: "http" | "https"): Scheme {
  const value = name === "https" ? Scheme_Registered.HTTPS : Scheme_Registered.HTTP;
  return { type: { $case: "registered", value } };
}

function redirect(spec: NonNullable<HttpRouteFilter["requestRedirect"]>): RequestRedirect {
  let path: PathModifier | undefined;
  if (spec.path?.type === "ReplaceFullPath") {
    path = { replace: { $case: "full", value: spec.path.replaceFullPath ?? "/" } };
  } else if (spec.path?.type === "ReplacePrefixMatch") {
    path = { replace: { $case: "prefix", value: spec.path.replacePrefixMatch ?? "/" } };
  }
  return {
    scheme: spec.scheme === undefined ? undefined : scheme(spec.scheme),
    host: spec.hostname ?? "",
    path,
    port: spec.port ?? 0,
    status: spec.statusCode ?? 302,
  };
}

/** @param known the types this place knows, of Linkerd's subset */
export function filtersOf(
  specs: readonly HttpRouteFilter[] | undefined,
  known: readonly CommonFilter["$case"][],
): Filters {
  const filters: CommonFilter[] = [];
  for (const spec of specs ?? []) {
    const filter = filterOf(spec);
    if (filter === undefined || !known.includes(filter.$case)) {
      return { failure: `the filter ${spec.type} is not supported` };
    }
    filters.push(filter);
  }
  return { filters };
}

function filterOf(spec: HttpRouteFilter): CommonFilter | undefined {
  switch (spec.type) {
    case "RequestHeaderModifier":
      return { $case: "requestHeaderModifier", value: headerModifier(spec.requestHeaderModifier ?? {}) };
    case "ResponseHeaderModifier":
      return { $case: "responseHeaderModifier", value: headerModifier(spec.responseHeaderModifier ?? {}) };
    case "RequestRedirect":
      return { $case: "redirect", value: redirect(spec.requestRedirect ?? {}) };
    default:
      return undefined;
  }
}

/** Answers every request with this status and message. */
export function httpFailure(
  message: string,
  status = 500,
): { $case: "failureInjector"; value: HttpFailureInjector } {
  return { $case: "failureInjector", value: { status, message, ratio: undefined } };
}

/** UNAVAILABLE is what the Gateway API asks for where a backend is missing. */
export function grpcFailure(
  message: string,
  code: number = Code.unavailable,
): { $case: "failureInjector"; value: GrpcFailureInjector } {
  return { $case: "failureInjector", value: { code, message, ratio: undefined } };
}
