import { deepEqual, equal } from "node:assert/strict";
import { DestinationProfile } from "../../../proto/gen/destination.ts";
import type { ProfileRoutes } from "../control/plane.ts";
import { decisionOf } from "../control/translate_outbound.ts";
import { profileRoutes } from "../control/translate_profile.ts";
import { type Pair, type TestProxy, withPair } from "../testing/meshed_pair.ts";
import { rowValue } from "../testing/routed_shop.ts";

const NAME = "web.shop.svc.cluster.local", DST = `${NAME}:80`, KEY = "10.43.0.7:80";

/** Of a service with one route, whose class takes 404 for a failure. */
const PROFILE: DestinationProfile = {
  ...DestinationProfile.decode(new Uint8Array()),
  fullyQualifiedName: NAME,
  routes: [{
    condition: { match: { $case: "path", value: { regex: "/items/.*" } } },
    responseClasses: [{
      condition: { match: { $case: "status", value: { min: 404, max: 404 } } },
      isFailure: true,
    }],
    metricsLabels: { route: "items" },
    isRetryable: false,
    timeout: undefined,
  }],
};
const ROUTES: ProfileRoutes = profileRoutes(PROFILE, DST)!;

/** What the server's proxy has counted by `dst`: all, those of the route, its failures. */
function counted({ server }: Pair, dst = DST): number[] {
  const labels = ['direction="inbound"', `dst="${dst}"`], route = [...labels, 'rt_route="items"'];
  return [
    rowValue(server.runtime, "route_request_total", ...labels),
    rowValue(server.runtime, "route_response_latency_ms", ...route),
    rowValue(server.runtime, "route_response_total", ...route, 'classification="failure"'),
  ];
}

/** @param host of requests that go to the server's proxy itself, as those of strangers do */
async function ask(port: number, path: string, host: string, more: HeadersInit = {}): Promise<number> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const lines = [...new Headers(more)].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${lines}\r\n`;
  await connection.write(new TextEncoder().encode(head));
  const text = await new Response(connection.readable).text();
  return Number(text.slice(9, 12));
}

const serve = ({ url }: Request) => new Response(null, { status: url.endsWith("/none") ? 404 : 200 });

Deno.test("a server counts by the routes of the profile that its client's proxy names", async () => {
  const names: (string | null)[] = [];
  const listening = (request: Request) => {
    names.push(request.headers.get("l5d-dst-canonical"));
    return serve(request);
  };
  await withPair(listening, async (pair) => {
    pair.client.control.decisions.set(KEY, decisionOf({ ip: "10.43.0.7", port: 80 }, undefined, PROFILE));
    pair.server.control.setProfile(DST, ROUTES);
    const get = (path: string) => ask(pair.client.outboundAddress.port, path, "web");
    // The first does not wait until the profile is known.
    for (const path of ["/first", "/items/1", "/items/none", "/other"]) await get(path);
    deepEqual(counted(pair), [3, 2, 1]);
    deepEqual(names, [DST, DST, DST, DST]);
    const failures = ({ runtime }: TestProxy, direction: string) =>
      rowValue(runtime, "response_total", `direction="${direction}"`, 'classification="failure"');
    const both = [failures(pair.client, "outbound"), failures(pair.server, "inbound")];
    deepEqual(both, [1, 1], "404 is one by the route's classes, whoever counts");
    equal(rowValue(pair.server.runtime, "route_actual_request_total", 'direction="inbound"'), 0);
  });
});

Deno.test("a client cannot name the profile itself, and a stranger is taken by whom it asks for", async () => {
  const other = `other.shop.svc.cluster.local:80`, lie = { "l5d-dst-canonical": other };
  await withPair(serve, async (pair) => {
    const { server, client, port } = pair;
    server.redirect("inbound", { ip: "127.0.0.1", port });
    server.control.setProfile(DST, ROUTES);
    server.control.setProfile(other, ROUTES);
    for (let i = 0; i < 2; i++) await ask(client.outboundAddress.port, "/items/1", "web", lie);
    for (let i = 0; i < 2; i++) await ask(server.inboundAddress.port, "/items/1", DST, lie);
    for (let i = 0; i < 2; i++) await ask(server.inboundAddress.port, "/items/1", NAME.toUpperCase(), lie);
    deepEqual(counted(pair, other), [0, 0, 0]);
    deepEqual(counted(pair), [2, 2, 0], "the second of each by which the name was written");
  });
});

Deno.test("changed routes count from the next request, and a profile that is gone counts nothing", async () => {
  await withPair(serve, async (pair) => {
    const { server, port } = pair, { control } = server;
    server.redirect("inbound", { ip: "127.0.0.1", port });
    const get = (path: string) => ask(server.inboundAddress.port, path, DST);
    await get("/items/1");
    deepEqual(counted(pair), [0, 0, 0], "there is none");
    control.setProfile(DST, ROUTES);
    await get("/items/1");
    control.setProfile(
      DST,
      profileRoutes({ ...PROFILE, routes: [{ ...PROFILE.routes[0]!, responseClasses: [] }] }, DST),
    );
    await get("/items/none");
    deepEqual(counted(pair), [2, 2, 0], "404 is no failure now");
    control.setProfile(DST, undefined);
    await get("/items/1");
    deepEqual(counted(pair), [2, 2, 0]);
  });
});

Deno.test("nothing is asked for names beyond the suffixes, for more than 64 names, or after they were idle", async () => {
  await withPair(serve, async (pair) => {
    const { server, port } = pair, { control, inbound, runtime: { loop } } = server;
    server.redirect("inbound", { ip: "127.0.0.1", port });
    const get = (host: string) => ask(server.inboundAddress.port, "/", host), before = control.open;
    for (
      const host of ["example.com", "a.very.long.name.of.another.domain.example.com:80", "10.0.0.1", "web:80"]
    ) {
      await get(host);
    }
    await get(DST);
    const withOne = control.open;
    for (let i = 0; i < 70; i++) await get(`web-${i}.shop.svc.cluster.local`);
    deepEqual([control.open - withOne, withOne - before], [63, 2], "one profile, and the port's policy");
    inbound.profiles.forgetIdle(loop.now + 1);
    equal(control.open, withOne - 1);
  });
});
