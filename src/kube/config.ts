/**
 * Where the cluster is and who we are: kubeconfig files as kubectl reads them, and a pod's own service account.
 *
 * What Deno's fetch cannot do (skip TLS verification, another TLS server name) is refused by name instead of being
 * ignored. Source: client-go's tools/clientcmd.
 */
import { dirname, isAbsolute, join } from "node:path";
import { type ExecConfig, execCredentials } from "./exec_plugin.ts";
import type { ConnectionOptions } from "./http_client.ts";
import { type OidcConfig, oidcCredentials } from "./oidc.ts";

export interface KubeConfigOptions {
  /** `--kubeconfig`; otherwise $KUBECONFIG (a list, first wins), otherwise ~/.kube/config. */
  path?: string;
  context?: string;
  cluster?: string;
  user?: string;
  namespace?: string;
  server?: string;
  token?: string;
  /** Impersonation, `--as` and `--as-group`. */
  as?: string;
  asGroups?: string[];
  asUid?: string;
}

export class KubeConfigError extends Error {
  override readonly name = "KubeConfigError";
  constructor(
    readonly code: "kubeconfig-missing" | "kubeconfig-invalid" | "kubeconfig-unsupported",
    message: string,
  ) {
    super(message);
  }
}

interface NamedCluster {
  name: string;
  cluster: {
    server?: string;
    "certificate-authority"?: string;
    "certificate-authority-data"?: string;
    "insecure-skip-tls-verify"?: boolean;
    "tls-server-name"?: string;
    "proxy-url"?: string;
  };
}

interface NamedUser {
  name: string;
  /** The file that it stands in. */
  origin?: string;
  user: {
    token?: string;
    tokenFile?: string;
    username?: string;
    password?: string;
    "client-certificate"?: string;
    "client-certificate-data"?: string;
    "client-key"?: string;
    "client-key-data"?: string;
    exec?: ExecConfig;
    "auth-provider"?: { name: string; config?: OidcConfig | null };
    as?: string;
    "as-groups"?: string[];
    "as-uid"?: string;
  };
}

interface NamedContext {
  name: string;
  context: { cluster: string; user?: string; namespace?: string };
}

export interface KubeConfig {
  "current-context"?: string;
  clusters?: NamedCluster[] | null;
  users?: NamedUser[] | null;
  contexts?: NamedContext[] | null;
}

/** Reads the files and joins them: the first to name a thing wins, as in kubectl. */
export async function readKubeConfig(path?: string): Promise<KubeConfig> {
  const separator = Deno.build.os === "windows" ? ";" : ":";
  const home = Deno.env.get("HOME") ?? Deno.env.get("USERPROFILE") ?? "";
  const fromEnvironment = Deno.env.get("KUBECONFIG") ?? "";
  const paths = path !== undefined
    ? [path]
    : fromEnvironment !== ""
    ? fromEnvironment.split(separator).filter((each) => each !== "")
    : [join(home, ".kube", "config")];
  const merged: Required<Omit<KubeConfig, "current-context">> & KubeConfig = {
    clusters: [],
    users: [],
    contexts: [],
  };
  let found = 0;
  for (const each of paths) {
    let text: string;
    try {
      text = await Deno.readTextFile(each);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound && path === undefined) continue;
      throw new KubeConfigError("kubeconfig-missing", `cannot read ${each}: ${(error as Error).message}`);
    }
    found++;
    const config = resolvePaths(await parse(text, each), each);
    if (merged["current-context"] === undefined && config["current-context"]) {
      merged["current-context"] = config["current-context"];
    }
    for (const key of ["clusters", "users", "contexts"] as const) {
      const into = merged[key] as { name: string }[];
      for (const entry of config[key] ?? []) {
        if (!into.some((existing) => existing.name === entry.name)) into.push(entry);
      }
    }
  }
  if (found === 0) {
    throw new KubeConfigError(
      "kubeconfig-missing",
      `no kubeconfig found (looked for ${paths.join(", ")}); set KUBECONFIG or pass --kubeconfig`,
    );
  }
  return merged;
}

