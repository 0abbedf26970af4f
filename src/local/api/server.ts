/**
 * The laptop cluster's Kubernetes API server: in memory, in this process, ready in milliseconds.
 *
 * What it leaves out: CEL rules (in CRDs, webhooks' matchConditions, admission policies), conversion webhooks,
 * exec/attach, port-forward in kubectl's protocol, answers in protobuf, the group events.k8s.io, persistence.
 */
import type { KubeClient } from "../../kube/client.ts";
import { Admission } from "./admission/admission.ts";
import { type ServiceResolver, Webhooks } from "./admission/webhooks.ts";
import { Api } from "./api.ts";
import { ADMINISTRATOR, Authenticator } from "./auth/authenticate.ts";
import { Authorizer } from "./auth/authorizer.ts";
import { Reviews } from "./auth/reviews.ts";
import { Tokens } from "./auth/tokens.ts";
import { type AdvertisedAddress, bootstrap } from "./bootstrap.ts";
import { Handler } from "./http/handler.ts";
import type { LogReader } from "./http/logs.ts";
import type { AccessListener } from "./http/resources.ts";
import { InProcessClient } from "./in_process_client.ts";
import { createServiceAddresses } from "./kinds/service_addresses.ts";
import { formatKubeConfig } from "./kubeconfig.ts";
import { listen, type ListenOptions } from "./listeners.ts";
import { customDefinitions } from "./registry/custom.ts";
import { Registry } from "./registry/registry.ts";
import { endpointResolver } from "./service_resolver.ts";
import { Store, type StoreListener } from "./store/store.ts";
import { type Authority, createAuthority, issueServingCertificate } from "./tls/certificates.ts";
import { WatchHub } from "./verbs/watch.ts";

export type { AdvertisedAddress } from "./bootstrap.ts";
export type { LogOptions, LogReader } from "./http/logs.ts";
export type { ServiceResolver } from "./admission/webhooks.ts";
export type { Authority } from "./tls/certificates.ts";
export type { StoreEvent, StoreListener } from "./store/store.ts";

export interface ApiServerOptions extends ListenOptions {
  /** Addresses of Services. Default 10.43.0.0/16. */
  serviceRange?: string;
  /** Address of the Service default/kubernetes. Default 10.43.0.1. */
  clusterAddress?: string;
  /** Where pods reach this server: the endpoint of default/kubernetes. */
  advertise?: AdvertisedAddress;
  /** Names and addresses the serving certificate is good for, beside the cluster's own and loopback. */
  certificateNames?: readonly string[];
  /** A new one is made when left out. */
  authority?: Authority;
  /** The node every pod is bound to as it is created; left out, pods wait for a scheduler. */
  nodeName?: string;
  /** "rbac" holds callers over the network to their roles. Default "allow". */
  authorization?: "allow" | "rbac";
  /** Told what callers over the network asked for, and whether they might. Only where RBAC holds. */
  onAccess?: AccessListener;
  /** Answers pods/NAME/log. */
  readLogs?: LogReader;
  /** Where webhooks and the service proxy connect to. Default: a ready endpoint of the Service. */
  resolveService?: ServiceResolver;
  now?: () => Date;
  /** Told of failures of the server itself. Default: a line on stderr. */
  onError?: (error: unknown) => void;
}

export interface ApiServer {
  /** The administrator's client, in this process. */
  readonly client: KubeClient;
  /** A client of the administrator whose writes are owned by `fieldManager`. */
  clientFor(fieldManager: string): KubeClient;
  /** The cluster's certificate authority, PEM. */
  readonly caBundle: string;
  readonly authority: Authority;
  readonly adminToken: string;
  /** Bound addresses, in the order of `tcp`. */
  readonly addresses: readonly Deno.NetAddr[];
  /** @param url the address kubectl shall use; the certificate must name its host */
  adminKubeconfig(url: string): string;
  /** Called with every change of any object, before the write returns. For controllers of every kind. */
  onChange(listener: StoreListener): () => void;
  /** Answers a request as a listener would; for tests and further transports. */
  handle(request: Request): Promise<Response>;
  readonly api: Api;
  stop(): Promise<void>;
}

