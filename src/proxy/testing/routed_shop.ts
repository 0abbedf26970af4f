/**
 * Two services, `web` and `canary`, behind one meshed pair, for tests of routes: their policies are set as the test wants
 * them, and requests come back with what the application was asked.
 */
import { equal } from "node:assert/strict";
import http2 from "node:http2";
import type { Backend, Distribution, HttpRoutes } from "../control/plane.ts";
import { parseNetworks } from "../config/network.ts";
import type { InboundRoute, ServerPolicy } from "../policy/server_policy.ts";
import type { Filter, HeaderChanges } from "../route/filters.ts";
import type { HttpMatch, RequestMatch } from "../route/matches.ts";
import type { Runtime } from "../runtime.ts";
import { rowsOf } from "../telemetry/rows.ts";
import { balanced, endpointAt } from "./fake_control.ts";
import { type Pair, SERVER, withPair } from "./meshed_pair.ts";

export const WEB = "web.shop.svc.cluster.local:80", CANARY = "canary.shop.svc.cluster.local:80";
export const TARGET = "10.43.0.7:80";

export const http = (match: Partial<HttpMatch> = {}): HttpMatch => ({
  kind: "http",
  headers: [],
  queryParams: [],
  ...match,
});
export const exact = (value: string) => ({ kind: "exact" as const, value });
export const prefix = (value: string) => ({ kind: "prefix" as const, value });
export const changes = (some: Partial<HeaderChanges>): HeaderChanges => ({
  add: [],
  set: [],
  remove: [],
  ...some,
});

export function backend(path: string): Backend {
  const [name = ""] = path.split(".");
  const resource = { group: "core", kind: "Service", namespace: "shop", name, port: 80, section: "" };
  return { kind: "balancer", path, resource };
}

export const to = (...paths: string[]): Distribution => ({
  kind: "first-available",
  backends: paths.map((path) => ({ backend: backend(path), weight: 1 })),
});

export interface Rule {
  readonly name: string;
  readonly matches?: readonly RequestMatch[];
  readonly filters?: readonly Filter[];
  readonly distribution?: Distribution;
}

export function routes(...rules: Rule[]): HttpRoutes {
  return {
    isGrpc: rules.some(({ matches = [] }) => matches.some(({ kind }) => kind === "grpc")),
    routes: rules.map(({ name, matches = [], filters = [], distribution = to(WEB) }) => {
      const route = { group: "policy.linkerd.io", kind: "HTTPRoute", namespace: "shop", name };
      return { hosts: [], rules: [{ matches, target: { route, filters, distribution } }] };
    }),
  };
}

/** What an application was asked. */
interface Asked {
  readonly service: string;
  readonly path: string;
  readonly headers: http2.IncomingHttpHeaders;
}

interface Reply {
  readonly status: number;
  readonly headers: http2.IncomingHttpHeaders;
  readonly asked: Asked | undefined;
}

type Version = "HTTP/1" | "HTTP/2" | "gRPC";

export interface Shop {
  readonly pair: Pair;
  ask(path: string, headers?: Record<string, string>): Promise<Reply>;
  /** Sets the routes of the outbound policy, at once. */
  route(...rules: Rule[]): void;
  /** Sets the policy of the inbound port, at once. */
  serve(policy: Partial<ServerPolicy>): void;
}

/** Tells what it was asked, in either version. */
async function answer(service: string, request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url), asked = Object.fromEntries(request.headers);
  await request.body?.cancel();
  const type = request.headers.get("content-type") ?? "application/json";
  const headers = { "x-from": service, "content-type": type };
  return new Response(JSON.stringify({ service, path: pathname + search, headers: asked }), { headers });
}

async function askHttp1(url: string, headers: Record<string, string>): Promise<Reply> {
  const response = await fetch(url, { headers, redirect: "manual" }), text = await response.text();
  const all = Object.fromEntries(response.headers);
  return { status: response.status, headers: all, asked: text === "" ? undefined : JSON.parse(text) };
}

