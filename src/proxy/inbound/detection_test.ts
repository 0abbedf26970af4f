import { deepEqual, equal, ok } from "node:assert/strict";
import { metricsText } from "../testing/metrics_text.ts";
import { heard } from "../testing/heard.ts";
import { SERVER, type TestProxy, withPair } from "../testing/meshed_pair.ts";

const later = () => new Promise((done) => setTimeout(done, 1));

const results = (proxy: TestProxy) =>
  [...proxy.runtime.telemetry.families.get("inbound_tcp_detect_http_results_total")?.values.entries() ?? []]
    .map(([labels, { value }]) => `${/result="([^"]*)"/.exec(labels)![1]} ${value}`).sort();

const sourcesOf = (proxy: TestProxy) =>
  [...proxy.runtime.telemetry.tcp.keys()].filter((labels) => labels.includes('peer="src"'));

const GET = "GET / HTTP/1.1\r\nhost: web\r\n\r\n";

Deno.test("what inbound connections turn out to speak is counted, inside mutual TLS and outside", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  (async () => {
    for await (const connection of listener) {
      await connection.write(new TextEncoder().encode("220 hello")).catch(() => {}); // a client may have left
      connection.close();
    }
  })().catch(() => {}); // the listener was closed
  await withPair(() => new Response("hello"), async ({ server, url, port }) => {
    const inbound = server.inboundAddress.port;
    equal(await (await fetch(url)).text(), "hello"); // HTTP/2 between the proxies
    server.redirect("inbound", { ip: "127.0.0.1", port });
    ok((await heard(inbound, GET)).startsWith("HTTP/1.1 200"));
    server.redirect("inbound", { ip: "127.0.0.1", port: (listener.addr as Deno.NetAddr).port });
    equal(await heard(inbound, "*1\r\n$4\r\nPING\r\n"), "220 hello");
    equal(await heard(inbound, ""), "220 hello"); // it waited for the server to begin
    deepEqual(results(server), ["http/1 1", "http/2 1", "not_http 1", "read_timeout 1"]);
    const text = metricsText(server.runtime.telemetry, server.runtime.arena);
    const bucket = /inbound_tcp_detect_http_duration_seconds_bucket\{srv_[^}]*le="0.1"\} (\d)\n/g;
    equal([...text.matchAll(bucket)].reduce((sum, [, count]) => sum + Number(count), 0), 3, text);
    // Where the policy says what is spoken, nothing is detected.
    const { current } = server.inbound.policies.of(port);
    server.control.setPolicy(port, { ...current, protocol: "http1" });
    server.redirect("inbound", { ip: "127.0.0.1", port });
    ok((await heard(inbound, GET)).startsWith("HTTP/1.1 200"));
    equal(results(server).length, 4);
  });
  listener.close();
});

Deno.test("TLS for another name passes as it is, and is told apart by the name", async () => {
  await withPair(() => new Response(), async ({ server, authority }) => {
    const name = "www.example.org", leaf = await authority.issue(name);
    const pem = (kind: string, der: Uint8Array) =>
      `-----BEGIN ${kind}-----\n${der.toBase64()}\n-----END ${kind}-----\n`;
    const listener = Deno.listenTls({
      hostname: "127.0.0.1",
      port: 0,
      cert: pem("CERTIFICATE", leaf.chain[0]!),
      key: pem("EC PRIVATE KEY", leaf.key.toDer()),
    });
    const serving = (async () => {
      const connection = await listener.accept();
      await connection.write(new TextEncoder().encode("passed"));
      connection.close();
    })();
    const { port } = listener.addr as Deno.NetAddr;
    server.redirect("inbound", { ip: "127.0.0.1", port });
    const connection = await Deno.connect({ port: server.inboundAddress.port, hostname: "127.0.0.1" });
    const secured = await Deno.startTls(connection, {
      hostname: name,
      caCerts: [pem("CERTIFICATE", authority.anchor)],
    });
    const buffer = new Uint8Array(100), count = await secured.read(buffer);
    equal(new TextDecoder().decode(buffer.subarray(0, count ?? 0)), "passed");
    secured.close();
    await serving;
    while (server.inbound.connections.size > 0) await later();
    const [labels, ...more] = sourcesOf(server);
    equal(more.length, 0);
    ok(labels!.includes('tls="opaque",sni="www.example.org"') && !labels!.includes("client_id"), labels!);
    equal(server.runtime.telemetry.families.get("inbound_tcp_authz_allow_total")!.values.size, 1);
    // The port's policy holds for what passes.
    server.control.setPolicy(port, { ...server.inbound.policies.of(port).current, authorizations: [] });
    const refused = await Deno.connect({ port: server.inboundAddress.port, hostname: "127.0.0.1" });
    const cut = await Deno.startTls(refused, {
      hostname: name,
      caCerts: [pem("CERTIFICATE", authority.anchor)],
    });
    ok(await cut.handshake().then(() => false, () => true), "it was cut off");
    cut.close();
    equal(server.runtime.telemetry.families.get("inbound_tcp_authz_deny_total")!.values.size, 1);
    listener.close();
  });
});

Deno.test("a direct connection must prove who it is: no TLS, another name and no certificate are refused", async () => {
  await withPair(() => new Response(), async ({ server, authority }) => {
    const { port } = server.inboundAddress;
    const caCerts = [
      `-----BEGIN CERTIFICATE-----\n${authority.anchor.toBase64()}\n-----END CERTIFICATE-----\n`,
    ];
    equal(await heard(port, GET), "");
    for (const hostname of ["www.example.org", SERVER]) {
      const connection = await Deno.connect({ port, hostname: "127.0.0.1" });
      const alpnProtocols = ["transport.l5d.io/v1"]; // it has no certificate
      const secured = await Deno.startTls(connection, { hostname, caCerts, alpnProtocols }).catch(() =>
        undefined
      );
      const count = await secured?.read(new Uint8Array(10)).catch(() => null);
      equal(count ?? null, null, hostname);
      secured?.close();
    }
    equal(server.runtime.telemetry.value("inbound_tcp_errors_total", { error: "unexpected" }), 3);
    equal(server.inbound.connections.size, 0);
  });
});

Deno.test("requests on an open connection are 404 once their port is not to speak HTTP, and served once it is again", async () => {
  await withPair(() => new Response("hello"), async ({ server, url, port }) => {
    const { current } = server.inbound.policies.of(port);
    const status = async () => {
      const response = await fetch(url);
      await response.body?.cancel();
      return response.status;
    };
    equal(await status(), 200);
    const opened = () =>
      [...server.runtime.telemetry.tcp.values()].reduce((sum, { opened }) => sum + opened, 0);
    const before = opened();
    for (const protocol of ["opaque", "tls"] as const) {
      server.control.setPolicy(port, { ...current, protocol });
      equal(await status(), 404, protocol);
      server.control.setPolicy(port, { ...current, protocol: "detect" });
      equal(await status(), 200);
    }
    equal(opened(), before, "it was the same connections throughout");
    const counted = server.runtime.telemetry.families.get("inbound_http_route_not_found_total")!.values;
    equal([...counted.values()].reduce((sum, { value }) => sum + value, 0), 2);
  });
});
