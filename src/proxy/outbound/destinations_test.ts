import { deepEqual, equal, ok } from "node:assert/strict";
import { everyRequestTo } from "../route/default_route.ts";
import { TestAuthority } from "../testing/certificates.ts";
import { balanced, endpointAt } from "../testing/fake_control.ts";
import { heard } from "../testing/heard.ts";
import { CLIENT, SERVER, startTestProxy, type TestProxy, withPair } from "../testing/meshed_pair.ts";

const authority = await TestAuthority.create();
const WEB = "web.shop.svc.cluster.local:80", KEY = "10.43.0.7:80";

const later = () => new Promise((done) => setTimeout(done, 1));

/** Writes `text`, and reads until what came contains `wanted`; all that came when it ended before. */
async function say(connection: Deno.Conn, text: string, wanted: string): Promise<string> {
  await connection.write(new TextEncoder().encode(text));
  const buffer = new Uint8Array(4096);
  let heard = "";
  while (!heard.includes(wanted)) {
    const count = await connection.read(buffer).catch(() => null);
    if (count === null) break;
    heard += new TextDecoder().decode(buffer.subarray(0, count));
  }
  return heard;
}

const GET = "GET / HTTP/1.1\r\nhost: web\r\n\r\n";

Deno.test("a port that stops to speak HTTP keeps its open connections as they are, and new ones pass opaquely", async () => {
  await withPair(() => new Response("hello"), async ({ client, port }) => {
    const { control, outbound } = client, outboundPort = client.outboundAddress.port;
    control.endpoints.set(WEB, [endpointAt({ ip: "127.0.0.1", port })]);
    const counted = () =>
      [...client.runtime.telemetry.http.values()].reduce((sum, { requests }) => sum + requests, 0);
    const old = await Deno.connect({ port: outboundPort });
    ok((await say(old, GET, "hello")).startsWith("HTTP/1.1 200"));
    control.setDecision(KEY, balanced(WEB, "opaque"));
    const fresh = await Deno.connect({ port: outboundPort });
    ok((await say(fresh, GET, "hello")).startsWith("HTTP/1.1 200"));
    equal(counted(), 1, "what passes opaquely is no request to the proxy");
    ok((await say(old, GET, "hello")).startsWith("HTTP/1.1 200"));
    equal(counted(), 2, "the open connection is HTTP as before");
    // New routes reach it still.
    control.setDecision(KEY, { ...balanced(WEB), http: everyRequestTo({ kind: "empty", reason: "closed" }) });
    ok(/^HTTP\/1.1 404/.test(await say(old, GET, "\r\n\r\n")));
    old.close();
    fresh.close();
    while (outbound.connections.size > 0) await later();
    const open = control.open;
    client.runtime.loop.now += 60_000_000;
    outbound.forgetIdle();
    equal(control.open, open - 3, "both destinations and the service are let go");
  });
});

Deno.test("what goes to a loopback address, or was not redirected, is refused and counted", async () => {
  const proxy = await startTestProxy(authority, CLIENT);
  const refused = async () => equal(await heard(proxy.outboundAddress.port, GET), "");
  for (const ip of ["127.0.0.1", "127.255.0.9", "::1"]) {
    proxy.redirect("outbound", { ip, port: 80 });
    await refused();
  }
  proxy.redirect("outbound", proxy.outboundAddress);
  await refused();
  equal(proxy.runtime.telemetry.value("outbound_tcp_errors_total", { error: "unexpected" }), 4);
  equal(proxy.control.open, 1, "nothing was looked up");
  deepEqual(proxy.faults, []);
  await proxy.stop();
});

/** The labels of what has gone to an endpoint. */
const destinationsOf = (proxy: TestProxy) =>
  [...proxy.runtime.telemetry.tcp.keys()].filter((labels) => labels.includes('peer="dst"'));

Deno.test("an endpoint that is the workload itself is asked plainly, others by mutual TLS", async () => {
  const application = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => new Response("own"),
  );
  const { port } = application.addr;
  const proxy = await startTestProxy(authority, CLIENT, { LINKERD2_PROXY_INBOUND_IPS: "127.0.0.1,fd00::1" });
  proxy.redirect("outbound", { ip: "10.43.0.7", port: 80 });
  proxy.control.decisions.set(KEY, balanced(WEB));
  // As discovery tells it to everybody: meshed, by transport header. Nothing listens on that port.
  const meshed = { ...endpointAt({ ip: "127.0.0.1", port }, SERVER, 1), authorityOverride: "other:80" };
  proxy.control.endpoints.set(WEB, [meshed]);
  const url = `http://127.0.0.1:${proxy.outboundAddress.port}`;
  equal(await (await fetch(url)).text(), "own");
  const resource = balanced(WEB).parent;
  proxy.redirect("outbound", { ip: "10.43.0.8", port: 80 });
  proxy.control.decisions.set("10.43.0.8:80", {
    ...balanced(WEB),
    http: everyRequestTo({
      kind: "first-available",
      backends: [{ backend: { kind: "forward", endpoint: meshed, resource }, weight: 1 }],
    }),
  });
  const connection = await Deno.connect({ port: proxy.outboundAddress.port });
  ok((await say(connection, GET, "own")).startsWith("HTTP/1.1 200"));
  connection.close();
  for (const labels of destinationsOf(proxy)) {
    ok(labels.includes('tls="no_identity"') && labels.includes('no_tls_reason="loopback"'), labels);
  }
  deepEqual(proxy.faults, []);
  await proxy.stop();
  await application.shutdown();
  await withPair(() => new Response("other"), async ({ client, url }) => {
    equal(await (await fetch(url)).text(), "other");
    ok(destinationsOf(client).every((labels) => labels.includes('tls="true"')));
  });
});
