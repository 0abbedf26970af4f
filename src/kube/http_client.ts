/**
 * A Kubernetes client on Deno's own fetch: one HTTP/1.1 connection pool, nothing loaded but this file.
 *
 * Why not @kubernetes/client-node: it costs 351 ms and 113 MB to import, opens a TLS connection per request and hangs
 * on a watch that was dropped.
 */
import { apiVersionOf, type KubernetesList, type KubernetesObject, resourcePath } from "./resource.ts";
import type { ResourceKind, WatchEvent } from "./resource.ts";
import {
  type DeleteOptions,
  type KubeClient,
  KubeError,
  type ListOptions,
  type PatchOptions,
  type RawInit,
  type WatchOptions,
} from "./client.ts";
import { readLines } from "./lines.ts";

/** What proves who the caller is; everything may be missing (anonymous). */
export interface Credentials {
  token?: string;
  /** PEM. */
  clientCertificate?: string;
  /** PEM. */
  clientKey?: string;
  username?: string;
  password?: string;
}

export interface Impersonation {
  user: string;
  groups?: string[];
  uid?: string;
}

export interface ConnectionOptions {
  /** `https://10.96.0.1:443`, without a trailing slash. */
  server: string;
  /** A function is asked before every request, so that a rotated token is seen. */
  token?: string | (() => string | Promise<string>);
  /** PEM; the system's roots where left out. */
  caCertificate?: string;
  clientCertificate?: string;
  clientKey?: string;
  username?: string;
  password?: string;
  /** Asked before every request; for exec plugins. Wins over the fields above. */
  credentials?: () => Promise<Credentials>;
  impersonate?: Impersonation;
  proxyUrl?: string;
  /** The context's namespace, for commands; the client itself does not use it. */
  namespace?: string;
  /** Stands in for the network: a unix socket, an in-process server, a test. */
  fetch?: (request: Request) => Promise<Response>;
}

const PATCH_TYPES: Record<PatchOptions["type"], string> = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
};

/** Seconds after which the server ends a watch; the informer resumes it. */
const WATCH_SECONDS = 290;
/** A watch that the server did not end by then is on a connection whose other end is gone. */
const WATCH_LIMIT_MS = (WATCH_SECONDS + 20) * 1000;

