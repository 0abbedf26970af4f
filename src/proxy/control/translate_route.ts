/**
 * What a route matches and does, from its wire form, for both directions. A match that cannot be understood makes its
 * policy invalid as a whole: which requests it was meant for nobody can say.
 * Source: protocol-api.md §4, §5.
 */
import type { GrpcFailureInjector, GrpcRouteMatch } from "../../../proto/gen/grpc_route.ts";
import type {
  HeaderMatch as WireHeaderMatch,
  HostMatch as WireHostMatch,
  HttpFailureInjector,
  HttpRouteMatch,
  PathMatch as WirePathMatch,
  QueryParamMatch,
  RequestHeaderModifier,
  RequestRedirect,
  ResponseHeaderModifier,
} from "../../../proto/gen/http_route.ts";
import type { Headers, HttpMethod, Scheme } from "../../../proto/gen/http_types.ts";
import type { Filter, HeaderChanges, RedirectFilter } from "../route/filters.ts";
import type { FieldMatch, HostMatch, PathMatch, RequestMatch } from "../route/matches.ts";
import { compileRegex } from "../route/regex.ts";

/** The routes cannot be followed; `message` says why, for people. */
export class InvalidRoute extends Error {}

const METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "HEAD", "TRACE"];
const SCHEMES = ["http", "https"];

/** One character a byte. */
function byteText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/** As the bytes of a request have it. */
function encoded(text: string): string {
  return byteText(new TextEncoder().encode(text));
}

function patternOf(pattern: string): string {
  if (compileRegex(pattern) === undefined) {
    throw new InvalidRoute(`${JSON.stringify(pattern)} is no regular expression`);
  }
  return pattern;
}

export function hostsOf(hosts: readonly WireHostMatch[]): HostMatch[] {
  return hosts.map(({ match }) => {
    if (match === undefined) throw new InvalidRoute("a host is neither exact nor a suffix");
    return match.$case === "exact"
      ? { kind: "exact", name: match.value }
      : { kind: "suffix", reverseLabels: match.value.reverseLabels };
  });
}

/** Undefined when it names none. */
export function methodName({ type }: HttpMethod): string | undefined {
  return (type?.$case === "registered" ? METHODS[type.value] : type?.value) || undefined;
}

function methodOf(method: HttpMethod): string {
  const name = methodName(method);
  if (name === undefined) throw new InvalidRoute("a method is not known");
  return name;
}

function pathOf({ kind }: WirePathMatch): PathMatch {
  if (kind === undefined) throw new InvalidRoute("a path is matched by nothing");
  if (kind.$case === "regex") return { kind: "regex", pattern: patternOf(kind.value) };
  return { kind: kind.$case, value: encoded(kind.value) };
}

function headerOf({ name, value }: WireHeaderMatch): FieldMatch {
  if (value === undefined || name === "") throw new InvalidRoute("a header is matched by nothing");
  return {
    name: name.toLowerCase(),
    value: value.$case === "exact"
      ? { kind: "exact", value: byteText(value.value) }
      : { kind: "regex", pattern: patternOf(value.value) },
  };
}

function queryParamOf({ name, value }: QueryParamMatch): FieldMatch {
  if (value === undefined || name === "") throw new InvalidRoute("a query parameter is matched by nothing");
  return {
    name,
    value: value.$case === "exact"
      ? { kind: "exact", value: value.value }
      : { kind: "regex", pattern: patternOf(value.value) },
  };
}

/** @throws InvalidRoute */
export function matchOf(match: HttpRouteMatch | GrpcRouteMatch): RequestMatch {
  const headers = match.headers.map(headerOf);
  if (!("queryParams" in match)) {
    return { kind: "grpc", service: match.rpc?.service ?? "", method: match.rpc?.method ?? "", headers };
  }
  const { path, method } = match;
  return {
    kind: "http",
    headers,
    queryParams: match.queryParams.map(queryParamOf),
    ...(path === undefined ? {} : { path: pathOf(path) }),
    ...(method === undefined ? {} : { method: methodOf(method) }),
  };
}

function changesOf({ add, set, remove }: RequestHeaderModifier | ResponseHeaderModifier): HeaderChanges {
  const pairs = (headers: Headers | undefined) =>
    (headers?.headers ?? []).map(({ name, value }) => [name, byteText(value)] as const);
  return { add: pairs(add), set: pairs(set), remove };
}

function schemeOf({ type }: Scheme): string {
  return (type?.$case === "registered" ? SCHEMES[type.value] : type?.value) ?? "";
}

function redirectOf({ scheme, host, path, port, status }: RequestRedirect): RedirectFilter {
  const replace = path?.replace;
  return {
    kind: "redirect",
    status: status || 301,
    ...(scheme === undefined ? {} : { scheme: schemeOf(scheme) }),
    ...(host === "" ? {} : { host }),
    ...(port === 0 ? {} : { port }),
    ...(replace === undefined ? {} : { path: { kind: replace.$case, value: encoded(replace.value) } }),
  };
}

function failureOf(injector: HttpFailureInjector | GrpcFailureInjector): Filter {
  const { message, ratio } = injector;
  const what = "code" in injector
    ? { kind: "grpc-failure" as const, status: injector.code }
    : { kind: "http-failure" as const, status: injector.status };
  return { ...what, message, ...(ratio === undefined ? {} : { ratio }) };
}

/** All that a filter can be on the wire, in either direction and kind of route. */
type WireFilter =
  | { readonly $case: "failureInjector"; readonly value: HttpFailureInjector | GrpcFailureInjector }
  | { readonly $case: "requestHeaderModifier"; readonly value: RequestHeaderModifier }
  | { readonly $case: "responseHeaderModifier"; readonly value: ResponseHeaderModifier }
  | { readonly $case: "redirect"; readonly value: RequestRedirect };

/** A filter of no kind, or of one that this proxy does not know, fails the requests that it was meant for. */
export function filtersOf(filters: readonly { readonly kind: WireFilter | undefined }[]): Filter[] {
  return filters.map(({ kind }) => {
    switch (kind?.$case) {
      case "failureInjector":
        return failureOf(kind.value);
      case "requestHeaderModifier":
        return { kind: "request-headers", changes: changesOf(kind.value) };
      case "responseHeaderModifier":
        return { kind: "response-headers", changes: changesOf(kind.value) };
      case "redirect":
        return redirectOf(kind.value);
      case undefined:
        return { kind: "invalid", message: "a filter that this proxy does not know" };
    }
  });
}
