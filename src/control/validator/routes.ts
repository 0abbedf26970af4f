/** What routes of the mesh's parents must be. Routes of other controllers pass: they are theirs to judge. */
import type {
  GRPCRoute,
  HttpHeaderMatch,
  HTTPRoute,
  HttpRouteFilter,
  HttpRouteMatch,
  ParentReference,
} from "../../kube/kinds.ts";
import { GATEWAY_GROUP } from "../../kube/kinds.ts";
import { badAnnotation } from "../policy/outbound/annotations.ts";
import { isRegex } from "../policy/routes/regex.ts";
import { isCoreGroup, type Parent, type Route, type RouteKind, routeView } from "../state/routes.ts";
import type { ResourceKind } from "../../kube/resource.ts";
import { must } from "./invalid.ts";

type Rule = NonNullable<HTTPRoute["spec"]["rules"]>[number] | NonNullable<GRPCRoute["spec"]["rules"]>[number];

/** @param group of the route: what parents without one are of */
export function checkRoute(kind: RouteKind, group: string, object: Route["object"]): void {
  const resource = { group } as ResourceKind<never>;
  const { parents } = routeView(kind as "HTTPRoute", resource)(object as HTTPRoute);
  if (parents.length === 0) return;
  for (const parent of parents) checkParent(kind, parent, object.metadata?.namespace);
  const annotation = badAnnotation(object.metadata?.annotations ?? {});
  must(annotation === undefined, `the annotation ${annotation} cannot be read`);
  const rules: readonly Rule[] = object.spec.rules ?? [];
  if (kind === "TCPRoute" || kind === "TLSRoute") {
    must(rules.length === 1, `spec.rules: a ${kind} has one rule`);
  }
  for (const [at, rule] of rules.entries()) checkRule(`spec.rules[${at}]`, kind, group, rule);
}

function checkParent(kind: RouteKind, parent: Parent, namespace: string | undefined): void {
  const at = `spec.parentRefs: ${parent.kind} ${parent.name}`;
  if (parent.kind === "Server") {
    const { port, sectionName }: ParentReference = parent.reference;
    must(kind === "HTTPRoute" || kind === "GRPCRoute", `${at}: no parent of a ${kind}`);
    must(port === undefined && sectionName === undefined, `${at}: a Server is one port, and has no sections`);
    must(
      namespace === undefined || parent.namespace === namespace,
      `${at}: it must be in the route's namespace`,
    );
  }
  if (parent.kind === "EgressNetwork") must(parent.port !== undefined, `${at}: a port is required`);
}

function checkRule(at: string, kind: RouteKind, group: string, rule: Rule): void {
  const matches = "matches" in rule ? rule.matches ?? [] : [];
  if (kind === "HTTPRoute") {
    for (const match of matches as HttpRouteMatch[]) {
      checkHttpMatch(`${at}.matches`, match);
    }
  }
  if (kind === "GRPCRoute") {
    for (
      const { method } of matches as NonNullable<NonNullable<GRPCRoute["spec"]["rules"]>[number]["matches"]>
    ) {
      must(
        method?.type !== "RegularExpression",
        `${at}.matches: methods by regular expression are not supported`,
      );
    }
  }
  // What the Gateway API has and the mesh does not is told by the route's status.
  const filters: HttpRouteFilter[] = "filters" in rule ? rule.filters ?? [] : [];
  for (const filter of filters) checkFilter(`${at}.filters`, filter, matches as HttpMatches);
  for (const reference of rule.backendRefs ?? []) {
    const isService = isCoreGroup(reference.group) && (reference.kind ?? "Service") === "Service";
    must(
      !isService || reference.port !== undefined,
      `${at}.backendRefs: the Service ${reference.name} needs a port`,
    );
    must(
      isService || group === GATEWAY_GROUP || reference.kind === "EgressNetwork",
      `${at}.backendRefs: ${reference.kind} is not a backend the mesh can send to`,
    );
  }
}

function checkHttpMatch(at: string, { path, headers, queryParams }: HttpRouteMatch): void {
  const { type = "PathPrefix", value = "/" } = path ?? {};
  if (type === "RegularExpression") checkRegex(at, value);
  else must(value.startsWith("/"), `${at}: the path ${JSON.stringify(value)} does not begin with a slash`);
  checkValues(at, headers);
  checkValues(at, queryParams);
}

function checkValues(at: string, values: readonly HttpHeaderMatch[] = []): void {
  for (const { type, value } of values) if (type === "RegularExpression") checkRegex(at, value);
}

function checkRegex(at: string, pattern: string): void {
  must(isRegex(pattern), `${at}: ${JSON.stringify(pattern)} is no regular expression as RE2 has them`);
}

type HttpMatches = readonly { path?: { type?: string } }[];

function checkFilter(at: string, filter: HttpRouteFilter, matches: HttpMatches): void {
  if (filter.type === "RequestHeaderModifier") {
    must(filter.requestHeaderModifier !== undefined, `${at}: requestHeaderModifier is missing`);
  }
  if (filter.type === "ResponseHeaderModifier") {
    must(filter.responseHeaderModifier !== undefined, `${at}: responseHeaderModifier is missing`);
  }
  if (filter.type !== "RequestRedirect") return;
  must(filter.requestRedirect !== undefined, `${at}: requestRedirect is missing`);
  const isPrefixed = matches.every(({ path }) => (path?.type ?? "PathPrefix") === "PathPrefix");
  must(
    filter.requestRedirect.path?.type !== "ReplacePrefixMatch" || isPrefixed,
    `${at}: ReplacePrefixMatch needs matches of the type PathPrefix`,
  );
}
