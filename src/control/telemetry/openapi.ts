/** The description of the statistics API (OpenAPI 3.1), for tools that generate clients from it. */
import { RESOURCE_KINDS } from "../../mesh/api.ts";
import { TAP_TOKEN_HEADER } from "../../mesh/names.ts";
import { VERSION } from "../../mesh/version.ts";

type Json = Readonly<Record<string, unknown>>;

const text: Json = { type: "string" };
const number: Json = { type: "number" };
const count: Json = { type: "integer", minimum: 0 };
const flag: Json = { type: "boolean" };
const kind: Json = { type: "string", enum: RESOURCE_KINDS };
const list = (items: Json): Json => ({ type: "array", items });
const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

function object(properties: Record<string, Json>, optional: readonly string[] = []): Json {
  return {
    type: "object",
    properties,
    required: Object.keys(properties).filter((name) => !optional.includes(name)),
  };
}

/** An answer with rows of resources, what tells them apart, and their requests. */
function rows(properties: Record<string, Json>): Json {
  const row = { resource: ref("ResourceName"), ...properties, requests: ref("RequestStats") };
  return object({ at: count, windowMs: count, coveredMs: count, rows: list(object(row)) });
}

const SCHEMAS: Record<string, Json> = {
  ResourceName: object({ kind, namespace: text, name: text }),
  RequestStats: object({
    success: count,
    failure: count,
    successRate: number,
    rps: number,
    latencyP50: number,
    latencyP95: number,
    latencyP99: number,
    mtls: number,
  }, ["successRate", "latencyP50", "latencyP95", "latencyP99", "mtls"]),
  TcpStats: object({ openConnections: count, readBytesPerSecond: number, writeBytesPerSecond: number }),
  StatRow: object({
    resource: ref("ResourceName"),
    status: text,
    meshedPods: count,
    runningPods: count,
    failedPods: count,
    requests: ref("RequestStats"),
    tcp: ref("TcpStats"),
    total: object({ success: count, failure: count }),
  }, ["status", "meshedPods", "runningPods", "failedPods", "requests", "tcp"]),
  StatResponse: object({ at: count, windowMs: count, coveredMs: count, rows: list(ref("StatRow")) }),
  Edge: object({
    source: ref("ResourceName"),
    destination: ref("ResourceName"),
    clientId: text,
    serverId: text,
    isMtls: flag,
    noTlsReason: text,
    requests: ref("RequestStats"),
    tcp: ref("TcpStats"),
  }),
  EdgesResponse: object({ at: count, windowMs: count, edges: list(ref("Edge")) }),
  SeriesPoint: object({ at: count, requests: ref("RequestStats"), tcp: ref("TcpStats") }),
  SeriesResponse: object({
    resource: ref("ResourceName"),
    stepMs: count,
    points: list(ref("SeriesPoint")),
  }),
  PodSummary: object({
    name: text,
    ip: text,
    node: text,
    phase: text,
    isReady: flag,
    isMeshed: flag,
    identity: text,
    proxyVersion: text,
    scrapedAgoMs: count,
    scrapeError: text,
  }, ["scrapedAgoMs", "scrapeError"]),
  Workload: object({
    resource: ref("ResourceName"),
    meshedPods: count,
    runningPods: count,
    pods: list(ref("PodSummary")),
  }),
  PortName: object({ kind: text, namespace: text, name: text, port: count }),
  RouteName: object({ kind: text, namespace: text, name: text }),
  StatInboundResponse: rows({ server: ref("PortName"), route: ref("RouteName") }),
  StatOutboundResponse: rows({
    parent: ref("PortName"),
    route: ref("RouteName"),
    timeouts: count,
    toldApartFromMs: count,
    retries: count,
    backends: list(object({
      backend: ref("PortName"),
      timeouts: count,
      toldApartFromMs: count,
      requests: ref("RequestStats"),
    })),
  }),
  AuthorizationsResponse: rows({
    server: ref("PortName"),
    route: ref("RouteName"),
    authorization: object({ kind: text, name: text }),
    deniedRps: number,
  }),
  PoliciesResponse: object({
    at: count,
    windowMs: count,
    coveredMs: count,
    rows: list(object({
      namespace: text,
      name: text,
      server: text,
      deniedRps: number,
      requests: ref("RequestStats"),
    }, ["server", "deniedRps"])),
  }),
  ProfileRoutesResponse: object({
    at: count,
    windowMs: count,
    coveredMs: count,
    rows: list(object({
      resource: ref("ResourceName"),
      route: text,
      service: text,
      requests: ref("RequestStats"),
      actual: ref("RequestStats"),
    }, ["actual"])),
  }),
  WorkloadsResponse: object({ workloads: list(ref("Workload")) }),
  NamespacesResponse: object({
    namespaces: list(object({ name: text, meshedPods: count, runningPods: count, isControlPlane: flag })),
  }),
  StatusResponse: object({
    version: text,
    scrapeIntervalMs: count,
    retentionMs: count,
    targets: count,
    failing: count,
    startedAt: count,
    certificates: list(ref("CertificateEnd")),
  }, ["certificates"]),
  CertificateEnd: object({
    use: { type: "string", enum: ["issuer", "anchor"] },
    name: text,
    serial: text,
    validUntil: count,
  }),
  TapLine: {
    oneOf: [
      object({ observing: object({ pods: list(text), untapped: list(ref("UntappedPod")) }) }),
      object({ event: ref("TapEvent") }),
      object({ trouble: object({ pod: text, detail: text }) }),
      object({ dropped: count }),
    ],
  },
  UntappedPod: object({ namespace: text, name: text, reason: text }),
  TapEndpoint: object({ ip: text, port: count, metadata: { type: "object", additionalProperties: text } }),
  TapEvent: object({
    source: ref("TapEndpoint"),
    destination: ref("TapEndpoint"),
    routeMeta: { type: "object", additionalProperties: text },
    proxyDirection: { type: "string", enum: ["INBOUND", "OUTBOUND", "UNKNOWN"] },
    requestInitEvent: { type: "object" },
    responseInitEvent: { type: "object" },
    responseEndEvent: { type: "object" },
  }, ["requestInitEvent", "responseInitEvent", "responseEndEvent"]),
  ErrorResponse: object({
    error: object({ code: text, source: text, detail: text, remedy: text }, ["remedy"]),
  }),
};

