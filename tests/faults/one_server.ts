/** A meshed server under attack: its proxy, its application, a client that is well, and what it counted. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { CLIENT, SERVER, startTestProxy, type TestProxy } from "../../src/proxy/testing/meshed_pair.ts";
import { balanced, endpointAt } from "../../src/proxy/testing/fake_control.ts";
import { TestAuthority } from "../../src/proxy/testing/certificates.ts";
import { metricsText } from "../../src/proxy/testing/metrics_text.ts";

const SERVICE = "web.shop.svc.cluster.local:80";

export interface OneServer {
  readonly authority: TestAuthority;
  readonly server: TestProxy;
  /** Whom connections to the server's proxy were for, before they were redirected: it, or the proxy itself. */
  aimAt(target: "application" | "proxy"): void;
  /** Requests that the application has seen. */
  readonly seen: readonly string[];
  /** Another client's proxy, which finds the server. Ended with the server. */
  client(name?: string): Promise<TestProxy>;
  /** The sum of a counter's lines that have all of `labels`, as /metrics tells it. */
  counter(name: string, labels?: Readonly<Record<string, string>>): number;
  /** A request over the well client's one kept connection; it must be answered. */
  check(): Promise<void>;
}

function openDescriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

/** A client's connection that is kept: another client's trouble must not touch it. */
class KeptConnection {
  readonly #buffer = new Uint8Array(4096);

  private constructor(private readonly connection: Deno.TcpConn) {}

  static async open(port: number): Promise<KeptConnection> {
    return new KeptConnection(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  async request(): Promise<void> {
    await this.connection.write(new TextEncoder().encode("GET /well HTTP/1.1\r\nhost: web\r\n\r\n"));
    let text = "";
    while (!text.endsWith("well\n")) {
      const count = await this.connection.read(this.#buffer);
      if (count === null) throw new Error(`the kept connection was closed after ${JSON.stringify(text)}`);
      text += new TextDecoder().decode(this.#buffer.subarray(0, count));
    }
    equal(text.slice(0, 15), "HTTP/1.1 200 OK");
  }

  close(): void {
    this.connection.close();
  }
}

/** Looks until `isSo`; what it waits for happens in this process, in its own time. */
export async function eventually(what: string, isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 4000 && !isSo(); turn++) await new Promise((done) => setTimeout(done, 1));
  ok(isSo(), what);
}

/**
 * Runs `use`; afterwards the well client must still be served, no buffer be missing, and no descriptor more be open
 * than before.
 */
export async function withServer(
  use: (server: OneServer) => Promise<void>,
  overrides: Record<string, string> = {},
): Promise<void> {
  const authority = await TestAuthority.create(), seen: string[] = [];
  const server = await startTestProxy(authority, SERVER, overrides), clients: TestProxy[] = [];
  const app = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    seen.push(new URL(request.url).pathname);
    return new Response("well\n");
  });
  const { port } = app.addr;
  let allowed = 0;
  const client = async (name = CLIENT): Promise<TestProxy> => {
    const before = openDescriptors(), proxy = await startTestProxy(authority, name);
    allowed += openDescriptors() - before;
    clients.push(proxy);
    proxy.redirect("outbound", { ip: "10.43.0.7", port: 80 });
    proxy.control.decisions.set("10.43.0.7:80", balanced(SERVICE));
    proxy.control.endpoints.set(SERVICE, [
      endpointAt({ ip: "127.0.0.1", port }, SERVER, server.inboundAddress.port),
    ]);
    return proxy;
  };
  const kept = await KeptConnection.open((await client()).outboundAddress.port);
  try {
    await kept.request();
    const before = openDescriptors();
    allowed = 0;
    await use({
      authority,
      server,
      aimAt: (target) =>
        server.redirect(
          "inbound",
          target === "proxy" ? server.inboundAddress : { ip: "127.0.0.1", port },
        ),
      seen,
      client,
      counter: (name, labels = {}) => {
        const text = metricsText(server.runtime.telemetry, server.runtime.arena);
        const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
        const lines = text.split("\n").filter((line) =>
          (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) &&
          wanted.every((each) => line.includes(each))
        );
        return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
      },
      check: () => kept.request(),
    });
    await kept.request();
    for (const proxy of [server, ...clients]) deepEqual(proxy.faults, []);
    await eventually(
      `no more than ${before + allowed} descriptors are open`,
      () => openDescriptors() <= before + allowed,
    );
  } finally {
    kept.close();
    for (const proxy of clients) await proxy.stop();
    await app.shutdown();
    await server.stop();
  }
  for (const proxy of [server, ...clients]) {
    equal(proxy.runtime.arena.slots.used, 0, "every buffer was given back");
  }
}
