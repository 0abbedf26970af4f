import { deepEqual, equal, match, ok } from "node:assert/strict";
import http2 from "node:http2";
import { everyRequestTo } from "../../route/default_route.ts";
import { TestAuthority } from "../../testing/certificates.ts";
import { balanced, endpointAt } from "../../testing/fake_control.ts";
import { heard } from "../../testing/heard.ts";
import { CLIENT, SERVER, startTestProxy, type TestProxy } from "../../testing/meshed_pair.ts";

const authority = await TestAuthority.create();
const GATEWAY = "gateway.mesh.serviceaccount.identity.linkerd.cluster.local";
const MIRROR = "web-west.shop.svc.cluster.local:80", WEB = "web.shop.svc.cluster.local:80";
/** Watches for the policies of the gateway's own ports: the proxy's, and admin's. */
const PORTS = 2;
const SUFFIXES = { LINKERD2_PROXY_INBOUND_GATEWAY_SUFFIXES: "svc.cluster.local." };

interface Chain {
  readonly client: TestProxy;
  readonly gateway: TestProxy;
  readonly server: TestProxy;
  readonly url: string;
}

interface ChainOptions {
  readonly suffixes?: Record<string, string>;
  readonly protocol?: "detect" | "opaque";
  readonly gatewayName?: string;
}

/** What the application saw of a request. */
function echo(request: Request): Response {
  const { host } = new URL(request.url), { headers } = request;
  return Response.json({
    host: headers.get("host") ?? host,
    forwarded: headers.get("forwarded"),
    client: headers.get("l5d-client-id"),
    canonical: headers.get("l5d-dst-canonical"),
  });
}

/** client → its proxy → the gateway's proxy → the server's proxy → application. */
async function withChain(
  { suffixes = SUFFIXES, protocol = "detect", gatewayName = GATEWAY }: ChainOptions,
  use: (chain: Chain) => Promise<void>,
  serve: (request: Request) => Response | Promise<Response> = echo,
): Promise<void> {
  const client = await startTestProxy(authority, CLIENT);
  const gateway = await startTestProxy(authority, gatewayName, suffixes);
  const server = await startTestProxy(authority, SERVER);
  const application = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, serve);
  const { port } = application.addr;
  client.redirect("outbound", { ip: "10.43.0.7", port: 80 });
  client.control.decisions.set("10.43.0.7:80", balanced(MIRROR, protocol));
  client.control.endpoints.set(MIRROR, [{
    ...endpointAt(gateway.inboundAddress, gatewayName, gateway.inboundAddress.port),
    authorityOverride: WEB,
  }]);
  gateway.control.decisions.set(WEB, balanced(WEB, protocol));
  gateway.control.endpoints.set(WEB, [
    endpointAt({ ip: "127.0.0.1", port }, SERVER, server.inboundAddress.port),
  ]);
  const url = `http://127.0.0.1:${client.outboundAddress.port}`;
  try {
    await use({ client, gateway, server, url });
    for (const { faults } of [client, gateway, server]) deepEqual(faults, []);
  } finally {
    await client.stop();
    await gateway.stop();
    await application.shutdown();
    await server.stop();
  }
  for (const { runtime } of [client, gateway, server]) {
    equal(runtime.arena.slots.used, 0, "every buffer was given back");
  }
}

function valueOf(proxy: TestProxy, family: string, ...labels: string[]): number {
  const values = [...proxy.runtime.telemetry.families.get(family)?.values.entries() ?? []];
  return values.filter(([text]) => labels.every((label) => text.includes(label)))
    .reduce((sum, [, { value }]) => sum + value, 0);
}

const SIGNED =
  /^by=gateway\.mesh\.serviceaccount\.identity\.linkerd\.cluster\.local;for=client\.shop\.serviceaccount\.identity\.linkerd\.cluster\.local;host=web\.shop\.svc\.cluster\.local:80;proto=https$/;

