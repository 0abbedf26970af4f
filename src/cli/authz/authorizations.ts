/**
 * `linkerd authz`: which policies hold for a resource, by the objects in the cluster: its pods, the Servers that select
 * them, the routes that hang on these, and what targets either. Source: cli.md §2.1.
 */
import { authorizes, targetsServer } from "../../control/policy/inbound/authorizations.ts";
import { isNotFound, type KubeClient } from "../../kube/client.ts";
import {
  AUTHORIZATION_POLICIES,
  type AuthorizationPolicy,
  GATEWAY_HTTP_ROUTES,
  GRPC_ROUTES,
  type GRPCRoute,
  HTTP_ROUTES,
  type HTTPRoute,
  type Pod,
  POLICY_GROUP,
  type Server,
  SERVER_AUTHORIZATIONS,
  type ServerAuthorization,
  SERVERS,
} from "../../kube/kinds.ts";
import type { KubernetesObject, ResourceKind } from "../../kube/resource.ts";
import { matchLabelSelector } from "../../kube/selector.ts";
import { statKind } from "../../mesh/api.ts";
import { formatJson, formatTable } from "../../mesh/table.ts";
import { meshedPods, podsOf } from "../diagnose/pods.ts";
import type { Environment } from "../environment.ts";
import type { GlobalOptions } from "../global_options.ts";

/** A route of any kind that a Server can have. */
export interface Route {
  readonly group: string;
  readonly kind: string;
  readonly resource: HTTPRoute | GRPCRoute;
}

/** What is in the namespace of the pods. */
export interface Policies {
  readonly servers: readonly Server[];
  readonly routes: readonly Route[];
  readonly authorizationPolicies: readonly AuthorizationPolicy[];
  readonly serverAuthorizations: readonly ServerAuthorization[];
}

export interface AuthorizationRow {
  /** `*`: all of the Server's requests. */
  readonly route: string;
  readonly server: string;
  /** One of the two is empty. */
  readonly authorizationPolicy: string;
  readonly serverAuthorization: string;
}

const nameOf = ({ metadata }: KubernetesObject) => metadata?.name ?? "";

function hangsOn({ resource }: Route, server: Server): boolean {
  return (resource.spec.parentRefs ?? []).some(({ group, kind, name }) =>
    group === POLICY_GROUP && kind === "Server" && name === nameOf(server)
  );
}

function targetsRoute({ spec: { targetRef } }: AuthorizationPolicy, route: Route): boolean {
  const { group, kind, name } = targetRef;
  return group === route.group && kind === route.kind && name === nameOf(route.resource);
}

function ofServer(server: Server, policies: Policies): AuthorizationRow[] {
  const row = (route: string, names: Partial<AuthorizationRow>): AuthorizationRow => ({
    route,
    server: nameOf(server),
    authorizationPolicy: "",
    serverAuthorization: "",
    ...names,
  });
  const { authorizationPolicies, serverAuthorizations, routes } = policies;
  return [
    ...routes.filter((route) => hangsOn(route, server)).flatMap((route) =>
      authorizationPolicies.filter((policy) => targetsRoute(policy, route))
        .map((policy) => row(nameOf(route.resource), { authorizationPolicy: nameOf(policy) }))
    ),
    ...authorizationPolicies.filter(({ spec }) => targetsServer(spec.targetRef, server))
      .map((policy) => row("*", { authorizationPolicy: nameOf(policy) })),
    ...serverAuthorizations.filter((one) => authorizes(one, server))
      .map((one) => row("*", { serverAuthorization: nameOf(one) })),
  ];
}

/** Rows by Server, then by route, of the Servers that select one of the pods. */
export function authorizationRows(pods: readonly Pod[], policies: Policies): AuthorizationRow[] {
  const keyOf = (row: AuthorizationRow) => Object.values(row).join("\n");
  return policies.servers
    .filter(({ spec: { podSelector } }) =>
      podSelector !== undefined &&
      pods.some(({ metadata }) => matchLabelSelector(podSelector)(metadata?.labels))
    )
    .sort((left, right) => nameOf(left) < nameOf(right) ? -1 : 1)
    .flatMap((server) =>
      ofServer(server, policies).sort((left, right) => keyOf(left) < keyOf(right) ? -1 : 1)
    );
}

async function listed<T extends KubernetesObject>(
  client: KubeClient,
  kind: ResourceKind<T>,
  namespace: string,
): Promise<readonly T[]> {
  try {
    return (await client.list(kind, { namespace })).items;
  } catch (error) {
    if (isNotFound(error)) return []; // a kind that this cluster does not serve
    throw error;
  }
}

async function policiesOf(client: KubeClient, namespace: string): Promise<Policies> {
  const routes = async (kind: ResourceKind<HTTPRoute> | ResourceKind<GRPCRoute>): Promise<Route[]> =>
    (await listed<HTTPRoute | GRPCRoute>(client, kind, namespace))
      .map((resource) => ({ group: kind.group, kind: kind.kind, resource }));
  const [servers, authorizationPolicies, serverAuthorizations, ...all] = await Promise.all([
    listed(client, SERVERS, namespace),
    listed(client, AUTHORIZATION_POLICIES, namespace),
    listed(client, SERVER_AUTHORIZATIONS, namespace),
    routes(HTTP_ROUTES),
    routes(GATEWAY_HTTP_ROUTES),
    routes(GRPC_ROUTES),
  ]);
  return { servers, routes: all.flat(), authorizationPolicies, serverAuthorizations };
}

/** Pods of `KIND/NAME`, of a bare kind, or of `ns/NAME`. @throws MeshFailure when there are none */
async function podsOfWord(client: KubeClient, word: string, namespace: string): Promise<Pod[]> {
  const kind = word.includes("/") ? undefined : statKind(word);
  if (kind === undefined) return await podsOf(client, word, namespace);
  const pods = await meshedPods(client, namespace);
  const isOwned = ({ metadata }: Pod) => metadata?.labels?.[`linkerd.io/proxy-${kind}`] !== undefined;
  return kind === "pod" || kind === "namespace" ? pods : pods.filter(isOwned);
}

export async function listAuthorizations(
  word: string,
  options: { readonly namespace?: string; readonly output: string },
  global: GlobalOptions,
  environment: Environment,
): Promise<void> {
  const { client, namespace: own, close } = await environment.connect(global);
  try {
    const pods = await podsOfWord(client, word, options.namespace ?? own);
    const namespace = pods[0]?.metadata?.namespace ?? options.namespace ?? own;
    const rows = authorizationRows(pods, await policiesOf(client, namespace));
    if (options.output === "json") return environment.print(formatJson(rows.map(record)));
    if (rows.length === 0) return environment.tell(`No policy of namespace ${namespace} is for ${word}.\n`);
    environment.print(formatTable<AuthorizationRow>([
      { title: "ROUTE", value: ({ route }) => route },
      { title: "SERVER", value: ({ server }) => server },
      { title: "AUTHORIZATION_POLICY", value: ({ authorizationPolicy }) => authorizationPolicy },
      { title: "SERVER_AUTHORIZATION", value: ({ serverAuthorization }) => serverAuthorization },
    ], rows));
  } finally {
    close();
  }
}

function record({ route, server, authorizationPolicy, serverAuthorization }: AuthorizationRow) {
  return {
    route,
    server,
    authorization_policy: authorizationPolicy,
    server_authorization: serverAuthorization,
  };
}
