/**
 * Two proxies in one process for tests: a client's outbound and a server's inbound, joined by mutual TLS, each with a
 * control plane of values. Their loops are turned from Deno's event loop, so that clients and applications can be
 * ordinary Deno code in the same test.
 */
import { deepEqual, equal } from "node:assert/strict";
import type { SocketAddress } from "../../linux/address.ts";
import { localAddress, peerAddress } from "../../linux/socket.ts";
import { type ProxyConfig, readConfig } from "../config/environment.ts";
import { Inbound } from "../inbound.ts";
import { Outbound } from "../outbound.ts";
import type { Runtime } from "../runtime.ts";
import { Log } from "../telemetry/log.ts";
import { Telemetry } from "../telemetry/telemetry.ts";
import { TlsContexts } from "../tls/contexts.ts";
import type { Span } from "../trace/span.ts";
import { Tracing } from "../trace/tracer.ts";
import { Arena } from "../worker/arena.ts";
import { Loop } from "../worker/loop.ts";
import { TestAuthority } from "./certificates.ts";
import { drive } from "./drive.ts";
import { TEST_ENVIRONMENT } from "./environment.ts";
import { balanced, endpointAt, FakeControl } from "./fake_control.ts";

export const CLIENT = "client.shop.serviceaccount.identity.linkerd.cluster.local";
export const SERVER = "server.shop.serviceaccount.identity.linkerd.cluster.local";

function configFor(name: string, overrides: Record<string, string>): ProxyConfig {
  return readConfig({
    ...TEST_ENVIRONMENT,
    LINKERD2_PROXY_IDENTITY_LOCAL_NAME: name,
    ...overrides,
  });
}

export interface TestProxy {
  readonly runtime: Runtime;
  readonly control: FakeControl;
  readonly inbound: Inbound;
  readonly outbound: Outbound;
  readonly inboundAddress: SocketAddress;
  readonly outboundAddress: SocketAddress;
  readonly logs: string[];
  readonly faults: unknown[];
  /** Of the requests that were traced: only with a collector in its environment, which is told nothing. */
  readonly spans: Span[];
  /** Where redirected connections were going, by the listener they came to. */
  redirect(listener: "inbound" | "outbound", destination: SocketAddress): void;
  stop(): Promise<void>;
}

/** A proxy for the identity `name`, its loop turned until `stop`. */
export async function startTestProxy(
  authority: TestAuthority,
  name: string,
  overrides: Record<string, string> = {},
): Promise<TestProxy> {
  const faults: unknown[] = [], logs: string[] = [], control = new FakeControl(), spans: Span[] = [];
  const loop = new Loop((fault) => faults.push(fault)), arena = Arena.create();
  const tls = new TlsContexts(name, [authority.anchor]);
  tls.install(await authority.issue(name));
  const destinations = new Map<string, SocketAddress>();
  const addresses = new Map<number, string>();
  const isTracing = overrides.LINKERD2_PROXY_TRACE_COLLECTOR_SVC_ADDR !== undefined;
  const runtime: Runtime = {
    tracing: isTracing ? new Tracing({ take: (span) => spans.push(span) }) : undefined,
    config: configFor(name, overrides),
    loop,
    arena,
    telemetry: new Telemetry(arena),
    tls,
    control,
    log: new Log("debug", "plain", (line) => logs.push(line)),
    sockets: {
      originalDestination: (fd) => {
        const local = localAddress(fd);
        return local === undefined ? undefined : destinations.get(addresses.get(local.port) ?? "");
      },
      // Loopback is always allowed in: clients appear to come from elsewhere.
      peerAddress: (fd) => {
        const peer = peerAddress(fd);
        return peer === undefined ? undefined : { ...peer, ip: "10.42.0.9" };
      },
    },
  };
  const outbound = new Outbound(runtime), inbound = new Inbound(runtime, outbound);
  const inboundAddress = inbound.listen(false), outboundAddress = outbound.listen(false)[0]!;
  addresses.set(inboundAddress.port, "inbound").set(outboundAddress.port, "outbound");
  const stopDriving = drive(loop);
  return {
    runtime,
    control,
    inbound,
    outbound,
    inboundAddress,
    outboundAddress,
    logs,
    faults,
    spans,
    redirect: (listener, destination) => void destinations.set(listener, destination),
    stop: async () => {
      inbound.drain(true);
      outbound.drain(true);
      for (let i = 0; i < 5; i++) await new Promise((done) => setTimeout(done, 0));
      await stopDriving();
    },
  };
}

let authority: Promise<TestAuthority> | undefined;

/** A meshed client and server with an application between them. */
export interface Pair {
  readonly client: TestProxy;
  readonly server: TestProxy;
  readonly url: string;
  readonly port: number;
  /** Whoever certified both. */
  readonly authority: TestAuthority;
}

/** client → outbound → mutual TLS → inbound → application, and what must hold when it is over. */
export async function withPair(
  serve: (request: Request) => Response | Promise<Response>,
  use: (pair: Pair) => Promise<void>,
  overrides: Record<string, string> = {},
  clientOverrides: Record<string, string> = {},
): Promise<void> {
  const certified = await (authority ??= TestAuthority.create());
  const client = await startTestProxy(certified, CLIENT, clientOverrides),
    server = await startTestProxy(certified, SERVER, overrides);
  const app = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, serve), { port } = app.addr;
  client.redirect("outbound", { ip: "10.43.0.7", port: 80 });
  client.control.decisions.set("10.43.0.7:80", balanced("web.shop.svc.cluster.local:80"));
  client.control.endpoints.set("web.shop.svc.cluster.local:80", [
    endpointAt({ ip: "127.0.0.1", port }, SERVER, server.inboundAddress.port),
  ]);
  const url = `http://127.0.0.1:${client.outboundAddress.port}`;
  try {
    await use({ client, server, url, port, authority: certified });
    deepEqual(client.faults, []);
    deepEqual(server.faults, []);
  } finally {
    await client.stop();
    await app.shutdown(); // it says GOAWAY to its proxy, which must still hear it
    await server.stop();
  }
  equal(client.runtime.arena.slots.used, 0, "every buffer was given back");
  equal(server.runtime.arena.slots.used, 0, "every buffer was given back");
}