const CRDS = "apiextensions.k8s.io/customresourcedefinitions";

export const VERSION_INFO = {
  major: "1",
  minor: "35",
  gitVersion: "v1.35.4+linkerd-deno",
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: "none",
  compiler: `deno ${Deno.version.deno}`,
  platform: `${Deno.build.os}/${Deno.build.arch === "aarch64" ? "arm64" : "amd64"}`,
};

export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const now = options.now ?? (() => new Date());
  const onError = options.onError ?? ((error) => console.error("API server:", error));
  const clusterAddress = options.clusterAddress ?? "10.43.0.1";
  const store = new Store();
  const registry = new Registry();
  const watches = new WatchHub();
  serveCustomResources(store, registry, watches);
  const resolveService = options.resolveService ?? endpointResolver(store);
  const webhooks = new Webhooks(store, registry, resolveService);
  const [tokens, authority] = await Promise.all([
    Tokens.create(store, now),
    options.authority ?? createAuthority("kubernetes", now()),
  ]);
  const authorizer = new Authorizer(store, options.authorization ?? "allow");
  const state = {
    store,
    registry,
    admission: new Admission(store, webhooks),
    strategies: {
      store,
      now,
      addresses: createServiceAddresses(options.serviceRange ?? "10.43.0.0/16"),
      nodeName: options.nodeName,
    },
  };
  const api = new Api(state, watches, new Reviews(store, tokens, authorizer), tokens, authorizer);
  const adminToken = crypto.randomUUID() + crypto.randomUUID();
  const handler = new Handler({
    api,
    authenticator: new Authenticator(tokens, adminToken),
    version: VERSION_INFO,
    serverAddress: `${clusterAddress}:443`,
    resolveService,
    readLogs: options.readLogs,
    onAccess: options.onAccess,
    onError,
  });
  const certificate = await issueServingCertificate(authority, [
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "localhost",
    "127.0.0.1",
    clusterAddress,
    ...(options.certificateNames ?? []),
  ], now());
  const handle = (request: Request) => handler.handle(request);
  const listeners = listen(options, certificate, handle);
  try {
    await bootstrap(api, clusterAddress, options.advertise);
  } catch (error) {
    await listeners.close();
    throw error;
  }
  const clientFor = (fieldManager: string): KubeClient =>
    new InProcessClient(api, {
      user: ADMINISTRATOR,
      fieldManager,
      handle: (request, user) => handler.handleAs(request, user),
    });
  return {
    client: clientFor("linkerd-local"),
    clientFor,
    caBundle: authority.certificate,
    authority,
    adminToken,
    addresses: listeners.tcp,
    adminKubeconfig: (url) =>
      formatKubeConfig({ server: url, caBundle: authority.certificate, token: adminToken }),
    onChange: (listener) => store.listen(listener),
    handle,
    api,
    async stop() {
      watches.close();
      webhooks.close();
      await listeners.close();
    },
  };
}

/** Serves what definitions say, from the moment they are stored. */
function serveCustomResources(store: Store, registry: Registry, watches: WatchHub): void {
  store.listen((event) => {
    if (event.resource !== CRDS) return;
    const before = event.previous === undefined ? [] : customDefinitions(event.previous);
    for (const { group, version, plural } of before) {
      const served = registry.find(group, version, plural);
      if (served?.isCustom) registry.remove(served);
    }
    if (event.type === "DELETED") {
      const resource = before[0]?.resource;
      if (resource === undefined) return;
      store.removeResource(resource);
      watches.close(resource);
    } else for (const definition of customDefinitions(event.object)) registry.add(definition);
  });
}