/** Builds the `?query` of a list or watch. */
export function listQuery(options: ListOptions, extra: Record<string, string> = {}): string {
  const query = new URLSearchParams(extra);
  for (const key of ["labelSelector", "fieldSelector", "resourceVersion", "continue"] as const) {
    const value = options[key];
    if (value !== undefined && value !== "") query.set(key, value);
  }
  if (options.limit !== undefined) query.set("limit", String(options.limit));
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

/** A client that holds connections. */
export interface HttpKubeClient extends KubeClient {
  /** Closes kept connections; requests under way fail. */
  close(): void;
}

class FetchKubeClient implements HttpKubeClient {
  readonly #options: ConnectionOptions;
  #http: Deno.HttpClient | undefined;
  /** The certificate `#http` was made with: an exec plugin may hand out another. */
  #httpCertificate: string | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = { ...options, server: options.server.replace(/\/+$/, "") };
  }

  /** Headers that say who asks. */
  #identify(headers: Headers, credentials: Credentials): void {
    if (credentials.token !== undefined && credentials.token !== "") {
      headers.set("authorization", `Bearer ${credentials.token}`);
    } else if (credentials.username !== undefined) {
      headers.set("authorization", `Basic ${btoa(`${credentials.username}:${credentials.password ?? ""}`)}`);
    }
    const impersonate = this.#options.impersonate;
    if (impersonate !== undefined) {
      headers.set("impersonate-user", impersonate.user);
      for (const group of impersonate.groups ?? []) headers.append("impersonate-group", group);
      if (impersonate.uid !== undefined) headers.set("impersonate-uid", impersonate.uid);
    }
  }

  async raw(method: string, path: string, init: RawInit = {}): Promise<Response> {
    const credentials = await this.#credentials();
    const headers = new Headers(init.headers);
    if (!headers.has("accept")) headers.set("accept", "application/json");
    this.#identify(headers, credentials);
    let body: BodyInit | null = null;
    if (typeof init.body === "string" || init.body instanceof Uint8Array) {
      body = init.body as BodyInit;
    } else if (init.body !== undefined) body = JSON.stringify(init.body);
    if (body !== null && !headers.has("content-type")) headers.set("content-type", "application/json");
    const request = new Request(this.#options.server + path, {
      method,
      headers,
      body,
      ...(init.signal === undefined ? {} : { signal: init.signal }),
    });
    if (this.#options.fetch !== undefined) return await this.#options.fetch(request);
    // Deno's own addition to fetch; the DOM's types, which the dashboard's islands need, know nothing of it.
    const transport: RequestInit & { client: Deno.HttpClient } = { client: this.#client(credentials) };
    return await fetch(request, transport);
  }

  async webSocket(
    path: string,
    protocol: string,
    received: (message: Uint8Array) => void,
  ): Promise<WebSocket> {
    const credentials = await this.#credentials(), headers = new Headers();
    this.#identify(headers, credentials);
    const url = this.#options.server.replace(/^http/, "ws") + path;
    // Deno's own additions, as for fetch above.
    const options = { protocols: [protocol], headers, client: this.#client(credentials) };
    const socket = new WebSocket(url, options as unknown as string);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => received(new Uint8Array(data as ArrayBuffer));
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.onopen = () => resolve(true);
      socket.onerror = () => resolve(false);
    });
    socket.onerror = null;
    if (isOpen) return socket;
    // A WebSocket does not tell why it failed; the same request without an upgrade is refused for the same reason.
    const response = await this.raw("GET", path);
    throw KubeError.from(response.status, await response.text());
  }

  get<T extends KubernetesObject>(kind: ResourceKind<T>, name: string, namespace?: string): Promise<T> {
    return this.#call<T>("GET", resourcePath(kind, namespace, name));
  }

  list<T extends KubernetesObject>(
    kind: ResourceKind<T>,
    options: ListOptions = {},
  ): Promise<KubernetesList<T>> {
    return this.#call("GET", resourcePath(kind, options.namespace) + listQuery(options));
  }

  async *watch<T extends KubernetesObject>(
    kind: ResourceKind<T>,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    const query = listQuery(options, {
      watch: "1",
      allowWatchBookmarks: "true",
      timeoutSeconds: String(WATCH_SECONDS),
    });
    const signal = options.signal, ending = new AbortController();
    const end = () => ending.abort();
    const limit = setTimeout(end, WATCH_LIMIT_MS);
    if (signal?.aborted) end();
    else signal?.addEventListener("abort", end);
    try {
      const response = await this.raw("GET", resourcePath(kind, options.namespace) + query, {
        signal: ending.signal,
      });
      if (!response.ok) throw KubeError.from(response.status, await response.text());
      for await (const line of readLines(response.body!)) {
        if (line !== "") yield JSON.parse(line) as WatchEvent<T>;
      }
    } catch (error) {
      if (ending.signal.aborted) return;
      throw error;
    } finally {
      clearTimeout(limit);
      signal?.removeEventListener("abort", end);
    }
  }

  create<T extends KubernetesObject>(kind: ResourceKind<T>, object: T, namespace?: string): Promise<T> {
    return this.#call(
      "POST",
      resourcePath(kind, namespace ?? object.metadata?.namespace),
      named(kind, object),
    );
  }

  replace<T extends KubernetesObject>(
    kind: ResourceKind<T>,
    object: T,
    subresource?: "status" | "scale",
  ): Promise<T> {
    const { name, namespace } = object.metadata ?? {};
    if (name === undefined) throw new KubeError(400, "BadRequest", "metadata.name is required to replace");
    const body = subresource === "scale" ? object : named(kind, object);
    return this.#call("PUT", resourcePath(kind, namespace, name, subresource), body);
  }

  patch<T extends KubernetesObject>(
    kind: ResourceKind<T>,
    name: string,
    namespace: string | undefined,
    body: unknown,
    options: PatchOptions,
  ): Promise<T> {
    const query = new URLSearchParams();
    if (options.fieldManager !== undefined) query.set("fieldManager", options.fieldManager);
    if (options.force === true) query.set("force", "true");
    const path = resourcePath(kind, namespace, name, options.subresource);
    const content = options.type === "apply" ? named(kind, body as KubernetesObject) : body;
    return this.#call("PATCH", query.size === 0 ? path : `${path}?${query}`, content, {
      "content-type": PATCH_TYPES[options.type],
    });
  }

  async delete(
    kind: ResourceKind,
    name: string,
    namespace?: string,
    options: DeleteOptions = {},
  ): Promise<void> {
    const body = { apiVersion: "v1", kind: "DeleteOptions", ...options };
    await this.#call("DELETE", resourcePath(kind, namespace, name), body);
  }

  createSubresource<R>(
    kind: ResourceKind,
    name: string,
    namespace: string,
    subresource: string,
    body: unknown,
  ): Promise<R> {
    return this.#call("POST", resourcePath(kind, namespace, name, subresource), body);
  }

  async #call<R>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<R> {
    const response = await this.raw(method, path, {
      ...(body === undefined ? {} : { body }),
      ...(headers === undefined ? {} : { headers }),
    });
    const text = await response.text();
    if (!response.ok) throw KubeError.from(response.status, text);
    return JSON.parse(text) as R;
  }

  async #credentials(): Promise<Credentials> {
    const options = this.#options;
    if (options.credentials !== undefined) return await options.credentials();
    const token = typeof options.token === "function" ? await options.token() : options.token;
    return {
      ...(token === undefined ? {} : { token }),
      ...(options.clientCertificate === undefined ? {} : { clientCertificate: options.clientCertificate }),
      ...(options.clientKey === undefined ? {} : { clientKey: options.clientKey }),
      ...(options.username === undefined ? {} : { username: options.username }),
      ...(options.password === undefined ? {} : { password: options.password }),
    };
  }

  close(): void {
    this.#http?.close();
    this.#http = undefined;
  }

  #client(credentials: Credentials): Deno.HttpClient {
    if (this.#http === undefined || this.#httpCertificate !== credentials.clientCertificate) {
      // Watches that run on the former one go on until they end by themselves.
      const { caCertificate, proxyUrl } = this.#options;
      this.#http = Deno.createHttpClient({
        http2: false,
        poolIdleTimeout: 60_000,
        ...(caCertificate === undefined ? {} : { caCerts: [caCertificate] }),
        ...(proxyUrl === undefined ? {} : { proxy: { url: proxyUrl } }),
        ...(credentials.clientCertificate === undefined || credentials.clientKey === undefined
          ? {}
          : { cert: credentials.clientCertificate, key: credentials.clientKey }),
      });
      this.#httpCertificate = credentials.clientCertificate;
    }
    return this.#http;
  }
}

function named<T extends KubernetesObject>(kind: ResourceKind<T>, object: T): T {
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, ...object };
}

/** Makes a client; nothing is sent before its first use. */
export function createHttpKubeClient(options: ConnectionOptions): HttpKubeClient {
  return new FetchKubeClient(options);
}
