/**
 * A client's proxy of two loops for tests: the main loop is turned from Deno's event loop, the other is a real worker
 * in a thread of its own. Behind them a meshed server and its application.
 */
import type { SocketAddress } from "../../linux/address.ts";
import { SharedPlane } from "../control/shared_plane.ts";
import { readConfig } from "../config/environment.ts";
import { Core } from "../core.ts";
import type { IdentitySnapshot } from "../cores/messages.ts";
import { Supervisor } from "../cores/supervisor.ts";
import type { Runtime } from "../runtime.ts";
import { TapHub } from "../tap/hub.ts";
import { Log } from "../telemetry/log.ts";
import { rowsText } from "./metrics_text.ts";
import { Telemetry } from "../telemetry/telemetry.ts";
import { TlsContexts } from "../tls/contexts.ts";
import { Arena } from "../worker/arena.ts";
import { Loop } from "../worker/loop.ts";
import { KERNEL } from "../accept/listener.ts";
import { TestAuthority } from "./certificates.ts";
import { drive } from "./drive.ts";
import { TEST_ENVIRONMENT } from "./environment.ts";
import { balanced, endpointAt, FakeControl } from "./fake_control.ts";
import { CLIENT, SERVER, startTestProxy } from "./meshed_pair.ts";
import type { TestWorkerName } from "./worker_loop.ts";

const DESTINATION: SocketAddress = { ip: "10.43.0.7", port: 80 }, PATH = "web.shop.svc.cluster.local:80";

/** Many handshakes at once on a busy machine take their time; nothing here is about time. */
const PATIENT = {
  LINKERD2_PROXY_INBOUND_DETECT_TIMEOUT: "30s",
  LINKERD2_PROXY_INBOUND_CONNECT_TIMEOUT: "30s",
  LINKERD2_PROXY_OUTBOUND_CONNECT_TIMEOUT: "30s",
  LINKERD2_PROXY_OUTBOUND_HTTP_FAILFAST_TIMEOUT: "30s",
};

export interface TwoLoops {
  readonly port: number;
  readonly supervisor: Supervisor;
  readonly core: Core;
  readonly control: FakeControl;
  readonly shared: SharedPlane;
  readonly authority: TestAuthority;
  /** Taps of both loops. */
  readonly taps: TapHub;
  readonly logs: readonly string[];
  /** The value of a metric over both loops, added over its series. */
  total(metric: string): Promise<number>;
  /** The same of the main loop alone. */
  ownRequests(): number;
  /** Resolves once the log says `text`, for the `count`th time. */
  logged(text: string, count?: number): Promise<void>;
}

function pemOf(der: Uint8Array): string {
  return `-----BEGIN CERTIFICATE-----\n${der.toBase64()}\n-----END CERTIFICATE-----\n`;
}

/** A key and certificate for `name`, as loops hand them on. */
export async function snapshotFor(authority: TestAuthority, name: string): Promise<IdentitySnapshot> {
  const { key, chain } = await authority.issue(name);
  return { key: key.toDer(), chain, anchors: [authority.anchor] };
}

class Logs {
  readonly lines: string[] = [];
  #waiting: (() => void)[] = [];

  write(line: string): void {
    this.lines.push(line);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async until(text: string, count: number): Promise<void> {
    while (this.lines.filter((line) => line.includes(text)).length < count) {
      await new Promise<void>((done) => this.#waiting.push(done));
    }
  }
}

export interface TwoLoopsOptions {
  /** What the first connection does to each worker's loop, in the order they are started. */
  readonly breaks?: readonly TestWorkerName["breaks"][];
  /** How the destination is spoken to; opaquely, each connection has one of its own to the server. */
  readonly protocol?: "detect" | "opaque";
}

export async function withTwoLoops(
  serve: (request: Request) => Response | Promise<Response>,
  use: (loops: TwoLoops) => Promise<void>,
  options: TwoLoopsOptions = {},
): Promise<void> {
  const breaks = [...options.breaks ?? []];
  const authority = await TestAuthority.create();
  const server = await startTestProxy(authority, SERVER, PATIENT);
  const app = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, serve), logs = new Logs();
  // What a client passes on opaquely is HTTP to the server only where its own policy says so.
  const { port: served } = app.addr, { current } = server.inbound.policies.of(served);
  if (options.protocol === "opaque") server.control.setPolicy(served, { ...current, protocol: "http1" });
  const environment = {
    ...TEST_ENVIRONMENT,
    ...PATIENT,
    LINKERD2_PROXY_IDENTITY_LOCAL_NAME: CLIENT,
    LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS: pemOf(authority.anchor),
  };
  const control = new FakeControl(), arena = Arena.create();
  const loop = new Loop((fault) => logs.write(`fault ${fault}`));
  const shared = new SharedPlane(control, loop.slices);
  const tls = new TlsContexts(CLIENT, [authority.anchor]);
  tls.install(await authority.issue(CLIENT));
  const runtime: Runtime = {
    config: readConfig(environment),
    loop,
    arena,
    telemetry: new Telemetry(arena),
    tls,
    control: shared,
    log: new Log("debug", "plain", (line) => logs.write(line)),
    sockets: { ...KERNEL, originalDestination: () => DESTINATION },
  };
  control.decisions.set("10.43.0.7:80", balanced(PATH, options.protocol));
  const application = { ip: "127.0.0.1", port: app.addr.port };
  control.endpoints.set(PATH, [endpointAt(application, SERVER, server.inboundAddress.port)]);
  const taps = new TapHub(runtime.telemetry);
  const supervisor = new Supervisor({
    taps,
    runtime,
    plane: shared,
    environment,
    count: 1,
    watchdog: undefined,
    spawn: (link) => {
      const name: TestWorkerName = { link, destination: DESTINATION, breaks: breaks.shift() };
      const script = new URL("./worker_loop.ts", import.meta.url);
      const worker = new Worker(script, { type: "module", name: JSON.stringify(name) });
      worker.onerror = (event) => event.preventDefault();
      return worker;
    },
  });
  const core = new Core(runtime), stopDriving = drive(runtime.loop), addresses = core.listen(true);
  supervisor.setIdentity(await snapshotFor(authority, CLIENT));
  supervisor.start(addresses);
  const total = async (metric: string) => {
    const lines = rowsText(await supervisor.rows()).split("\n");
    return lines.filter((line) => line.startsWith(metric) && /^[{ ]/.test(line.slice(metric.length)))
      .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  };
  try {
    await logs.until("worker ready", 1);
    await use({
      port: addresses.outbound[0]!.port,
      supervisor,
      core,
      control,
      shared,
      authority,
      taps,
      logs: logs.lines,
      total,
      ownRequests: () =>
        [...runtime.telemetry.http.values()].reduce((sum, { requests }) => sum + requests, 0),
      logged: (text, count = 1) => logs.until(text, count),
    });
  } finally {
    core.drain(true);
    await new Promise<void>((done) => supervisor.drain(true, done));
    supervisor.terminate();
    await server.stop();
    await stopDriving();
    await app.shutdown();
  }
}