Deno.test("an HTTP/1 request crosses a gateway: to the name of its header, signed by the gateway", async () => {
  await withChain({}, async ({ url, gateway, server }) => {
    for (let i = 0; i < 3; i++) {
      const response = await fetch(url, { headers: { "l5d-dst-canonical": "other:1" } });
      equal(response.status, 200);
      equal(response.headers.get("l5d-orig-proto"), null);
      const seen = await response.json();
      match(seen.forwarded, SIGNED);
      deepEqual(seen, { host: WEB, forwarded: seen.forwarded, client: GATEWAY, canonical: null });
    }
    equal(
      valueOf(
        gateway,
        "inbound_tcp_transport_header_connections_total",
        'target_name="web.shop.svc.cluster.local"',
        'target_port="80"',
        'session_protocol="http2"',
        `client_id="${CLIENT}"`,
      ),
      1,
    );
    equal(valueOf(gateway, "inbound_http_authz_allow_total", `client_id="${CLIENT}"`), 3);
    equal(valueOf(server, "inbound_http_authz_allow_total", `client_id="${GATEWAY}"`), 3);
  });
});

Deno.test("a traced request comes in to a gateway and goes out of it, signed and in one chain", async () => {
  const suffixes = { ...SUFFIXES, LINKERD2_PROXY_TRACE_COLLECTOR_SVC_ADDR: "localhost.:1" };
  const trace = "4bf92f3577b34da6a3ce929d0e0e4736", parent = "00f067aa0ba902b7";
  const serve = ({ headers }: Request) =>
    Response.json([headers.get("traceparent"), headers.get("forwarded")]);
  await withChain({ suffixes }, async ({ url, gateway: { spans } }) => {
    const response = await fetch(url, { headers: { traceparent: `00-${trace}-${parent}-01` } });
    const [traceparent, forwarded] = await response.json();
    match(forwarded, SIGNED);
    while (spans.length < 2) await new Promise((done) => setTimeout(done, 0));
    const [client, server] = spans;
    deepEqual([server!.direction, server!.kind, server!.parentId.toHex()], ["inbound", "server", parent]);
    deepEqual([client!.direction, client!.kind], ["outbound", "client"]);
    equal(client!.parentId.toHex(), server!.spanId.toHex());
    equal(traceparent, `00-${trace}-${client!.spanId.toHex()}-01`);
  }, serve);
});

Deno.test("an HTTP/2 request crosses a gateway as such, with its body and under its own name", async () => {
  const application = http2.createServer();
  application.on("stream", (stream: http2.ServerHttp2Stream, headers) => {
    stream.respond({ ":status": 200, authority: headers[":authority"], forwarded: headers["forwarded"] });
    stream.pipe(stream);
  });
  await new Promise<void>((done) => application.listen(0, "127.0.0.1", done));
  const { port } = application.address() as { port: number };
  await withChain({}, async ({ url, gateway, server }) => {
    gateway.control.endpoints.set(WEB, [
      endpointAt({ ip: "127.0.0.1", port }, SERVER, server.inboundAddress.port),
    ]);
    const session = http2.connect(url);
    const stream = session.request({ ":method": "POST", ":path": "/" });
    stream.end("x".repeat(200_000));
    const head = await new Promise<http2.IncomingHttpHeaders>((done) => stream.on("response", done));
    let length = 0;
    for await (const part of stream) length += part.length;
    equal(length, 200_000);
    equal(head["authority"], WEB);
    match(String(head["forwarded"]), SIGNED);
    session.destroy();
  });
  application.close();
});

/** Leads the client to the gateway without HTTP/2 between the two. */
function speakHttp1({ client, gateway }: Chain): void {
  client.control.endpoints.set(MIRROR, [{
    ...endpointAt(gateway.inboundAddress, GATEWAY, gateway.inboundAddress.port),
    hint: "none",
    authorityOverride: WEB,
  }]);
}

Deno.test("the same over HTTP/1 between the proxies: requests with bodies on one connection, and a WebSocket", async () => {
  await withChain({}, async (chain) => {
    speakHttp1(chain);
    for (let i = 0; i < 3; i++) {
      const response = await fetch(chain.url, { method: "POST", body: "x".repeat(50_000) });
      const { host, forwarded, size } = await response.json();
      deepEqual({ host, size }, { host: WEB, size: 50_000 });
      match(forwarded, SIGNED);
    }
    equal(
      valueOf(chain.gateway, "inbound_tcp_transport_header_connections_total", 'session_protocol="http1"'),
      1,
    );
    const socket = new WebSocket(chain.url.replace("http", "ws"));
    await new Promise((done) => socket.onopen = done);
    const echoed = new Promise((done) => socket.onmessage = ({ data }) => done(data));
    socket.send("through");
    equal(await echoed, "through");
    // It is judged by the gateway's policy as long as it lives.
    const closed = new Promise((done) => socket.onclose = done);
    socket.onerror = () => {}; // it is cut off
    const { port } = chain.gateway.inboundAddress;
    const { current } = chain.gateway.inbound.policies.of(port);
    chain.gateway.control.setPolicy(port, { ...current, authorizations: [] });
    await closed;
  }, async (request) => {
    if (request.headers.get("upgrade") === "websocket") {
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.onmessage = ({ data }) => socket.send(data);
      socket.onerror = () => {}; // it is cut off
      return response;
    }
    const { length: size } = await request.text(), seen = await echo(request).json();
    return Response.json({ ...seen, size });
  });
});