const PARAMETERS: Readonly<Record<string, Json>> = {
  kind,
  toKind: kind,
  fromKind: kind,
  direction: { type: "string", enum: ["inbound", "outbound"] },
  window: { type: "string", examples: ["30s", "5m", "1h"] },
};

function get(
  summary: string,
  schema: string,
  names: readonly string[],
  required: readonly string[] = [],
): Json {
  return {
    get: {
      summary,
      parameters: names.map((name) => ({
        name,
        in: "query",
        required: required.includes(name),
        schema: PARAMETERS[name] ?? text,
      })),
      responses: {
        "200": { description: "OK", content: { "application/json": { schema: ref(schema) } } },
        "400": {
          description: "A parameter is missing, unknown or cannot be read",
          content: { "application/json": { schema: ref("ErrorResponse") } },
        },
      },
    },
  };
}

const STAT = [
  "kind",
  "namespace",
  "name",
  "labels",
  "window",
  "toKind",
  "to",
  "toNamespace",
  "fromKind",
  "from",
  "fromNamespace",
];

const ROUTES = ["kind", "namespace", "name", "labels", "window"];

const TAP = [
  "kind",
  "namespace",
  "name",
  "labels",
  "toKind",
  "to",
  "toNamespace",
  "maxRps",
  "scheme",
  "method",
  "authority",
  "path",
  "headers",
];

/** Its answer is no JSON document but a line for each event, and it wants to know who asks. */
function tap(): Json {
  const { get: operation } = get("Requests one by one, a JSON object a line", "TapLine", TAP, ["kind"]) as {
    get: { parameters: Json[]; responses: Record<string, Json> };
  };
  const token = { name: TAP_TOKEN_HEADER, in: "header", required: true, schema: text };
  const refusal = { "application/json": { schema: ref("ErrorResponse") } };
  return {
    get: {
      ...operation,
      parameters: [token, ...operation.parameters],
      responses: {
        ...operation.responses,
        "200": { description: "OK", content: { "application/x-ndjson": { schema: ref("TapLine") } } },
        "403": { description: "The token does not allow it", content: refusal },
      },
    },
  };
}

export function openApi(): Json {
  const watch = get("The same as server-sent events named stat", "StatResponse", [...STAT, "interval"], [
    "kind",
  ]);
  return {
    openapi: "3.1.0",
    info: { title: "Mesh statistics", version: VERSION, license: { name: "Apache-2.0" } },
    paths: {
      "/api/v1/stat": get("Golden metrics of every resource of a kind", "StatResponse", STAT, ["kind"]),
      "/api/v1/stat/watch": watch,
      "/api/v1/tap": tap(),
      "/api/v1/edges": get("Who talks to whom, under which identities", "EdgesResponse", [
        "kind",
        "namespace",
        "window",
      ]),
      "/api/v1/series": get(
        "A resource's figures over time",
        "SeriesResponse",
        ["kind", "namespace", "name", "window", "step", "direction"],
        ["kind", "name"],
      ),
      "/api/v1/stat-inbound": get("What servers admitted, by route", "StatInboundResponse", ROUTES, ["kind"]),
      "/api/v1/stat-outbound": get("What clients asked for, by route", "StatOutboundResponse", ROUTES, [
        "kind",
      ]),
      "/api/v1/authz": get("What was allowed by whom, and denied", "AuthorizationsResponse", ROUTES, [
        "kind",
      ]),
      "/api/v1/stat-policies": get(
        "What requests of Servers, authorizations and routes of Servers came to",
        "PoliciesResponse",
        ["kind", "namespace", "name", "window"],
        ["kind"],
      ),
      "/api/v1/routes": get(
        "What was counted by routes of ServiceProfiles",
        "ProfileRoutesResponse",
        [...ROUTES, "to", "toNamespace"],
        ["kind"],
      ),
      "/api/v1/workloads": get("Workloads and their pods", "WorkloadsResponse", [
        "namespace",
        "kind",
        "name",
      ]),
      "/api/v1/namespaces": get("Namespaces and how much of each is meshed", "NamespacesResponse", []),
      "/api/v1/status": get(
        "Whether figures can be believed, and until when certificates hold",
        "StatusResponse",
        [],
      ),
    },
    components: { schemas: SCHEMAS },
  };
}
