/** From an HTTP request to the API and back: routing, authentication, authorization, Status objects. */
import { KubeError } from "../../../kube/client.ts";
import type { ServiceResolver } from "../admission/webhooks.ts";
import type { Api } from "../api.ts";
import type { Authenticator } from "../auth/authenticate.ts";
import { ISSUER } from "../auth/tokens.ts";
import { noSuchResource, statusOf, toKubeError } from "../errors.ts";
import type { UserInfo } from "../verbs/state.ts";
import * as discovery from "./discovery.ts";
import type { LogReader } from "./logs.ts";
import { openApiDocument, openApiIndex } from "./openapi.ts";
import { parseResourcePath } from "./request_info.ts";
import { type AccessListener, handleResource, type HandlerState } from "./resources.ts";

export interface HandlerOptions {
  api: Api;
  authenticator: Authenticator;
  version: Record<string, string>;
  serverAddress: string;
  resolveService: ServiceResolver;
  readLogs: LogReader | undefined;
  onAccess: AccessListener | undefined;
  onError: (error: unknown) => void;
}

const JSON_TYPE = { "content-type": "application/json" };

export class Handler {
  readonly #options: HandlerOptions;
  readonly #state: HandlerState;

  constructor(options: HandlerOptions) {
    this.#options = options;
    this.#state = options;
  }

  /** For listeners: whoever sent the request must prove who it is. */
  async handle(request: Request): Promise<Response> {
    try {
      const { pathname } = new URL(request.url);
      const user = await this.#options.authenticator.authenticate(request.headers, pathname);
      return await this.#route(request, user);
    } catch (error) {
      return this.#refuse(error);
    }
  }

  /** For the in-process client, whose user is known. */
  async handleAs(request: Request, user: UserInfo): Promise<Response> {
    try {
      return await this.#route(request, user);
    } catch (error) {
      return this.#refuse(error);
    }
  }

  #refuse(error: unknown): Response {
    if (!(error instanceof KubeError)) this.#options.onError(error);
    const refusal = toKubeError(error);
    return Response.json(statusOf(refusal), { status: refusal.status });
  }

  async #route(request: Request, user: UserInfo): Promise<Response> {
    const url = new URL(request.url);
    const path = url.pathname.length > 1 ? url.pathname.replace(/\/+$/, "") : url.pathname;
    const info = parseResourcePath(path);
    if (info !== undefined) return await handleResource(this.#state, request, url, info, user);
    this.#authorizePath(user, path, request.method);
    const answer = this.#other(path, request.headers.get("accept") ?? "");
    if (answer === undefined) throw noSuchResource();
    return answer;
  }

  #authorizePath(user: UserInfo, path: string, method: string): void {
    const verb = method === "GET" || method === "HEAD" ? "get" : method.toLowerCase();
    const { allowed } = this.#options.api.authorizer.review(user, { nonResourceAttributes: { path, verb } });
    if (allowed || user.username === "system:anonymous") return;
    throw new KubeError(
      403,
      "Forbidden",
      `forbidden: User "${user.username}" cannot ${verb} path "${path}"`,
      {},
    );
  }

  #other(path: string, accept: string): Response | undefined {
    const { registry } = this.#options.api.state;
    const wantsAggregated = accept.includes("as=APIGroupDiscoveryList") && accept.includes("v=v2;");
    const json = (value: unknown) => value === undefined ? undefined : Response.json(value);
    switch (path) {
      case "/":
        return json({ paths: ["/api", "/apis", "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"] });
      case "/healthz":
      case "/livez":
      case "/readyz":
        return new Response("ok", { headers: { "content-type": "text/plain; charset=utf-8" } });
      case "/version":
        return json(this.#options.version);
      case "/api":
        return wantsAggregated
          ? aggregatedResponse(discovery.aggregated(registry, true))
          : json(discovery.coreVersions(this.#options.serverAddress));
      case "/apis":
        return wantsAggregated
          ? aggregatedResponse(discovery.aggregated(registry, false))
          : json(discovery.groupList(registry));
      case "/openapi/v2":
        return openApiV2(accept);
      case "/openapi/v3":
        return json(openApiIndex(registry));
      case "/openid/v1/jwks":
        return json(this.#options.api.tokens.keySet());
      case "/.well-known/openid-configuration":
        return json({
          issuer: ISSUER,
          jwks_uri: `https://${this.#options.serverAddress}/openid/v1/jwks`,
          response_types_supported: ["id_token"],
          subject_types_supported: ["public"],
          id_token_signing_alg_values_supported: ["ES256"],
        });
    }
    const parts = path.slice(1).split("/");
    if (parts[0] === "openapi" && parts[1] === "v3") {
      const [root, a = "", b = ""] = parts.slice(2);
      return json(root === "api" ? openApiDocument(registry, "", a) : openApiDocument(registry, a, b));
    }
    if (parts[0] === "api" && parts.length === 2) {
      return json(discovery.resourceList(registry, "", parts[1]!));
    }
    if (parts[0] !== "apis") return undefined;
    if (parts.length === 2) return json(discovery.group(registry, parts[1]!));
    return parts.length === 3 ? json(discovery.resourceList(registry, parts[1]!, parts[2]!)) : undefined;
  }
}

const OPENAPI_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/** The old form, empty: kubectl asks for it when it does not find a kind in v3, and then says that there is none. */
function openApiV2(accept: string): Response {
  if (accept.includes("protobuf")) {
    return new Response(new Uint8Array(), { headers: { "content-type": OPENAPI_PROTOBUF } });
  }
  return Response.json({
    swagger: "2.0",
    info: { title: "Kubernetes", version: "unversioned" },
    paths: {},
    definitions: {},
  });
}

function aggregatedResponse(value: unknown): Response {
  return new Response(JSON.stringify(value), {
    headers: {
      ...JSON_TYPE,
      "content-type": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
    },
  });
}
