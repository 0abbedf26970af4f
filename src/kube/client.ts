/**
 * The Kubernetes client every part of the mesh codes against. Two implementations: over HTTP (http_client.ts) and
 * inside the laptop cluster's own process (src/local/api), so that a controller cannot tell which it has.
 */
import type { KubernetesList, KubernetesObject, ResourceKind, WatchEvent } from "./resource.ts";

export interface ListOptions {
  /** Left out: every namespace. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  resourceVersion?: string;
  limit?: number;
  /** The `metadata.continue` of the page before. */
  continue?: string;
}

export interface WatchOptions extends ListOptions {
  signal?: AbortSignal;
}

export interface PatchOptions {
  type: "merge" | "json" | "strategic" | "apply";
  subresource?: string;
  /** Required by the API for `apply`. */
  fieldManager?: string;
  /** Take over fields owned by another manager instead of failing with 409 (apply only). */
  force?: boolean;
}

export interface DeleteOptions {
  gracePeriodSeconds?: number;
  propagationPolicy?: "Foreground" | "Background" | "Orphan";
}

export interface RawInit {
  /** A string or bytes are sent as they are, anything else as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Every method rejects with a `KubeError` when the API refuses. */
export interface KubeClient {
  get<T extends KubernetesObject>(kind: ResourceKind<T>, name: string, namespace?: string): Promise<T>;
  list<T extends KubernetesObject>(kind: ResourceKind<T>, options?: ListOptions): Promise<KubernetesList<T>>;
  /** Ends when the server closes the watch, or (silently) when `signal` aborts. Bookmarks are asked for. */
  watch<T extends KubernetesObject>(
    kind: ResourceKind<T>,
    options: WatchOptions,
  ): AsyncIterable<WatchEvent<T>>;
  /** `namespace` defaults to the object's own. */
  create<T extends KubernetesObject>(kind: ResourceKind<T>, object: T, namespace?: string): Promise<T>;
  replace<T extends KubernetesObject>(
    kind: ResourceKind<T>,
    object: T,
    subresource?: "status" | "scale",
  ): Promise<T>;
  patch<T extends KubernetesObject>(
    kind: ResourceKind<T>,
    name: string,
    namespace: string | undefined,
    body: unknown,
    options: PatchOptions,
  ): Promise<T>;
  delete(
    kind: ResourceKind<KubernetesObject>,
    name: string,
    namespace?: string,
    options?: DeleteOptions,
  ): Promise<void>;
  /** Creates a subresource object: TokenRequest (serviceaccounts/NAME/token), bindings, evictions. */
  createSubresource<R>(
    kind: ResourceKind<KubernetesObject>,
    name: string,
    namespace: string,
    subresource: string,
    body: unknown,
  ): Promise<R>;
  /** Any path, for what the typed verbs do not cover (pod logs, /version, proxy, discovery). Never throws on a status. */
  raw(method: string, path: string, init?: RawInit): Promise<Response>;
  /**
   * An open WebSocket for binary messages, for what is no request and answer (port-forward). Rejects with the reason when
   * the server refuses. Left out by clients with no network in between.
   * @param received gets every message, the first ones before the promise is resolved
   */
  webSocket?(path: string, protocol: string, received: (message: Uint8Array) => void): Promise<WebSocket>;
}

/** A refusal of the API: the fields of its Status object. */
export class KubeError extends Error {
  override readonly name = "KubeError";
  constructor(
    /** HTTP status code. */
    readonly status: number,
    /** Stable code: NotFound, AlreadyExists, Conflict, Invalid, Forbidden, Expired ... */
    readonly reason: string,
    message: string,
    readonly details?: unknown,
  ) {
    super(message);
  }

  /** From the body of an answer: a Status object, or any text a proxy in between may have put there. */
  static from(status: number, body: string): KubeError {
    try {
      const parsed = JSON.parse(body) as {
        kind?: string;
        code?: number;
        reason?: string;
        message?: string;
        details?: unknown;
      };
      if (parsed.kind === "Status") {
        return new KubeError(
          parsed.code ?? status,
          parsed.reason ?? reasonOf(status),
          parsed.message ?? `HTTP ${status}`,
          parsed.details,
        );
      }
    } catch {
      // Not JSON: a proxy's or load balancer's own page; the text below says what it is.
    }
    return new KubeError(status, reasonOf(status), body.trim().slice(0, 500) || `HTTP ${status}`);
  }
}

const REASONS: Record<number, string> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  409: "Conflict",
  410: "Expired",
  415: "UnsupportedMediaType",
  422: "Invalid",
  429: "TooManyRequests",
  503: "ServiceUnavailable",
  504: "Timeout",
};

function reasonOf(status: number): string {
  return REASONS[status] ?? (status >= 500 ? "InternalError" : "Unknown");
}

export function isNotFound(error: unknown): boolean {
  return error instanceof KubeError && error.status === 404;
}

export function isConflict(error: unknown): boolean {
  return error instanceof KubeError && error.status === 409 && error.reason === "Conflict";
}

export function isAlreadyExists(error: unknown): boolean {
  return error instanceof KubeError && error.reason === "AlreadyExists";
}

/** The same client but for some of its methods. */
export function overriding(client: KubeClient, methods: Partial<KubeClient>): KubeClient {
  return {
    list: (...call) => client.list(...call),
    watch: (...call) => client.watch(...call),
    get: (...call) => client.get(...call),
    create: (...call) => client.create(...call),
    replace: (...call) => client.replace(...call),
    patch: (...call) => client.patch(...call),
    delete: (...call) => client.delete(...call),
    createSubresource: (...call) => client.createSubresource(...call),
    raw: (...call) => client.raw(...call),
    ...methods,
  };
}
