import { deepEqual, equal, ok } from "node:assert/strict";
import type { Distribution, OutboundDecision, TlsRoute } from "../control/plane.ts";
import { metricsText } from "../testing/metrics_text.ts";
import { TestAuthority } from "../testing/certificates.ts";
import { balanced, endpointAt } from "../testing/fake_control.ts";
import { greeter, heard } from "../testing/heard.ts";
import { CLIENT, startTestProxy, type TestProxy } from "../testing/meshed_pair.ts";

const authority = await TestAuthority.create();
const pem = (kind: string, der: Uint8Array) =>
  `-----BEGIN ${kind}-----\n${der.toBase64()}\n-----END ${kind}-----\n`;
const ROOT = pem("CERTIFICATE", authority.anchor);

/** A TLS server that says who it is and ends; it proves whatever name it is asked for. */
async function tlsServer(name: string): Promise<{ port: number; close(): void }> {
  const leaf = await authority.issue(name);
  const listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert: pem("CERTIFICATE", leaf.chain[0]!),
    key: pem("EC PRIVATE KEY", leaf.key.toDer()),
  });
  (async () => {
    for await (const connection of listener) {
      await connection.write(new TextEncoder().encode(name)).catch(() => {}); // a client may have refused its name
      connection.close();
    }
  })().catch(() => {}); // the listener was closed
  return { port: (listener.addr as Deno.NetAddr).port, close: () => listener.close() };
}

function resource(name: string): TlsRoute["resource"] {
  return {
    group: "gateway.networking.k8s.io",
    kind: "TLSRoute",
    namespace: "shop",
    name,
    port: 0,
    section: "",
  };
}

function to(port: number): Distribution {
  const endpoint = endpointAt({ ip: "127.0.0.1", port });
  return {
    kind: "first-available",
    backends: [{ backend: { kind: "forward", endpoint, resource: resource("backend") }, weight: 1 }],
  };
}

/** What a client hears that asks for `name`; undefined when it was cut off. */
async function hear(proxy: TestProxy, name: string): Promise<string | undefined> {
  const connection = await Deno.connect({ port: proxy.outboundAddress.port });
  try {
    const secured = await Deno.startTls(connection, { hostname: name, caCerts: [ROOT] });
    const buffer = new Uint8Array(100), count = await secured.read(buffer);
    secured.close();
    return new TextDecoder().decode(buffer.subarray(0, count ?? 0));
  } catch {
    return undefined; // cut off, which is what the case is about
  }
}

async function withRoutes(
  decision: Partial<OutboundDecision>,
  use: (proxy: TestProxy) => Promise<void>,
  environment: Record<string, string> = {},
): Promise<void> {
  const proxy = await startTestProxy(authority, CLIENT, {
    LINKERD2_PROXY_OUTBOUND_DETECT_TIMEOUT: "300ms",
    ...environment,
  });
  proxy.redirect("outbound", { ip: "10.43.0.9", port: 443 });
  proxy.control.decisions.set("10.43.0.9:443", {
    ...balanced("tls.shop.svc.cluster.local:443"),
    ...decision,
  });
  try {
    await use(proxy);
    deepEqual(proxy.faults, []);
  } finally {
    await proxy.stop();
  }
}

const counted = (proxy: TestProxy, family: string) =>
  [...proxy.runtime.telemetry.families.get(family)?.values.entries() ?? []]
    .map(([labels, { value }]) => {
      const label = (name: string) => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? "-";
      return `${label("route_name")} ${label("error")} ${value}`;
    });

Deno.test("a TLS connection goes where the best route for its name leads, and each is counted", async () => {
  const names = ["www.example.org", "api.example.org"];
  const [www, api] = await Promise.all(names.map(tlsServer));
  const tls: TlsRoute[] = [
    {
      resource: resource("domain"),
      names: [{ kind: "suffix", value: ".example.org" }],
      distribution: to(api!.port),
    },
    {
      resource: resource("www"),
      names: [{ kind: "exact", value: "www.example.org" }],
      distribution: to(www!.port),
    },
    {
      resource: resource("closed"),
      names: [{ kind: "exact", value: "closed.example.org" }],
      distribution: { kind: "empty", reason: "its policy forbids the connection" },
    },
  ];
  await withRoutes({ protocol: "tls", tls }, async (proxy) => {
    equal(await hear(proxy, "www.example.org"), "www.example.org");
    equal(await hear(proxy, "api.example.org"), "api.example.org");
    equal(await hear(proxy, "closed.example.org"), undefined, "a route forbids it");
    equal(await hear(proxy, "example.com"), undefined, "no route is for it");
    while (proxy.outbound.connections.size > 0) await new Promise((done) => setTimeout(done, 1));
    deepEqual(counted(proxy, "outbound_tls_route_open_total").sort(), [
      "closed - 1",
      "domain - 1",
      "www - 1",
    ]);
    deepEqual(counted(proxy, "outbound_tls_route_close_total").sort(), [
      "closed forbidden 1",
      "domain  1",
      "www  1",
    ]);
    const text = metricsText(proxy.runtime.telemetry, proxy.runtime.arena);
    ok(
      /outbound_tcp_protocol_connections_total\{protocol="tls",parent_group="core".*\} 4\n/.test(text),
      text,
    );
  });
  www!.close();
  api!.close();
});

