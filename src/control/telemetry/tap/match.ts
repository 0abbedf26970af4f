/** What a query asks of requests, as proxies are told it. Source: protocol-api.md §11; cli.md §3. */
import { HttpMethod_Registered, Scheme_Registered } from "../../../../proto/gen/http_types.ts";
import type {
  ObserveRequest_Extract,
  ObserveRequest_Match,
  ObserveRequest_Match_Http,
} from "../../../../proto/gen/tap.ts";
import type { StatKind } from "../../../mesh/api.ts";
import type { TapQuery } from "../../../mesh/tap.ts";
import { badRequest } from "../answers/context.ts";

type Http = NonNullable<ObserveRequest_Match_Http["match"]>;

const http = (match: Http): ObserveRequest_Match => ({ match: { $case: "http", value: { match } } });
const label = (key: string, value: string): ObserveRequest_Match => ({
  match: { $case: "destinationLabel", value: { key, value } },
});

function methodMatch(method: string): Http {
  const name = method.toUpperCase();
  if (!/^[!#$%&'*+.^_`|~0-9A-Z-]+$/.test(name)) throw badRequest("method-invalid", `not a method: ${method}`);
  const registered = (HttpMethod_Registered as unknown as Record<string, unknown>)[name];
  return typeof registered === "number" && registered >= 0
    ? { $case: "method", value: { type: { $case: "registered", value: registered } } }
    : { $case: "method", value: { type: { $case: "unregistered", value: name } } };
}

function schemeMatch(scheme: string): Http {
  const value = { http: Scheme_Registered.HTTP, https: Scheme_Registered.HTTPS }[scheme.toLowerCase()];
  if (value === undefined) throw badRequest("scheme-invalid", `scheme is http or https, not ${scheme}`);
  return { $case: "scheme", value: { type: { $case: "registered", value } } };
}

/** The label by which proxies know endpoints of a kind. */
function labelOf(kind: StatKind): string {
  if (kind === "authority") {
    throw badRequest(
      "to-invalid",
      "to an authority: ask for it with --authority",
      "name a workload or a service",
    );
  }
  return kind === "job" ? "k8s_job" : kind;
}

/** Everything must hold that the query says; a query that says nothing matches every request. */
export function matchOf(query: TapQuery): ObserveRequest_Match {
  const matches: ObserveRequest_Match[] = [];
  if (query.to !== undefined) {
    const kind = query.toKind ?? "deployment", namespace = query.toNamespace ?? query.namespace;
    matches.push(label(labelOf(kind), query.to));
    if (kind !== "namespace" && namespace !== undefined) matches.push(label("namespace", namespace));
  }
  if (query.scheme !== undefined) matches.push(http(schemeMatch(query.scheme)));
  if (query.method !== undefined) matches.push(http(methodMatch(query.method)));
  if (query.authority !== undefined) {
    const value = { match: { $case: "exact" as const, value: query.authority } };
    matches.push(http({ $case: "authority", value }));
  }
  if (query.path !== undefined) {
    const value = { match: { $case: "prefix" as const, value: query.path } };
    matches.push(http({ $case: "path", value }));
  }
  return { match: { $case: "all", value: { matches } } };
}

export function extractOf(query: TapQuery): ObserveRequest_Extract | undefined {
  if (query.headers !== "true") return undefined;
  return { extract: { $case: "http", value: { extract: { $case: "headers", value: {} } } } };
}
