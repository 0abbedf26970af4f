/** CRDs of policy.linkerd.io but its routes. */
import {
  array,
  boolean,
  conditions,
  type Definition,
  DNS_LABEL,
  enumeration,
  integer,
  labelSelector,
  networks,
  object,
  reference,
  type Schema,
  string,
} from "./schema.ts";

const GROUP = "policy.linkerd.io";
const PORT = { anyOf: [{ type: "integer" }, { type: "string" }], "x-kubernetes-int-or-string": true };
const PROTOCOL = enumeration(["unknown", "HTTP/1", "HTTP/2", "gRPC", "opaque", "TLS"], {
  default: "unknown",
});

function serverSpec(options: { hasAccessPolicy: boolean; hasExternalWorkloads: boolean }): Schema {
  const selectors = options.hasExternalWorkloads
    ? ["podSelector", "externalWorkloadSelector"]
    : ["podSelector"];
  return object(
    {
      podSelector: labelSelector(),
      ...(options.hasExternalWorkloads ? { externalWorkloadSelector: labelSelector() } : {}),
      port: PORT,
      proxyProtocol: PROTOCOL,
      ...(options.hasAccessPolicy ? { accessPolicy: string({ default: "deny" }) } : {}),
    },
    ["port"],
    { oneOf: selectors.map((selector) => ({ required: [selector] })) },
  );
}

const SERVER_COLUMNS = [
  {
    name: "Port",
    jsonPath: ".spec.port",
    type: "string",
    description: "The port the server is listening on",
  },
  {
    name: "Protocol",
    jsonPath: ".spec.proxyProtocol",
    type: "string",
    description: "The protocol of the server",
  },
];

export const server: Definition = {
  group: GROUP,
  kind: "Server",
  plural: "servers",
  shortNames: ["srv"],
  versions: [
    {
      name: "v1alpha1",
      spec: serverSpec({ hasAccessPolicy: false, hasExternalWorkloads: false }),
      isDeprecated: true,
    },
    {
      name: "v1beta1",
      spec: serverSpec({ hasAccessPolicy: false, hasExternalWorkloads: false }),
      isDeprecated: true,
      columns: SERVER_COLUMNS,
    },
    {
      name: "v1beta2",
      spec: serverSpec({ hasAccessPolicy: false, hasExternalWorkloads: true }),
      columns: SERVER_COLUMNS,
    },
    {
      name: "v1beta3",
      isStored: true,
      spec: serverSpec({ hasAccessPolicy: true, hasExternalWorkloads: true }),
      columns: [
        ...SERVER_COLUMNS,
        {
          name: "Access Policy",
          jsonPath: ".spec.accessPolicy",
          type: "string",
          description:
            "The default access policy applied when the traffic doesn't match any of the policy rules",
        },
      ],
    },
  ],
};

const IDENTITY_NAME = "^(\\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

const SERVER_AUTHORIZATION = object({
  server: object(
    { name: string({ pattern: DNS_LABEL }), selector: labelSelector() },
    [],
    { oneOf: [{ required: ["name"] }, { required: ["selector"] }] },
  ),
  client: object({
    networks: networks(),
    unauthenticated: boolean(),
    meshTLS: object({
      unauthenticatedTLS: boolean(),
      identities: array(string({ pattern: IDENTITY_NAME })),
      serviceAccounts: array(object({ name: string(), namespace: string() }, ["name"])),
    }),
  }),
}, ["server", "client"]);

export const serverAuthorization: Definition = {
  group: GROUP,
  kind: "ServerAuthorization",
  plural: "serverauthorizations",
  shortNames: ["saz", "serverauthz", "srvauthz"],
  versions: [
    { name: "v1alpha1", spec: SERVER_AUTHORIZATION, isDeprecated: true },
    {
      name: "v1beta1",
      isStored: true,
      spec: SERVER_AUTHORIZATION,
      columns: [
        {
          name: "Server",
          jsonPath: ".spec.server.name",
          type: "string",
          description: "The server that this grants access to",
        },
      ],
    },
  ],
};

export const authorizationPolicy: Definition = {
  group: GROUP,
  kind: "AuthorizationPolicy",
  plural: "authorizationpolicies",
  shortNames: ["authzpolicy"],
  versions: [{
    name: "v1alpha1",
    isStored: true,
    spec: object({
      targetRef: reference({ hasNamespace: false }),
      requiredAuthenticationRefs: array(reference()),
    }, ["targetRef", "requiredAuthenticationRefs"]),
    columns: [
      { name: "Target_kind", jsonPath: ".spec.targetRef.kind", type: "string" },
      { name: "Target_name", jsonPath: ".spec.targetRef.name", type: "string" },
    ],
  }],
};

export const meshTlsAuthentication: Definition = {
  group: GROUP,
  kind: "MeshTLSAuthentication",
  plural: "meshtlsauthentications",
  shortNames: ["meshtlsauthn"],
  versions: [{
    name: "v1alpha1",
    isStored: true,
    spec: object(
      {
        identities: array(string(), { minItems: 1 }),
        identityRefs: array(reference({ isNameOptional: true }), { minItems: 1 }),
      },
      [],
      { oneOf: [{ required: ["identities"] }, { required: ["identityRefs"] }] },
    ),
  }],
};

export const networkAuthentication: Definition = {
  group: GROUP,
  kind: "NetworkAuthentication",
  plural: "networkauthentications",
  shortNames: ["netauthn", "networkauthn"],
  versions: [{ name: "v1alpha1", isStored: true, spec: object({ networks: networks() }, ["networks"]) }],
};

const LIMIT = object({ requestsPerSecond: integer({ format: "int64" }) }, ["requestsPerSecond"]);

export const rateLimitPolicy: Definition = {
  group: GROUP,
  kind: "HTTPLocalRateLimitPolicy",
  plural: "httplocalratelimitpolicies",
  versions: [{
    name: "v1alpha1",
    isStored: true,
    spec: object({
      targetRef: reference({ hasNamespace: false }),
      total: LIMIT,
      identity: LIMIT,
      overrides: array(object({
        requestsPerSecond: integer({ format: "int64" }),
        clientRefs: array(reference()),
      }, ["requestsPerSecond", "clientRefs"])),
    }, ["targetRef"]),
    status: object({ conditions: conditions(), targetRef: reference() }),
    columns: [
      { name: "Target_kind", jsonPath: ".spec.targetRef.kind", type: "string" },
      { name: "Target_name", jsonPath: ".spec.targetRef.name", type: "string" },
      { name: "Total_RPS", jsonPath: ".spec.total.requestsPerSecond", type: "integer" },
      { name: "Identity_RPS", jsonPath: ".spec.identity.requestsPerSecond", type: "integer" },
    ],
  }],
};

export const egressNetwork: Definition = {
  group: GROUP,
  kind: "EgressNetwork",
  plural: "egressnetworks",
  categories: ["policy"],
  versions: [{
    name: "v1alpha1",
    isStored: true,
    spec: object({ trafficPolicy: enumeration(["Allow", "Deny"]), networks: networks() }, ["trafficPolicy"]),
    status: object({ conditions: conditions() }),
  }],
};