async function parse(text: string, path: string): Promise<KubeConfig> {
  try {
    // JSON is YAML too, and needs no parser to be loaded.
    if (text.trimStart().startsWith("{")) return JSON.parse(text) as KubeConfig;
    const { parse } = await import("./yaml.ts");
    const config = parse(text) as KubeConfig | null;
    if (config === null || typeof config !== "object") throw new Error("not a kubeconfig");
    return config;
  } catch (error) {
    throw new KubeConfigError("kubeconfig-invalid", `${path}: ${(error as Error).message}`);
  }
}

function resolvePaths(config: KubeConfig, path: string): KubeConfig {
  const directory = dirname(path);
  const fix = (holder: Record<string, unknown>, keys: string[]) => {
    for (const key of keys) {
      const value = holder[key];
      if (typeof value === "string" && value !== "" && !isAbsolute(value)) {
        holder[key] = join(directory, value);
      }
    }
  };
  for (const { cluster } of config.clusters ?? []) {
    fix(cluster as Record<string, unknown>, ["certificate-authority"]);
  }
  for (const entry of config.users ?? []) {
    const { user } = entry;
    entry.origin = path;
    fix(user as Record<string, unknown>, ["client-certificate", "client-key", "tokenFile"]);
    if (user.exec?.command.includes("/")) {
      fix(user.exec as unknown as Record<string, unknown>, ["command"]);
    }
  }
  return config;
}

function pem(data: string | undefined, path: string | undefined): string | undefined {
  if (data !== undefined && data !== "") return atob(data.replaceAll(/\s/g, ""));
  if (path === undefined || path === "") return undefined;
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new KubeConfigError("kubeconfig-missing", `cannot read ${path}: ${(error as Error).message}`);
  }
}

/**
 * What to connect with, from kubeconfig.
 *
 * @throws KubeConfigError with a stable code and what to do
 */
export async function loadKubeConfig(options: KubeConfigOptions = {}): Promise<ConnectionOptions> {
  const config = await readKubeConfig(options.path);
  const contextName = options.context ?? config["current-context"];
  const context = config.contexts?.find((each) => each.name === contextName)?.context;
  if (contextName !== undefined && context === undefined) {
    throw new KubeConfigError("kubeconfig-invalid", `context "${contextName}" does not exist in kubeconfig`);
  }
  const clusterName = options.cluster ?? context?.cluster;
  const cluster = config.clusters?.find((each) => each.name === clusterName)?.cluster;
  const server = options.server ?? cluster?.server;
  if (server === undefined) {
    throw new KubeConfigError(
      "kubeconfig-invalid",
      clusterName === undefined
        ? "no context is selected in kubeconfig; pass --context"
        : `cluster "${clusterName}" has no server in kubeconfig`,
    );
  }
  if (cluster?.["insecure-skip-tls-verify"] === true) {
    throw new KubeConfigError(
      "kubeconfig-unsupported",
      `cluster "${clusterName}" asks for insecure-skip-tls-verify, which is not supported: give its certificate-authority`,
    );
  }
  if (cluster?.["tls-server-name"]) {
    throw new KubeConfigError(
      "kubeconfig-unsupported",
      `cluster "${clusterName}" sets tls-server-name, which is not supported: use a server address its certificate names`,
    );
  }
  const userName = options.user ?? context?.user;
  const named = config.users?.find((each) => each.name === userName), user = named?.user ?? {};
  const as = options.as ?? user.as;
  const caCertificate = pem(cluster?.["certificate-authority-data"], cluster?.["certificate-authority"]);
  const clientCertificate = pem(user["client-certificate-data"], user["client-certificate"]);
  const clientKey = pem(user["client-key-data"], user["client-key"]);
  const namespace = options.namespace ?? context?.namespace;
  const token = options.token ?? (user.tokenFile !== undefined ? fileToken(user.tokenFile) : user.token);
  return {
    server,
    ...(caCertificate === undefined ? {} : { caCertificate }),
    ...(cluster?.["proxy-url"] ? { proxyUrl: cluster["proxy-url"] } : {}),
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
    ...(clientKey === undefined ? {} : { clientKey }),
    ...(token === undefined ? {} : { token }),
    ...(user.username === undefined ? {} : { username: user.username }),
    ...(user.password === undefined ? {} : { password: user.password }),
    ...(options.token === undefined ? credentialsOf(named, server, caCertificate) : {}),
    ...(as === undefined ? {} : {
      impersonate: {
        user: as,
        groups: options.asGroups ?? user["as-groups"] ?? [],
        ...(options.asUid ?? user["as-uid"] ? { uid: (options.asUid ?? user["as-uid"])! } : {}),
      },
    }),
    ...(namespace === undefined ? {} : { namespace }),
  };
}

