/**
 * Routes of the Gateway API, as its bundle v1.1.1 (experimental channel) has them, for clusters that have none of their
 * own: the laptop's. Rules in CEL are left out, which refuse contradictions between fields.
 */
import {
  BACKEND,
  backends,
  DURATION,
  HEADER_NAME,
  headerModifier,
  HOSTNAME,
  MATCH_TYPE,
  MATCHES,
  parent,
  redirect,
  status,
} from "./http_route.ts";
import { array, type Definition, enumeration, object, type Schema, string } from "./schema.ts";

const GROUP = "gateway.networking.k8s.io";
const PARENT = parent(GROUP);
const STATUS = status(PARENT);
const COLUMNS = [{ name: "Hostnames", jsonPath: ".spec.hostnames", type: "string" }];
const PARENTS = array(PARENT, { maxItems: 32 });
const HOSTNAMES = array(string({ minLength: 1, maxLength: 253, pattern: HOSTNAME }), { maxItems: 16 });
/** Groups of *.k8s.io must say who approved them. */
const ANNOTATIONS = {
  "api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/gateway-api/pull/2997",
  "gateway.networking.k8s.io/bundle-version": "v1.1.1",
  "gateway.networking.k8s.io/channel": "experimental",
};

const MIRROR = object({ backendRef: object(BACKEND, ["name"]) }, ["backendRef"]);
const EXTENSION = object({ group: string(), kind: string(), name: string() }, ["group", "kind", "name"]);
const REWRITE = object({
  hostname: string({ minLength: 1, maxLength: 253 }),
  path: object({
    type: enumeration(["ReplaceFullPath", "ReplacePrefixMatch"]),
    replaceFullPath: string({ maxLength: 1024 }),
    replacePrefixMatch: string({ maxLength: 1024 }),
  }, ["type"]),
});

/** Filters that both HTTPRoute and GRPCRoute have; the mesh follows some of them, and says so in the status. */
function filters(more: Readonly<Record<string, Schema>>): Schema {
  const known: Readonly<Record<string, Schema>> = {
    RequestHeaderModifier: headerModifier(),
    ResponseHeaderModifier: headerModifier(),
    RequestMirror: MIRROR,
    ExtensionRef: EXTENSION,
    ...more,
  };
  const fields = Object.entries(known).map(([type, schema]) => [fieldOf(type), schema]);
  return array(object({ type: enumeration(Object.keys(known)), ...Object.fromEntries(fields) }, ["type"]), {
    maxItems: 16,
  });
}

function fieldOf(type: string): string {
  return type === "URLRewrite" ? "urlRewrite" : type[0]!.toLowerCase() + type.slice(1);
}

const HTTP_FILTERS = filters({ RequestRedirect: redirect(), URLRewrite: REWRITE });
const GRPC_FILTERS = filters({});

const HTTP_SPEC = object({
  parentRefs: PARENTS,
  hostnames: HOSTNAMES,
  rules: array(
    object({
      matches: MATCHES,
      filters: HTTP_FILTERS,
      backendRefs: backends(HTTP_FILTERS),
      timeouts: object({ request: DURATION, backendRequest: DURATION }),
    }),
    { maxItems: 16, default: [{ matches: [{ path: { type: "PathPrefix", value: "/" } }] }] },
  ),
});

const GRPC_NAME = { maxLength: 1024 };
const GRPC_SPEC = object({
  parentRefs: PARENTS,
  hostnames: HOSTNAMES,
  rules: array(
    object({
      matches: array(
        object({
          method: object({ type: MATCH_TYPE, service: string(GRPC_NAME), method: string(GRPC_NAME) }),
          headers: array(
            object(
              { type: MATCH_TYPE, name: HEADER_NAME, value: string({ minLength: 1, maxLength: 4096 }) },
              [
                "name",
                "value",
              ],
            ),
            { maxItems: 16 },
          ),
        }),
        { maxItems: 8 },
      ),
      filters: GRPC_FILTERS,
      backendRefs: backends(GRPC_FILTERS),
    }),
    { maxItems: 16 },
  ),
});

const CONNECTION_RULES = array(object({ backendRefs: backends() }), { minItems: 1, maxItems: 16 });

function route(
  kind: string,
  versions: readonly string[],
  spec: Schema,
  columns: typeof COLUMNS = COLUMNS,
): Definition {
  return {
    group: GROUP,
    kind,
    plural: `${kind.toLowerCase()}s`,
    categories: ["gateway-api"],
    annotations: ANNOTATIONS,
    versions: versions.map((name, at) => ({ name, spec, status: STATUS, columns, isStored: at === 0 })),
  };
}

export const gatewayRoutes: readonly Definition[] = [
  route("HTTPRoute", ["v1", "v1beta1"], HTTP_SPEC),
  route("GRPCRoute", ["v1", "v1alpha2"], GRPC_SPEC),
  route(
    "TLSRoute",
    ["v1alpha2"],
    object({ parentRefs: PARENTS, hostnames: HOSTNAMES, rules: CONNECTION_RULES }, ["rules"]),
    [],
  ),
  route("TCPRoute", ["v1alpha2"], object({ parentRefs: PARENTS, rules: CONNECTION_RULES }, ["rules"]), []),
];