Deno.test("a request that the gateway sends again, because its first endpoint is gone, says the same", async () => {
  await withChain({}, async ({ url, gateway, server }) => {
    const dead = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const { port } = dead.addr as Deno.NetAddr;
    dead.close();
    const [live] = gateway.control.endpoints.get(WEB)!;
    gateway.control.endpoints.set(WEB, [endpointAt({ ip: "127.0.0.2", port }, SERVER, port), live!]);
    for (let i = 0; i < 6; i++) {
      const response = await fetch(url, { method: "PUT", body: "again" });
      const { host, forwarded } = await response.json();
      equal(host, WEB);
      match(forwarded, SIGNED);
    }
    equal(valueOf(server, "inbound_http_authz_allow_total"), 6);
    equal(valueOf(gateway, "inbound_http_authz_allow_total"), 6, "it is judged once");
  });
});

Deno.test("a request that has been through the gateway is answered 508, to gRPC ABORTED", async () => {
  await withChain({}, async ({ url, gateway }) => {
    const response = await fetch(url, { headers: { forwarded: `for=a;by=${GATEWAY};proto=https` } });
    equal(response.status, 508);
    await response.body?.cancel();
    const session = http2.connect(url);
    const stream = session.request({
      ":method": "POST",
      "content-type": "application/grpc",
      forwarded: `by=${GATEWAY}`,
    });
    const head = await new Promise<http2.IncomingHttpHeaders>((done) => stream.on("response", done));
    equal(head[":status"], 200);
    equal(head["grpc-status"], "10");
    stream.resume();
    session.destroy();
    equal(valueOf(gateway, "inbound_http_errors_total", 'error="gateway loop"'), 2);
    // Other gateways on the way are no loop.
    const other = await fetch(url, { headers: { forwarded: "by=other.gateway;for=a" } });
    match((await other.json()).forwarded, /^by=other\.gateway;for=a, by=gateway\.mesh/);
  });
});

Deno.test("a client that is the gateway itself is told that it goes in a circle", async () => {
  await withChain({ gatewayName: CLIENT }, async ({ url }) => {
    const response = await fetch(url);
    equal(response.status, 508);
    await response.body?.cancel();
  });
});

Deno.test("names beyond the gateway's suffixes, and names that nobody knows, are answered 404", async () => {
  const suffixes = { LINKERD2_PROXY_INBOUND_GATEWAY_SUFFIXES: "svc.other.local" };
  for (const options of [{ suffixes: {} }, { suffixes }]) {
    await withChain(options, async ({ url, gateway }) => {
      const response = await fetch(url);
      equal(response.status, 404);
      await response.body?.cancel();
      equal(valueOf(gateway, "inbound_http_errors_total", 'error="gateway domain invalid"'), 1);
      equal(gateway.control.open, PORTS, "nothing was looked up");
    });
  }
  await withChain({}, async ({ url, gateway }) => {
    gateway.control.decisions.delete(WEB);
    gateway.control.unknown.add(WEB);
    const response = await fetch(url);
    equal(response.status, 404);
    await response.body?.cancel();
  });
});

Deno.test("the gateway's own policy decides who may pass it, request by request", async () => {
  await withChain({}, async ({ url, gateway }) => {
    const { port } = gateway.inboundAddress;
    equal((await (await fetch(url)).json()).host, WEB);
    const { current } = gateway.inbound.policies.of(port);
    gateway.control.setPolicy(port, { ...current, authorizations: [] });
    const denied = await fetch(url);
    equal(denied.status, 403);
    await denied.body?.cancel();
    equal(valueOf(gateway, "inbound_http_authz_deny_total", `target_port="${port}"`), 1);
    gateway.control.setPolicy(port, current);
    equal((await (await fetch(url)).json()).host, WEB);
  });
});

