/** Routes of the small shop: the one to the catalog is split, the others are defaults. */
import type { Edge, StatRow } from "../../src/mesh/api.ts";
import type { InboundRouteRow, OutboundRouteRow } from "../../src/mesh/route_api.ts";

const DEFAULT = { kind: "default", namespace: "", name: "http" };

export function inboundRoutes({ resource, requests }: StatRow): InboundRouteRow[] {
  if (requests === undefined) return [];
  return [{
    resource,
    server: { kind: "default", namespace: "", name: "all-unauthenticated", port: 8080 },
    route: DEFAULT,
    requests,
  }];
}

export function outboundRoutes(edges: readonly Edge[]): OutboundRouteRow[] {
  return edges.filter(({ requests }) => requests.successRate !== undefined).map((edge): OutboundRouteRow => {
    const { source, destination: { namespace, name }, requests } = edge, isSplit = name === "catalog";
    const service = (name: string) => ({ kind: "Service", namespace, name, port: 80 });
    const backend = (name: string, part: number) => ({
      backend: service(name),
      requests: { ...requests, rps: requests.rps * part },
      timeouts: 0,
      toldApartFromMs: 25,
    });
    return {
      resource: source,
      parent: service(name),
      route: isSplit ? { kind: "HTTPRoute", namespace, name: "catalog-canary" } : DEFAULT,
      requests,
      timeouts: isSplit ? 3 : 0,
      toldApartFromMs: 50,
      retries: isSplit ? 12 : 0,
      backends: isSplit ? [backend("catalog", 0.9), backend("catalog-v2", 0.1)] : [backend(name, 1)],
    };
  });
}