Deno.test("where TLS is routed, plain bytes and a ClientHello without a name are closed, unforwarded", async () => {
  let reached = 0;
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  (async () => {
    for await (const connection of listener) {
      reached++;
      connection.close();
    }
  })().catch(() => {}); // the listener was closed
  const tls = [{
    resource: resource("any"),
    names: [],
    distribution: to((listener.addr as Deno.NetAddr).port),
  }];
  await withRoutes({ protocol: "tls", tls }, async (proxy) => {
    equal(await heard(proxy.outboundAddress.port, "GET / HTTP/1.1\r\nhost: a\r\n\r\n"), "");
    equal(await hear(proxy, "127.0.0.1"), undefined); // an address is no name: none is sent
    equal(reached, 0);
    // The same route takes any name.
    equal(await hear(proxy, "whatever.example"), undefined);
    equal(reached, 1);
  });
  listener.close();
});

Deno.test("opaque routes are counted by what became of the connection, and detection by what it found", async () => {
  const listener = greeter();
  const { port } = listener, opaqueRoute = resource("opaque");
  const say = (proxy: TestProxy, text: string) => heard(proxy.outboundAddress.port, text);
  await withRoutes({ protocol: "opaque", opaque: to(port), opaqueRoute }, async (proxy) => {
    equal(await say(proxy, ""), "hello");
    while (proxy.outbound.connections.size > 0) await new Promise((done) => setTimeout(done, 1));
    for (
      const opaque of [
        { kind: "empty", reason: "its policy forbids the connection" },
        { kind: "empty", reason: "its policy is invalid", isInvalid: true },
        { ...to(port), backends: [{ backend: { kind: "none", resource: opaqueRoute }, weight: 1 }] },
      ] as Distribution[]
    ) {
      proxy.control.setDecision("10.43.0.9:443", {
        ...proxy.control.decisions.get("10.43.0.9:443")!,
        opaque,
        opaqueRoute,
      });
      equal(await say(proxy, ""), "");
    }
    deepEqual(counted(proxy, "outbound_tcp_route_open_total"), ["opaque - 4"]);
    deepEqual(counted(proxy, "outbound_tcp_route_close_total"), [
      "opaque  1",
      "opaque forbidden 1",
      "opaque invalid_policy 1",
      "opaque invalid_backend 1",
    ]);
  });
  await withRoutes(
    { protocol: "detect", detectTimeoutMs: 50, opaque: to(port), opaqueRoute },
    async (proxy) => {
      equal(await say(proxy, "*1\r\n$4\r\nPING\r\n"), "hello");
      equal(await say(proxy, ""), "hello");
      const found = [
        ...proxy.runtime.telemetry.families.get("outbound_tcp_detect_http_results_total")!.values,
      ]
        .map(([labels, { value }]) => `${/result="([^"]*)"/.exec(labels)![1]} ${value}`);
      deepEqual(found.sort(), ["not_http 1", "read_timeout 1"]);
      const text = metricsText(proxy.runtime.telemetry, proxy.runtime.arena);
      ok(
        /outbound_tcp_detect_http_duration_seconds_bucket\{.*parent_name="web".*le="0.1"\} 2\n/.test(text),
        text,
      );
    },
  );
  listener.close();
});

Deno.test("where it is asked for, TLS connections are told by the name that they ask for", async () => {
  const server = await tlsServer("www.example.org");
  const tls = [{ resource: resource("any"), names: [], distribution: to(server.port) }];
  for (const [flag, hostname] of [["true", "www.example.org"], ["false", ""]] as const) {
    await withRoutes({ protocol: "tls", tls }, async (proxy) => {
      equal(await hear(proxy, "www.example.org"), "www.example.org");
      while (proxy.outbound.connections.size > 0) await new Promise((done) => setTimeout(done, 1));
      for (const event of ["open", "close"]) {
        const [labels] = proxy.runtime.telemetry.families.get(`outbound_tls_route_${event}_total`)!.values
          .keys();
        ok(labels!.includes(`hostname="${hostname}"`), labels!);
      }
    }, { LINKERD2_PROXY_OUTBOUND_METRICS_HOSTNAME_LABELS: flag });
  }
  server.close();
});
