import { deepEqual, equal, ok } from "node:assert/strict";
import http2 from "node:http2";
import { everyRequestTo } from "../route/default_route.ts";
import { TestAuthority } from "../testing/certificates.ts";
import { balanced, endpointAt } from "../testing/fake_control.ts";
import { CLIENT, startTestProxy, type TestProxy } from "../testing/meshed_pair.ts";
import { targetOfOverride } from "./ingress_http.ts";

const authority = await TestAuthority.create();
const WEB = "web.shop.svc.cluster.local:80", API = "api.shop.svc.cluster.local:8080";
/** Watches for the policies of the own ports: the application's has none, admin's. */
const PORTS = 1;
/** Where the ingress controller itself would send its requests: an address that no service stands for. */
const ORIGINAL = "10.42.0.5:9000";

interface Ingress {
  readonly proxy: TestProxy;
  readonly url: string;
}

/** Applications `web`, `api` and `original`, each telling its name and what it was sent, behind an ingress' proxy. */
async function withIngress(use: (ingress: Ingress) => Promise<void>): Promise<void> {
  const proxy = await startTestProxy(authority, CLIENT, { LINKERD2_PROXY_INGRESS_MODE: "true" });
  const applications = ["web", "api", "original"].map((name) =>
    Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      ({ headers }) =>
        Response.json({ name, override: headers.get("l5d-dst-override"), host: headers.get("host") }),
    )
  );
  const [web, api, original] = applications.map(({ addr: { port } }) =>
    endpointAt({ ip: "127.0.0.1", port })
  );
  const { control } = proxy;
  control.decisions.set(WEB, balanced(WEB)).set(API, balanced(API));
  control.endpoints.set(WEB, [web!]).set(API, [api!]);
  const resource = { group: "", kind: "default", namespace: "", name: "endpoint", port: 9000, section: "" };
  const forward = {
    kind: "first-available" as const,
    backends: [{ backend: { kind: "forward" as const, endpoint: original!, resource }, weight: 1 }],
  };
  control.decisions.set(ORIGINAL, {
    ...balanced(""),
    authority: "",
    http: everyRequestTo(forward),
    opaque: forward,
  });
  proxy.redirect("outbound", { ip: "10.42.0.5", port: 9000 });
  try {
    await use({ proxy, url: `http://127.0.0.1:${proxy.outboundAddress.port}` });
    deepEqual(proxy.faults, []);
  } finally {
    await proxy.stop();
    for (const application of applications) await application.shutdown();
  }
  equal(proxy.runtime.arena.slots.used, 0, "every buffer was given back");
  proxy.runtime.loop.now += 60_000_000;
  proxy.outbound.forgetIdle();
  equal(proxy.control.open, PORTS, "no destination is in use any more");
}

const ask = (url: string, override?: string) =>
  fetch(url, { headers: override === undefined ? {} : { "l5d-dst-override": override } })
    .then((response) => response.json());

Deno.test("each request of one connection goes where its header says, which goes no further", async () => {
  await withIngress(async ({ proxy, url }) => {
    for (let i = 0; i < 3; i++) {
      deepEqual((await ask(url, "web.shop.svc.cluster.local")).name, "web");
      const { name, override, host } = await ask(url, API);
      deepEqual({ name, override }, { name: "api", override: null });
      equal(`http://${host}`, url, "the request still says whom it was sent to");
      equal((await ask(url)).name, "original");
    }
    const accepted = [...proxy.runtime.telemetry.tcp.values()].filter(({ labels }) =>
      labels.includes('peer="src"')
    );
    equal(accepted.reduce((sum, { opened }) => sum + opened, 0), 1, "all came on one connection");
  });
});

