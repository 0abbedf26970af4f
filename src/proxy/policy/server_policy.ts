/**
 * Who may connect to a port of this workload: the policy that the control plane sends for it, in the form the data
 * path evaluates, and the default that stands until the first answer.
 * Source: proxy.md §3; protocol-api.md §9.
 */
import { addressBytes, contains, type Network, parseNetworks } from "../config/network.ts";
import type { DefaultPolicy } from "../config/environment.ts";
import type { Filter } from "../route/filters.ts";
import type { HostMatch, RequestMatch } from "../route/matches.ts";
import type { RateLimit } from "./rate_limit.ts";

/** Which clients an authorization admits by what they prove. */
export type Authentication =
  | { readonly kind: "none" }
  /** TLS, with an identity or without. */
  | { readonly kind: "tls" }
  /** A proven identity among these; `suffixes` as `.foo.bar`, and "" for every identity. */
  | { readonly kind: "identity"; readonly names: ReadonlySet<string>; readonly suffixes: readonly string[] };

/** A resource, as metric labels name it. */
export interface ResourceName {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
}

export interface Authorization {
  readonly networks: readonly { readonly network: Network; readonly except: readonly Network[] }[];
  readonly authentication: Authentication;
  readonly resource: ResourceName;
}

export type ServerProtocol = "detect" | "http1" | "http2" | "grpc" | "opaque" | "tls";

/** A route of inbound HTTP requests, with who may take it beside those the server admits. */
export interface InboundRoute {
  readonly resource: ResourceName;
  readonly authorizations: readonly Authorization[];
  /** Empty: every host. */
  readonly hosts: readonly HostMatch[];
  readonly rules: readonly {
    /** Empty: every request. */
    readonly matches: readonly RequestMatch[];
    readonly filters: readonly Filter[];
  }[];
}

/** The route of a port whose policy has none: every request takes it. */
export const DEFAULT_ROUTE: InboundRoute = {
  resource: { group: "", kind: "default", name: "default" },
  authorizations: [],
  hosts: [],
  rules: [{ matches: [], filters: [] }],
};

export interface ServerPolicy {
  /** In the order given; empty: every request takes the default one. */
  readonly routes: readonly InboundRoute[];
  /** How many HTTP requests are taken; absent: as many as come. */
  readonly rateLimit?: RateLimit;
  readonly protocol: ServerProtocol;
  readonly detectTimeoutMs: number;
  readonly authorizations: readonly Authorization[];
  readonly server: ResourceName;
}

/** What is known of a client when a connection or request is judged. */
export interface Client {
  readonly ip: string;
  /** For the access log; nothing is decided by it. */
  readonly port?: number;
  /** Its TLS is ours: the connection came encrypted for this workload. */
  readonly isTls: boolean;
  /** The identity its certificate proves; undefined without one. */
  readonly identity: string | undefined;
}

function admits(authentication: Authentication, client: Client): boolean {
  if (authentication.kind === "none") return true;
  if (authentication.kind === "tls") return client.isTls;
  const { identity } = client;
  if (identity === undefined) return false;
  if (authentication.names.has(identity)) return true;
  // A URI identity is matched exactly or not at all.
  if (identity.includes("://")) return authentication.suffixes.includes("");
  return authentication.suffixes.some((suffix) => identity.endsWith(suffix));
}

function isLoopback(bytes: readonly number[]): boolean {
  return bytes.length === 4 ? bytes[0] === 127 : bytes.every((byte, i) => byte === (i === 15 ? 1 : 0));
}

/** Always last: a workload may talk to itself. */
const LOOPBACK: Authorization = {
  networks: [],
  authentication: { kind: "none" },
  resource: { group: "", kind: "default", name: "localhost" },
};

/**
 * The first authorization that admits the client, the route's before the server's; undefined when it is denied.
 * An address that cannot be parsed is admitted by none.
 */
export function authorize(
  policy: ServerPolicy,
  client: Client,
  route: InboundRoute = DEFAULT_ROUTE,
): Authorization | undefined {
  const bytes = addressBytes(client.ip);
  if (bytes === undefined) return undefined;
  const admitting = (authorization: Authorization) =>
    authorization.networks.some(({ network, except }) =>
      contains(network, bytes) && !except.some((excluded) => contains(excluded, bytes))
    ) && admits(authorization.authentication, client);
  return route.authorizations.find(admitting) ?? policy.authorizations.find(admitting) ??
    (isLoopback(bytes) ? LOOPBACK : undefined);
}

const EVERYWHERE = parseNetworks("0.0.0.0/0,::/0")!;

/** One of the six default policies as the policy controller would render it. */
export function defaultServerPolicy(
  name: DefaultPolicy,
  clusterNetworks: readonly Network[],
  isOpaque: boolean,
  detectTimeoutMs: number,
): ServerPolicy {
  const resource = { group: "", kind: "default", name };
  const networks = (name.startsWith("cluster-") ? clusterNetworks : EVERYWHERE)
    .map((network) => ({ network, except: [] }));
  const authentication: Authentication = name.endsWith("-authenticated")
    ? { kind: "identity", names: new Set(), suffixes: [""] }
    : { kind: "none" };
  return {
    routes: [],
    protocol: isOpaque ? "opaque" : "detect",
    detectTimeoutMs,
    authorizations: name === "deny" ? [] : [{ networks, authentication, resource }],
    server: resource,
  };
}