function askHttp2(
  session: http2.ClientHttp2Session,
  path: string,
  headers: Record<string, string>,
  isGrpc: boolean,
): Promise<Reply> {
  return new Promise((done, failed) => {
    const grpc = isGrpc ? { ":method": "POST", "content-type": "application/grpc", te: "trailers" } : {};
    const stream = session.request({ ":path": path, ":authority": "web.shop", ...grpc, ...headers });
    let head: http2.IncomingHttpHeaders = {}, text = "";
    stream.on("response", (headers) => head = headers);
    stream.on("data", (part: Uint8Array) => text += new TextDecoder().decode(part));
    stream.on("error", failed);
    stream.on("end", () => {
      const status = Number(head[":status"]);
      done({ status, headers: head, asked: text === "" ? undefined : JSON.parse(text) });
    });
    stream.end();
  });
}

/** Two services behind one pair: `web` and `canary`. @param environment of both proxies, beside what all tests have */
export async function withShop(
  version: Version,
  use: (shop: Shop) => Promise<void>,
  environment: Record<string, string> = {},
): Promise<void> {
  const canary = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => answer("canary", request),
  );
  await withPair(
    (request) => answer("web", request),
    async (pair) => {
      const { client, server, port } = pair;
      client.control.endpoints.set(CANARY, [
        endpointAt({ ip: "127.0.0.1", port: canary.addr.port }, SERVER, server.inboundAddress.port),
      ]);
      let decision = balanced(WEB, version === "gRPC" ? "grpc" : "detect");
      client.control.decisions.set(TARGET, decision);
      const session = version === "HTTP/1" ? undefined : http2.connect(pair.url);
      const ask = (path: string, headers: Record<string, string> = {}) =>
        session === undefined
          ? askHttp1(pair.url + path, headers)
          : askHttp2(session, path, headers, version === "gRPC");
      equal((await ask("/")).status, 200); // both proxies are told of their policies with the first connection
      try {
        await use({
          pair,
          ask,
          route: (...rules) => {
            client.control.setDecision(TARGET, decision = { ...decision, http: routes(...rules) });
          },
          serve: (policy) => server.control.setPolicy(port, { ...OPEN, ...policy }),
        });
      } finally {
        session?.destroy();
        await canary.shutdown(); // while its proxy still hears its GOAWAY
      }
    },
    environment,
    environment,
  );
}

export const NOBODY: ServerPolicy["authorizations"] = [];
export const ANYONE: ServerPolicy["authorizations"] = [{
  networks: parseNetworks("0.0.0.0/0")!.map((network) => ({ network, except: [] })),
  authentication: { kind: "none" },
  resource: { group: "policy.linkerd.io", kind: "authorizationpolicy", name: "anyone" },
}];
export const OPEN: ServerPolicy = {
  routes: [],
  protocol: "detect",
  detectTimeoutMs: 1000,
  authorizations: ANYONE,
  server: { group: "policy.linkerd.io", kind: "server", name: "web" },
};

export function inboundRoute(
  name: string,
  matches: readonly RequestMatch[],
  more: { readonly filters?: readonly Filter[]; readonly authorizations?: InboundRoute["authorizations"] } =
    {},
): InboundRoute {
  const { filters = [], authorizations = [] } = more;
  const resource = { group: "policy.linkerd.io", kind: "HTTPRoute", name };
  return { resource, authorizations, hosts: [], rules: [{ matches, filters }] };
}

/** The value of a counter whose labels hold all of `parts`. */
export function counted(
  { pair }: Pick<Shop, "pair">,
  side: "client" | "server",
  family: string,
  ...parts: string[]
): number {
  const values = pair[side].runtime.telemetry.families.get(family)?.values ?? new Map();
  return [...values].filter(([labels]) => parts.every((part) => labels.includes(part)))
    .reduce((sum, [, { value }]) => sum + value, 0);
}

/** What is told of a counter, or how many values of a histogram, whose labels hold all of `parts`. */
export function rowValue({ telemetry, arena }: Runtime, name: string, ...parts: string[]): number {
  let family = "", sum = 0;
  for (const row of rowsOf(telemetry, arena)) {
    if (row.kind === "family") family = row.name;
    else if (family === name && parts.every((part) => row.labels.includes(part))) {
      sum += row.kind === "value" ? row.value : row.count;
    }
  }
  return sum;
}