Deno.test("beside each other on one HTTP/2 connection requests go to different services", async () => {
  const services: Record<string, http2.Http2Server> = {};
  for (const name of ["web", "api"]) {
    const service = services[name] = http2.createServer();
    service.on("stream", (stream: http2.ServerHttp2Stream, headers) => {
      stream.respond({ ":status": 200, name, override: String(headers["l5d-dst-override"]) });
      stream.end();
    });
    await new Promise<void>((done) => service.listen(0, "127.0.0.1", done));
  }
  await withIngress(async ({ proxy, url }) => {
    for (const [name, path] of [["web", WEB], ["api", API]] as const) {
      const { port } = services[name]!.address() as { port: number };
      proxy.control.endpoints.set(path, [endpointAt({ ip: "127.0.0.1", port })]);
    }
    const session = http2.connect(url);
    const answers = await Promise.all(
      ["web", "api", "api", "web"].map((wanted) =>
        new Promise<string>((done, failed) => {
          const stream = session.request({ "l5d-dst-override": wanted === "web" ? WEB : API });
          stream.on("response", ({ name, override }) => done(`${wanted}: ${name} ${override}`));
          stream.on("error", failed);
          stream.resume();
        })
      ),
    );
    deepEqual(answers, ["web", "api", "api", "web"].map((name) => `${name}: ${name} undefined`));
    session.destroy();
  });
  for (const service of Object.values(services)) service.close();
});

Deno.test("a name is waited for, an unknown one is 502, and what is no name is 400; nobody is told why", async () => {
  await withIngress(async ({ proxy, url }) => {
    const decision = proxy.control.decisions.get(WEB)!;
    proxy.control.decisions.delete(WEB);
    const pending = ask(url, WEB);
    while (proxy.outbound.queued === 0) await new Promise((done) => setTimeout(done, 1));
    proxy.control.setDecision(WEB, decision);
    equal((await pending).name, "web");
    proxy.control.unknown.add("none.shop.svc.cluster.local:80");
    for (
      const [override, status] of [["none.shop.svc.cluster.local", 502], ["10.0.0.1:80", 400], ["a b", 400]]
    ) {
      const response = await fetch(url, { headers: { "l5d-dst-override": String(override) } });
      equal(response.status, status, String(override));
      equal(response.headers.get("l5d-proxy-error"), null);
      await response.body?.cancel();
    }
  });
});

Deno.test("what is no HTTP goes to the original destination, and metrics say why it is plain", async () => {
  await withIngress(async ({ proxy, url }) => {
    const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const serving = (async () => {
      const connection = await listener.accept();
      await connection.readable.pipeTo(connection.writable).catch(() => {});
    })();
    const endpoint = endpointAt({ ip: "127.0.0.1", port: (listener.addr as Deno.NetAddr).port });
    const { parent: resource } = balanced("");
    proxy.control.decisions.set("10.42.0.6:6379", {
      ...balanced(""),
      opaque: {
        kind: "first-available",
        backends: [{ backend: { kind: "forward", endpoint, resource }, weight: 1 }],
      },
    });
    equal((await ask(url)).name, "original");
    proxy.redirect("outbound", { ip: "10.42.0.6", port: 6379 });
    const connection = await Deno.connect({ port: proxy.outboundAddress.port });
    await connection.write(new TextEncoder().encode("*1\r\n$4\r\nPING\r\n"));
    const buffer = new Uint8Array(100);
    equal(
      new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0)),
      "*1\r\n$4\r\nPING\r\n",
    );
    connection.close();
    await serving;
    listener.close();
    const labels = [...proxy.runtime.telemetry.http.keys(), ...proxy.runtime.telemetry.tcp.keys()];
    equal(labels.filter((text) => text.includes('no_tls_reason="ingress_without_override"')).length, 3);
    ok(!labels.some((text) => text.includes("not_provided_by_service_discovery")), labels.join("\n"));
  });
});

Deno.test("an override is a name with a port, or port 80", () => {
  deepEqual(targetOfOverride("Web.Shop.svc.cluster.local."), {
    name: "web.shop.svc.cluster.local",
    port: 80,
  });
  deepEqual(targetOfOverride(" web:8080 "), { name: "web", port: 8080 });
  for (
    const text of ["", ":80", "web:", "web:0", "web:70000", "web:80:80", "[::1]:80", "10.1.2.3", "a/b", "a@b"]
  ) {
    equal(targetOfOverride(text), undefined, text);
  }
});