/** What is asked before every request: an exec plugin, an OpenID Connect provider. */
function credentialsOf(
  named: NamedUser | undefined,
  server: string,
  caCertificate: string | undefined,
): Pick<ConnectionOptions, "credentials"> {
  if (named === undefined) return {};
  const { exec, "auth-provider": provider } = named.user;
  if (exec !== undefined) {
    const cluster = { server, ...(caCertificate === undefined ? {} : { caCertificate }) };
    return { credentials: execCredentials(exec, cluster) };
  }
  if (provider === undefined) return {};
  if (provider.name !== "oidc") {
    throw new KubeConfigError(
      "kubeconfig-unsupported",
      `user "${named.name}" uses the auth-provider "${provider.name}", which kubectl has removed: use an exec plugin`,
    );
  }
  const settings = provider.config ?? {};
  const authority = pem(settings["idp-certificate-authority-data"], settings["idp-certificate-authority"]);
  return {
    credentials: oidcCredentials(settings, {
      now: Date.now,
      fetch: async (url, init) => {
        if (authority === undefined) return await fetch(url, init);
        const client = Deno.createHttpClient({ caCerts: [authority] });
        try {
          const response = await fetch(url, { ...init, client } as RequestInit);
          return new Response(await response.text(), response);
        } finally {
          client.close();
        }
      },
      async persist(tokens) {
        const { writeAuthProvider } = await import("./kubeconfig_writer.ts");
        await writeAuthProvider(named.origin!, named.name, tokens);
      },
    }),
  };
}

/** How long a token read from a file is used before it is read again: the kubelet replaces it in place. */
const TOKEN_FILE_MS = 10_000;

/** A token that follows its file. */
export function fileToken(path: string, now: () => number = Date.now): () => string {
  let token = "";
  let readAt = -Infinity;
  return () => {
    if (now() - readAt >= TOKEN_FILE_MS) {
      token = Deno.readTextFileSync(path).trim();
      readAt = now();
    }
    return token;
  };
}

const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** True in a pod with a service account mounted. */
export function isInCluster(): boolean {
  return Boolean(Deno.env.get("KUBERNETES_SERVICE_HOST"));
}

/**
 * What to connect with from inside a pod: the service account's files, `KUBERNETES_SERVICE_HOST` and `_PORT`.
 *
 * @throws KubeConfigError outside a cluster
 */
export function inClusterConfig(directory: string = SERVICE_ACCOUNT): ConnectionOptions {
  const host = Deno.env.get("KUBERNETES_SERVICE_HOST");
  const port = Deno.env.get("KUBERNETES_SERVICE_PORT") ?? "443";
  if (!host) {
    throw new KubeConfigError(
      "kubeconfig-missing",
      "not in a cluster: KUBERNETES_SERVICE_HOST is not set",
    );
  }
  let caCertificate: string;
  let namespace: string;
  try {
    caCertificate = Deno.readTextFileSync(`${directory}/ca.crt`);
    namespace = Deno.readTextFileSync(`${directory}/namespace`).trim();
  } catch (error) {
    throw new KubeConfigError(
      "kubeconfig-missing",
      `the service account is not mounted: ${(error as Error).message}`,
    );
  }
  const authority = host.includes(":") ? `[${host}]` : host;
  return {
    server: `https://${authority}:${port}`,
    caCertificate,
    token: fileToken(`${directory}/token`),
    namespace,
  };
}
