/** What rules of routes match, as the messages of http_route.proto and grpc_route.proto. */
import { Buffer } from "node:buffer";
import type { GrpcRouteMatch } from "../../../../proto/gen/grpc_route.ts";
import type {
  HeaderMatch,
  HostMatch,
  HttpRouteMatch,
  PathMatch,
  QueryParamMatch,
} from "../../../../proto/gen/http_route.ts";
import type { GRPCRoute, HttpHeaderMatch, HttpRouteMatch as HttpMatchSpec } from "../../../kube/kinds.ts";
import { toHttpMethod } from "../../wire/http.ts";
import { isRegex } from "./regex.ts";

type GrpcMatchSpec = NonNullable<
  NonNullable<NonNullable<GRPCRoute["spec"]["rules"]>[number]["matches"]>
>[number];

/** `*.example.com` is a suffix; anything else stands for itself. */
export function hostMatches(hostnames: readonly string[] = []): HostMatch[] {
  return hostnames.map((name) => ({
    match: name.startsWith("*.")
      ? { $case: "suffix", value: { reverseLabels: name.slice(2).split(".").reverse() } }
      : { $case: "exact", value: name },
  }));
}

/** Whether a header or a query parameter can match anything. */
function isReadable({ type, value }: HttpHeaderMatch): boolean {
  return type !== "RegularExpression" || isRegex(value);
}

function headerMatch({ type, name, value }: HttpHeaderMatch): HeaderMatch {
  return {
    name,
    value: type === "RegularExpression"
      ? { $case: "regex", value }
      : { $case: "exact", value: Buffer.from(value) },
  };
}

function queryMatch({ type, name, value }: HttpHeaderMatch): QueryParamMatch {
  return { name, value: { $case: type === "RegularExpression" ? "regex" : "exact", value } };
}

/** Undefined for what can match no path: one that does not begin with a slash, or is no regular expression. */
function pathMatch({ type = "PathPrefix", value = "/" }: NonNullable<HttpMatchSpec["path"]>) {
  if (type === "RegularExpression" ? !isRegex(value) : !value.startsWith("/")) return undefined;
  const $case = ({ Exact: "exact", PathPrefix: "prefix", RegularExpression: "regex" } as const)[type];
  return $case === undefined ? undefined : { kind: { $case, value } } satisfies PathMatch;
}

/** A rule without matches matches everything. One whose matches can all match nothing is undefined: it must not. */
export function httpMatches(specs: readonly HttpMatchSpec[] = []): HttpRouteMatch[] | undefined {
  const matches = specs.flatMap((spec): HttpRouteMatch[] => {
    const path = spec.path === undefined ? undefined : pathMatch(spec.path);
    if (spec.path !== undefined && path === undefined) return [];
    if (![...spec.headers ?? [], ...spec.queryParams ?? []].every(isReadable)) return [];
    return [{
      path,
      headers: (spec.headers ?? []).map(headerMatch),
      queryParams: (spec.queryParams ?? []).map(queryMatch),
      method: spec.method === undefined ? undefined : toHttpMethod(spec.method),
    }];
  });
  return matches.length === 0 && specs.length > 0 ? undefined : matches;
}

/** As `httpMatches`. Methods by regular expression are not part of the proxy's API, and match nothing. */
export function grpcMatches(specs: readonly GrpcMatchSpec[] = []): GrpcRouteMatch[] | undefined {
  const matches = specs.flatMap((spec): GrpcRouteMatch[] => {
    if (spec.method?.type === "RegularExpression" || !(spec.headers ?? []).every(isReadable)) return [];
    return [{
      rpc: spec.method === undefined
        ? undefined
        : { service: spec.method.service ?? "", method: spec.method.method ?? "" },
      headers: (spec.headers ?? []).map(headerMatch),
    }];
  });
  return matches.length === 0 && specs.length > 0 ? undefined : matches;
}
