/** Two proxies as processes, a client's outbound and a server's inbound, that tell a collector of traces. */
import { Update } from "../../../proto/gen/destination.ts";
import { HttpRoute_Rule, OutboundPolicy } from "../../../proto/gen/outbound.ts";
import { tcpAddressOf } from "../../../src/proxy/control/translate_net.ts";
import { TestAuthority } from "../../../src/proxy/testing/certificates.ts";
import { type ControlServices, startControlServices } from "../../../src/proxy/testing/control_services.ts";
import { CLIENT, SERVER } from "../../../src/proxy/testing/meshed_pair.ts";
import { type ProxyProcess, startProcess } from "../../../src/proxy/testing/process.ts";

const SERVICE = "10.43.0.7:80", PATH = "web.shop.svc.cluster.local:80";
const SCRIPT = new URL("./redirected_proxy.ts", import.meta.url).pathname;

function policy(): Uint8Array {
  const metadata = { kind: { $case: "default" as const, value: "test" } };
  const backend = {
    metadata,
    queue: undefined,
    kind: {
      $case: "balancer" as const,
      value: {
        load: undefined,
        discovery: { kind: { $case: "dst" as const, value: { path: PATH } } },
      },
    },
  };
  const rule = {
    ...HttpRoute_Rule.decode(new Uint8Array()),
    backends: {
      kind: {
        $case: "firstAvailable" as const,
        value: { backends: [{ backend, filters: [], requestTimeout: undefined }] },
      },
    },
  };
  const routes = [{ metadata, hosts: [], rules: [rule] }];
  const kind = { $case: "http1" as const, value: { routes, failureAccrual: undefined } };
  return OutboundPolicy.encode({ metadata, protocol: { kind } }).finish();
}

/** The application at `port`, behind the proxy that listens on `inboundPort`. */
function endpoints(port: number, inboundPort: number): Uint8Array {
  const identity = { name: SERVER };
  const addr = {
    addr: tcpAddressOf({ ip: "127.0.0.1", port }),
    weight: 1,
    metricLabels: {},
    tlsIdentity: {
      strategy: { $case: "dnsLikeIdentity" as const, value: identity },
      serverName: identity,
    },
    protocolHint: { protocol: { $case: "h2" as const, value: {} }, opaqueTransport: { inboundPort } },
    authorityOverride: undefined,
    http2: undefined,
    resourceRef: undefined,
  };
  const update = { $case: "add" as const, value: { addrs: [addr], metricLabels: {} } };
  return Update.encode({ update }).finish();
}

export interface TracedMesh {
  readonly client: ProxyProcess;
  readonly server: ProxyProcess;
  /** The client's proxy, as its application knows the server's. */
  readonly url: string;
  /** Ends both proxies in good order: what they still have they tell then. */
  stop(): Promise<void>;
}

/**
 * client → outbound → mutual TLS → inbound → application.
 * @param collector `host:port` of the collector
 */
export async function withTracedMesh(
  collector: string,
  serve: (request: Request) => Response | Promise<Response>,
  use: (mesh: TracedMesh) => Promise<void>,
  environment: Record<string, string> = {},
): Promise<void> {
  const authority = await TestAuthority.create(), services: ControlServices[] = [];
  const app = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, serve);
  const start = async (
    name: string,
    service: string,
    answers: Parameters<typeof startControlServices>[1],
    own: Record<string, string>,
    script?: string,
  ) => {
    const control = await startControlServices(authority, answers);
    services.push(control);
    return await startProcess({
      name,
      anchors: authority.certificate.toString("pem"),
      control,
      environment: {
        LINKERD2_PROXY_TRACE_COLLECTOR_SVC_ADDR: collector,
        LINKERD2_PROXY_TRACE_SERVICE_NAME: service,
        LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD: "10s",
        ...environment,
        ...own,
      },
      ...(script === undefined ? {} : { script }),
    });
  };
  const server = await start(SERVER, "server-proxy", {}, {});
  const client = await start(
    CLIENT,
    "client-proxy",
    {
      outbound: (_spec, send) => send(policy()),
      endpoints: (_path, send) => send(endpoints(app.addr.port, server.inboundPort)),
    },
    { REDIRECTED_FROM: SERVICE },
    SCRIPT,
  );
  const stop = async () => {
    await client.stop();
    await server.stop();
  };
  try {
    await use({ client, server, url: `http://127.0.0.1:${client.outboundPort}`, stop });
  } finally {
    await stop();
    await app.shutdown();
    for (const service of services) service.close();
  }
}
