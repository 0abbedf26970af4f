/** Routes from end to end: client → outbound → mutual TLS → inbound → application, over both versions and gRPC. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { Filter, HeaderChanges } from "./route/filters.ts";
import type { RequestMatch } from "./route/matches.ts";
import { balanced } from "./testing/fake_control.ts";
import { withPair } from "./testing/meshed_pair.ts";
import {
  ANYONE,
  backend,
  CANARY,
  changes,
  counted,
  exact,
  http,
  inboundRoute,
  NOBODY,
  OPEN,
  prefix,
  routes,
  rowValue,
  type Rule,
  type Shop,
  TARGET,
  to,
  WEB,
  withShop,
} from "./testing/routed_shop.ts";

for (const version of ["HTTP/1", "HTTP/2"] as const) {
  const test = (what: string, use: (shop: Shop) => Promise<void>) =>
    Deno.test(`${version}: ${what}`, () => withShop(version, use));

  test("a header sends its requests to the canary, and a change of policy counts at once", async ({ ask, route }) => {
    const toCanary: Rule = {
      name: "canary",
      matches: [http({ headers: [{ name: "x-canary", value: exact("yes") }] })],
      distribution: to(CANARY),
    };
    equal((await ask("/")).asked?.service, "web");
    route({ name: "default" }, toCanary);
    equal((await ask("/", { "x-canary": "yes" })).asked?.service, "canary");
    equal((await ask("/", { "x-canary": "no" })).asked?.service, "web");
    equal((await ask("/")).asked?.service, "web");
    route({ name: "default" });
    equal((await ask("/", { "x-canary": "yes" })).asked?.service, "web");
  });

  test("requests are counted by route and by backend, and by route where they come in", async (shop) => {
    const { ask, route, serve } = shop;
    serve({ routes: [inboundRoute("items", [http({ path: prefix("/items") })])] });
    route({ name: "items", matches: [http({ path: prefix("/items") })], distribution: to(CANARY) }, {
      name: "broken",
      filters: [{ kind: "http-failure", status: 503, message: "" }],
    });
    await ask("/items/1");
    await ask("/items/2");
    await ask("/");
    const route_ = 'route_kind="HTTPRoute",route_namespace="shop",route_name="items"';
    const backend =
      'backend_group="core",backend_kind="Service",backend_namespace="shop",backend_name="canary"';
    const told = (side: "client" | "server", name: string, ...parts: string[]) =>
      rowValue(shop.pair[side].runtime, name, ...parts);
    equal(told("client", "outbound_http_route_backend_requests_total", route_, backend), 2);
    equal(
      told("client", "outbound_http_route_backend_response_statuses_total", backend, 'http_status="200"'),
      2,
    );
    equal(
      told("client", "outbound_http_route_request_statuses_total", route_, 'http_status="200",error=""'),
      2,
    );
    equal(told("client", "outbound_http_route_request_duration_seconds", route_, 'hostname=""'), 2);
    equal(
      told(
        "client",
        "outbound_http_route_request_statuses_total",
        'route_name="broken"',
        'http_status="503"',
      ),
      1,
    );
    equal(told("client", "outbound_http_route_backend_requests_total", 'route_name="broken"'), 0);
    route({ name: "plain" });
    await ask("/items/3");
    const inbound = 'route_kind="HTTPRoute",route_name="items"';
    equal(told("server", "inbound_http_requests_total", 'parent_name="web"', inbound), 1);
    equal(told("server", "inbound_http_statuses_total", inbound, 'http_status="200"'), 1);
    equal(told("server", "inbound_http_response_duration_seconds", inbound), 1);
    ok((told("server", "inbound_http_response_frame_size_bytes", inbound) ?? 0) >= 1);
    ok((told("client", "outbound_http_route_backend_response_frame_size_bytes", backend) ?? 0) >= 2);
    equal(told("client", "outbound_http_route_request_frame_size_bytes", route_), 0, "they had no content");
  });

  test("weights are shares of the requests", async ({ ask, route }) => {
    const backends = [{ backend: backend(WEB), weight: 90 }, { backend: backend(CANARY), weight: 10 }];
    route({ name: "split", distribution: { kind: "random", backends } });
    let canary = 0;
    for (let i = 0; i < 300; i++) if ((await ask("/")).asked?.service === "canary") canary++;
    ok(canary > 5 && canary < 80, `${canary} of 300`); // one in ten million runs is outside
  });

  test("what no route takes is not found, and what its route redirects is told where to ask", async ({ ask, route, pair }) => {
    route(
      { name: "items", matches: [http({ path: prefix("/items") })] },
      {
        name: "old",
        matches: [http({ path: prefix("/old") })],
        filters: [{
          kind: "redirect",
          status: 302,
          scheme: "https",
          host: "new.shop",
          path: { kind: "prefix", value: "/items" },
        }],
      },
    );
    equal((await ask("/items/1")).asked?.path, "/items/1");
    const missing = await ask("/carts");
    equal(missing.status, 404);
    ok(String(missing.headers["l5d-proxy-error"]).includes("no route"));
    const { status, headers } = await ask("/old/a?b=c", { host: "web.shop" });
    equal(status, 302);
    const statuses = "outbound_http_route_request_statuses_total", { runtime } = pair.client;
    equal(rowValue(runtime, statuses, 'route_name="old"', 'http_status="302",error=""'), 1);
    equal(counted({ pair }, "client", "outbound_http_errors_total"), 1, "what was not found alone");
    ok(
      /^https:\/\/new\.shop(:[0-9]+)?\/items\/a\?b=c$/.test(String(headers["location"])),
      String(headers["location"]),
    );
  });

  test("heads are edited both ways, by the rule and by the backend that was chosen", async ({ ask, route }) => {
    const edit = (kind: "request-headers" | "response-headers", some: Partial<HeaderChanges>): Filter => ({
      kind,
      changes: changes(some),
    });
    route({
      name: "edited",
      filters: [
        edit("request-headers", {
          add: [["x-added", "rule"]],
          set: [["x-set", "rule"]],
          remove: ["x-secret"],
        }),
        edit("response-headers", { set: [["X-From", "the mesh"]], add: [["x-more", "1"]] }),
      ],
      distribution: {
        kind: "first-available",
        backends: [{
          backend: backend(WEB),
          weight: 1,
          filters: [edit("request-headers", { set: [["x-set", "backend"]] })],
        }],
      },
    });
    for (let i = 0; i < 2; i++) { // the second time with what the first left in the tables of HPACK
      const { status, headers, asked } = await ask("/a", {
        "x-secret": "1",
        "X-Set": "client",
        "x-kept": "1",
      });
      equal(status, 200);
      const got = asked?.headers ?? {};
      deepEqual([got["x-added"], got["x-set"], got["x-secret"], got["x-kept"]], [
        "rule",
        "backend",
        undefined,
        "1",
      ]);
      deepEqual([headers["x-from"], headers["x-more"]], ["the mesh", "1"]);
    }
    route({ name: "plain" });
    const { headers, asked } = await ask("/a", { "x-secret": "1" });
    deepEqual([asked?.headers["x-secret"], headers["x-from"]], ["1", "web"]);
  });

  test("failures are injected, and a filter that cannot be followed fails its requests", async ({ ask, route }) => {
    const failing = (filter: Filter): Rule => ({ name: "failing", filters: [filter] });
    route(failing({ kind: "http-failure", status: 418, message: "no coffee" }));
    const answer = await ask("/");
    equal(answer.status, 418);
    equal(answer.headers["l5d-proxy-error"], "no coffee");
    route(failing({ kind: "request-headers", changes: changes({ set: [["host", "evil"]] }) }));
    equal((await ask("/")).status, 500);
    route(
      failing({ kind: "http-failure", status: 500, message: "", ratio: { numerator: 0, denominator: 1 } }),
    );
    equal((await ask("/")).status, 200);
  });

  test("a backend without endpoints of its own takes its share and fails it", async ({ ask, route }) => {
    const { resource } = backend(CANARY);
    const lost = { backend: { kind: "none" as const, resource }, weight: 1 };
    const filters: Filter[] = [{ kind: "http-failure", status: 500, message: "Service not found" }];
    route({ name: "lost", distribution: { kind: "random", backends: [lost] } });
    equal((await ask("/")).status, 502);
    route({ name: "lost", distribution: { kind: "random", backends: [{ ...lost, filters }] } });
    equal((await ask("/")).headers["l5d-proxy-error"], "Service not found");
  });

  test("a route admits whom the server does not, and no other route gains by it", async (shop) => {
    const { ask, serve } = shop;
    serve({
      authorizations: NOBODY,
      routes: [
        inboundRoute("all", [http()]),
        inboundRoute("public", [http({ path: prefix("/public") })], { authorizations: ANYONE }),
      ],
    });
    equal((await ask("/public/1")).status, 200);
    equal((await ask("/private")).status, 403);
    equal(counted(shop, "server", "inbound_http_authz_allow_total", 'route_name="public"'), 1);
    equal(counted(shop, "server", "inbound_http_authz_deny_total", 'route_name="all"'), 1);
    serve({ routes: [inboundRoute("public", [http({ path: prefix("/public") })])] });
    equal((await ask("/public/1")).status, 200);
    equal((await ask("/private")).status, 404);
    equal(counted(shop, "server", "inbound_http_route_not_found_total", 'srv_name="web"'), 1);
    serve({ protocol: "opaque" });
    equal((await ask("/public/1")).status, 404, "a port that is not to speak HTTP any more");
  });

  test("inbound routes edit, redirect and fail too, and the client's identity still is the proxy's to tell", async ({ ask, serve }) => {
    const filters: Filter[] = [{ kind: "request-headers", changes: changes({ set: [["x-tier", "gold"]] }) }];
    serve({
      routes: [
        inboundRoute("edited", [http()], { filters }),
        inboundRoute("gone", [http({ path: exact("/gone") })], {
          filters: [{ kind: "http-failure", status: 410, message: "gone" }],
        }),
        inboundRoute("moved", [http({ path: exact("/moved") })], {
          filters: [{ kind: "redirect", status: 301, path: { kind: "full", value: "/" } }],
        }),
      ],
    });
    const { asked } = await ask("/", { "l5d-client-id": "forged", "x-tier": "lead" });
    equal(asked?.headers["x-tier"], "gold");
    ok(
      String(asked?.headers["l5d-client-id"]).startsWith("client.shop."),
      String(asked?.headers["l5d-client-id"]),
    );
    equal((await ask("/gone")).status, 410);
    equal((await ask("/moved")).status, 301);
  });

  test("what only the audit policy lets pass is told of", async ({ ask, serve, pair }) => {
    const audit = { ...ANYONE[0]!, resource: { group: "", kind: "default", name: "audit" } };
    const told = () => pair.server.logs.filter((line) => line.includes("audit")).length;
    serve({});
    equal((await ask("/")).status, 200);
    equal(told(), 0);
    serve({ authorizations: [audit] });
    equal((await ask("/")).status, 200);
    equal(told(), 1);
  });

  test("a rate limit refuses what is too much, and says which limit it was", async (shop) => {
    const { ask, serve } = shop;
    const resource = { group: "policy.linkerd.io", kind: "httplocalratelimitpolicy", name: "few" };
    serve({ rateLimit: { resource, total: 100, identity: 2, overrides: [] } });
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await ask("/")).status);
    deepEqual(statuses.slice(0, 2), [200, 200]);
    ok(statuses.includes(429), statuses.join());
    const name = "inbound_http_local_ratelimit_total";
    ok(counted(shop, "server", name, 'ratelimit_name="few"', 'ratelimit_scope="identity"') > 0);
  });
}

Deno.test("gRPC: calls are routed by service and method, and errors are told in gRPC's way", () =>
  withShop("gRPC", async ({ ask, route, serve, pair }) => {
    const call = (service: string, method = ""): RequestMatch => ({
      kind: "grpc",
      service,
      method,
      headers: [],
    });
    route(
      { name: "cart", matches: [call("shop.Cart")] },
      { name: "add", matches: [call("shop.Cart", "Add")], distribution: to(CANARY) },
      {
        name: "broken",
        matches: [call("shop.Broken")],
        filters: [{ kind: "grpc-failure", status: 14, message: "away" }],
      },
    );
    equal((await ask("/shop.Cart/List")).asked?.service, "web");
    equal((await ask("/shop.Cart/Add")).asked?.service, "canary");
    const missing = await ask("/shop.Other/List");
    deepEqual([missing.status, missing.headers["grpc-status"]], [200, "5"]);
    const broken = await ask("/shop.Broken/Do");
    deepEqual([broken.headers["grpc-status"], broken.headers["grpc-message"]], ["14", "away"]);
    const statuses = "outbound_grpc_route_request_statuses_total";
    equal(rowValue(pair.client.runtime, statuses, 'route_name="broken"', 'grpc_status="UNAVAILABLE"'), 1);
    serve({
      authorizations: NOBODY,
      protocol: "grpc",
      routes: [inboundRoute("cart", [call("shop.Cart", "List")])],
    });
    equal((await ask("/shop.Cart/List")).headers["grpc-status"], "7");
    serve({ protocol: "grpc", routes: [inboundRoute("cart", [call("shop.Cart", "Get")])] });
    equal((await ask("/shop.Cart/List")).headers["grpc-status"], "5");
    const resource = { group: "policy.linkerd.io", kind: "httplocalratelimitpolicy", name: "none" };
    serve({ protocol: "http2", rateLimit: { resource, total: 1, identity: 0, overrides: [] } });
    const codes = [];
    for (let i = 0; i < 3; i++) codes.push((await ask("/shop.Cart/List")).headers["grpc-status"]);
    ok(codes.includes("8"), codes.join());
  }));

Deno.test("a WebSocket takes the route of a GET, with what the route changes on either side", async () => {
  const add = (name: string): Filter[] => [{
    kind: "request-headers",
    changes: changes({ add: [[name, "1"]], remove: ["origin"] }),
  }];
  const match = http({ method: "GET", path: prefix("/ws") });
  await withPair((request) => {
    const told = ["x-out", "x-in", "origin"].map((name) => request.headers.get(name));
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "chat" });
    socket.onopen = () => socket.send(JSON.stringify(told));
    return response;
  }, async ({ client, server, url, port }) => {
    const rules = routes({ name: "ws", matches: [match], filters: add("x-out") });
    client.control.decisions.set(TARGET, { ...balanced(WEB), http: rules });
    server.control.policies.set(port, {
      ...OPEN,
      routes: [inboundRoute("ws", [match], { filters: add("x-in") })],
    });
    for (let i = 0; i < 2; i++) { // the first may come before the server's proxy is told of its policy
      const socket = new WebSocket(`${url.replace("http", "ws")}/ws/a`, ["chat"]);
      const told = await new Promise<string>((done, failed) => {
        socket.onmessage = ({ data }) => done(data);
        socket.onerror = () => failed(new Error("no WebSocket"));
      });
      const closed = new Promise((done) => socket.onclose = done);
      socket.close();
      await closed;
      if (i === 1) deepEqual(JSON.parse(told), ["1", "1", null]);
    }
    const missing = await fetch(`${url}/other`);
    equal(missing.status, 404);
    await missing.body?.cancel();
  });
});