Deno.test("requests wait for the answer about a name, and are judged once", async () => {
  await withChain({}, async ({ url, gateway }) => {
    const decision = gateway.control.decisions.get(WEB)!;
    gateway.control.decisions.delete(WEB);
    const pending = Promise.all([1, 2, 3].map(() => fetch(url).then((response) => response.json())));
    while (gateway.outbound.queued < 3) await new Promise((done) => setTimeout(done, 1));
    gateway.control.setDecision(WEB, decision);
    deepEqual((await pending).map(({ host }) => host), [WEB, WEB, WEB]);
    equal(valueOf(gateway, "inbound_http_authz_allow_total"), 3);
  });
});

Deno.test("an opaque connection crosses a gateway, and one that may not is closed", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" }), { port } = listener.addr as Deno.NetAddr;
  const serving = (async () => {
    for await (const connection of listener) {
      await connection.write(new TextEncoder().encode("220 hello\r\n"));
      await connection.readable.pipeTo(connection.writable).catch(() => {}); // it is cut off in the end
    }
  })();
  await withChain({ protocol: "opaque" }, async ({ client, gateway, server }) => {
    gateway.control.endpoints.set(WEB, [
      { ...endpointAt({ ip: "127.0.0.1", port }, SERVER, server.inboundAddress.port), hint: "opaque" },
    ]);
    const connection = await Deno.connect({ port: client.outboundAddress.port });
    const buffer = new Uint8Array(100), text = new TextDecoder();
    const read = async () => text.decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
    equal(await read(), "220 hello\r\n");
    await connection.write(new TextEncoder().encode("ping"));
    equal(await read(), "ping");
    equal(valueOf(gateway, "inbound_tcp_authz_allow_total", `client_id="${CLIENT}"`), 1);
    // A change of the gateway's policy ends it.
    const own = gateway.inboundAddress.port;
    gateway.control.setPolicy(own, { ...gateway.inbound.policies.of(own).current, authorizations: [] });
    equal(await connection.read(buffer).catch(() => null), null);
    connection.close();
    equal(valueOf(gateway, "inbound_tcp_authz_terminate_total"), 1);
  });
  listener.close();
  await serving.catch(() => {});
  await withChain({ protocol: "opaque", suffixes: {} }, async ({ client, gateway }) => {
    equal(await heard(client.outboundAddress.port, ""), "");
    equal(valueOf(gateway, "inbound_tcp_errors_total", 'error="gateway domain invalid"'), 1);
  });
});

Deno.test("a destination that a gateway connection uses is kept, and forgotten once nothing does", async () => {
  await withChain({}, async ({ url, client, gateway }) => {
    equal((await (await fetch(url)).json()).host, WEB);
    ok(gateway.control.open > 1);
    gateway.runtime.loop.now += 60_000_000;
    gateway.outbound.forgetIdle();
    equal((await (await fetch(url)).json()).host, WEB);
    client.outbound.drain(true);
    client.control.update(MIRROR, { kind: "reset" });
    while (gateway.inbound.connections.size > 0) await new Promise((done) => setTimeout(done, 1));
    gateway.runtime.loop.now += 60_000_000;
    gateway.outbound.forgetIdle();
    equal(gateway.control.open, PORTS);
  });
});

Deno.test("what a route of the gateway changes of a head goes on with what the gateway signs", async () => {
  const changes = { add: [["x-route", "west"]] as const, set: [], remove: ["x-gone"] };
  const serve = ({ headers }: Request) =>
    Response.json([headers.get("x-route"), headers.get("x-gone"), headers.get("forwarded")]);
  for (const isHttp1 of [false, true]) {
    await withChain({}, async (chain) => {
      const { opaque } = balanced(WEB);
      chain.gateway.control.decisions.set(WEB, {
        ...balanced(WEB),
        http: everyRequestTo(opaque, { filters: [{ kind: "request-headers", changes }] }),
      });
      if (isHttp1) speakHttp1(chain);
      for (let i = 0; i < 2; i++) {
        const [route, gone, forwarded] = await (await fetch(chain.url, { headers: { "x-gone": "1" } }))
          .json();
        deepEqual([route, gone], ["west", null]);
        match(forwarded, SIGNED);
      }
    }, serve);
  }
});
