/**
 * A proxy's process: start and stop, in order; nothing else.
 *
 * Start: configuration → memory and loop → admin (so that /live answers) → control clients → certificate → listeners →
 * workers, when several cores are granted. Nothing is accepted before the workload has an identity. Stop (SIGTERM,
 * SIGINT or POST /shutdown): stop accepting, let requests finish, close; after the grace period close what is left.
 * Source: proxy.md §1.
 */
import { formatAddress } from "../linux/address.ts";
import { EPOLLIN } from "../linux/epoll.ts";
import { certificatesOfPem } from "../linux/openssl/certificate.ts";
import { PrivateKey } from "../linux/openssl/key.ts";
import { catchSignals, readSignals, SIGINT, SIGTERM } from "../linux/signals.ts";
import type { SocketFacts } from "./accept/listener.ts";
import { AdminServer } from "./admin/http.ts";
import { type AdminState, answerAdmin } from "./admin/routes.ts";
import { PROXY_MARK } from "../mesh/names.ts";
import type { ControlAddress, ProxyConfig } from "./config/environment.ts";
import { Dialer } from "./connect/dialer.ts";
import { nameServersOf, Resolver } from "./control/dns/resolver.ts";
import { searchListOf } from "./control/dns/search_list.ts";
import { GrpcPlane } from "./control/grpc_plane.ts";
import { Http2Channel } from "./control/http2_channel.ts";
import { Certifier } from "./control/identity/certifier.ts";
import { SharedPlane } from "./control/shared_plane.ts";
import { WasmHeaderCodec } from "./control/wasm_header_codec.ts";
import { Core, type ListenAddresses } from "./core.ts";
import { Supervisor } from "./cores/supervisor.ts";
import type { WorkerName } from "./cores/worker_main.ts";
import type { Runtime } from "./runtime.ts";
import { TapHub } from "./tap/hub.ts";
import { TapServer } from "./tap/tap_server.ts";
import { Log } from "./telemetry/log.ts";
import { processRows } from "./telemetry/process_rows.ts";
import { renderRows } from "./telemetry/render.ts";
import { type Row, rowsOf } from "./telemetry/rows.ts";
import { Telemetry } from "./telemetry/telemetry.ts";
import { TlsContexts } from "./tls/contexts.ts";
import type { SpanExporter } from "./trace/export/exporter.ts";
import { exporterOf } from "./trace/export/process_exporter.ts";
import { Tracing } from "./trace/tracer.ts";
import { Arena } from "./worker/arena.ts";
import { Loop } from "./worker/loop.ts";
import { Watchdog } from "./worker/watchdog.ts";

const WAITING_NOTICE_MS = 15_000, FORCED_DRAIN_MS = 100;

export interface ProxyOptions {
  readonly config: ProxyConfig;
  /** The environment as the process got it: workers read it for themselves, the admin port shows it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly sockets: SocketFacts;
  /** What a worker's thread runs. */
  readonly script: string;
}

function readResolvConf(): string {
  try {
    return Deno.readTextFileSync("/etc/resolv.conf");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return ""; // as resolv.conf(5): the local host's server
    throw error;
  }
}

/** The main loop's share of everything, and the way to a control service. */
function assemble({ config, sockets }: ProxyOptions) {
  const log = new Log(config.logFilter, config.logFormat);
  const loop = new Loop((error) =>
    log.error("internal fault", { error: error instanceof Error ? error.stack : error })
  );
  const arena = Arena.create(), telemetry = new Telemetry(arena);
  const tls = new TlsContexts(config.identity.localName, certificatesOfPem(config.identity.trustAnchors));
  const dialer = new Dialer(loop, arena, config.outbound, tls);
  const resolvConf = readResolvConf(), servers = nameServersOf(resolvConf).map((ip) => ({ ip, port: 53 }));
  const resolver = new Resolver(loop, arena, telemetry, servers, PROXY_MARK, searchListOf(resolvConf));
  const channel = (service: ControlAddress, isQuietWhenIdle = false) => {
    const createCodec = () => new WasmHeaderCodec(arena);
    return new Http2Channel({ service, dialer, resolver, log, createCodec, isQuietWhenIdle });
  };
  const plane = new GrpcPlane({
    config,
    loop,
    log,
    destination: channel(config.destination.service),
    policy: channel(config.policy.service),
  });
  const control = config.cores > 1 ? new SharedPlane(plane, loop.slices) : plane;
  const services = { config, loop, arena, telemetry, tls, control, log, sockets };
  const spans = exporterOf(services, channel), tracing = spans && new Tracing(spans);
  const runtime: Runtime = { ...services, tracing };
  return { runtime, channel, spans };
}

/** What the loops counted, and what the kernel did. */
function* withProcess(rows: Iterable<Row>): Generator<Row> {
  yield* rows;
  yield* processRows();
}

export class Proxy {
  readonly #runtime: Runtime;
  readonly #core: Core;
  readonly #admin: AdminServer;
  readonly #certifier: Certifier;
  readonly #state: AdminState;
  readonly #supervisor: Supervisor | undefined;
  readonly #watchdog: Watchdog | undefined;
  readonly #taps: TapHub | undefined;
  readonly #spans: SpanExporter | undefined;
  #tapServer: TapServer | undefined;
  #isStopping = false;

  constructor(options: ProxyOptions) {
    const { runtime, channel, spans } = assemble(options), { config, telemetry } = runtime;
    this.#runtime = runtime;
    this.#spans = spans;
    telemetry.gauge(
      "process_start_time_seconds",
      "Time that the process started (in seconds since the UNIX epoch)",
    ).value = Date.now() / 1000;
    if (config.watchdogMs > 0) {
      this.#watchdog = new Watchdog(runtime.loop, config.watchdogMs, config.cores - 1);
    }
    if (config.tapName !== undefined) this.#taps = new TapHub(telemetry);
    if (config.cores > 1) this.#supervisor = this.#createSupervisor(options);
    this.#state = {
      isReady: false,
      complaint: () => this.#watchdog?.complaint(),
      shutdown: () => this.stop("POST /shutdown"),
      environment: options.environment,
      metrics: () => this.#metrics(),
      onLogFilter: (filter) => this.#supervisor?.setLogFilter(filter),
    };
    this.#admin = new AdminServer(runtime, (request) => answerAdmin(request, runtime, this.#state));
    this.#certifier = new Certifier({
      ...runtime,
      channel: channel(config.identity.service),
      key: PrivateKey.generate(),
      readToken: () => Deno.readFileSync(config.identity.tokenFile),
      now: Date.now,
      onIdentity: ({ key, chain }, anchors) =>
        this.#supervisor?.setIdentity({ key: key.toDer(), chain, anchors }),
    });
    this.#core = new Core(runtime);
  }

  #createSupervisor({ environment, script }: ProxyOptions): Supervisor {
    const { config, control } = this.#runtime;
    return new Supervisor({
      runtime: this.#runtime,
      plane: control,
      environment,
      watchdog: this.#watchdog,
      taps: this.#taps,
      spans: this.#spans,
      count: config.cores - 1,
      spawn: (link) => {
        const name: WorkerName = { link };
        return new Worker(script, { type: "module", name: JSON.stringify(name) });
      },
    });
  }

  #metrics(): Iterable<Uint8Array> | Promise<Iterable<Uint8Array>> {
    const { telemetry, arena } = this.#runtime;
    return this.#supervisor?.rows().then((rows) => renderRows(withProcess(rows))) ??
      renderRows(withProcess(rowsOf(telemetry, arena)));
  }

  /** Runs until it has been told to stop and all is closed. */
  async run(): Promise<void> {
    const { loop, log } = this.#runtime;
    const signals = catchSignals([SIGTERM, SIGINT]);
    loop.add(signals, EPOLLIN, {
      onEvents: () => {
        if (readSignals(signals).length > 0) this.stop("signal");
      },
      onFault: () => {},
    });
    const notice = () => {
      if (this.#state.isReady || this.#isStopping) return;
      log.warn("waiting for a certificate before anything is accepted");
      loop.after(WAITING_NOTICE_MS, notice);
    };
    loop.after(WAITING_NOTICE_MS, notice);
    this.#certifier.run(() => this.#accept()).catch((error) => log.error("certification ended", { error }));
    await loop.run();
  }

  #accept(): void {
    if (this.#isStopping) return;
    const { log, config } = this.#runtime;
    let addresses: ListenAddresses;
    try {
      addresses = this.#core.listen(this.#supervisor !== undefined);
      if (this.#taps !== undefined) {
        this.#tapServer = new TapServer(this.#runtime, config.tapName!, this.#taps);
      }
    } catch (error) {
      log.error("cannot listen", { error });
      Deno.exit(1);
    }
    this.#state.isReady = true;
    const { inbound, outbound } = addresses, admin = formatAddress(this.#admin.address);
    log.info("ready", {
      inbound: formatAddress(inbound),
      outbound: outbound.map(formatAddress).join(),
      admin,
      ...(this.#tapServer === undefined ? {} : { tap: formatAddress(this.#tapServer.address) }),
    });
    this.#supervisor?.start(addresses);
  }

  /** Begins an orderly shutdown; a second call changes nothing. */
  stop(why: string): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    const { loop, log, config } = this.#runtime;
    log.info("shutting down", { why, connections: this.#core.connections });
    this.#certifier.stop();
    let drains = this.#supervisor === undefined ? 1 : 2;
    const end = () => {
      this.#tapServer?.close();
      this.#admin.close();
      this.#supervisor?.terminate();
      loop.stop();
    };
    const drained = () => {
      if (--drains > 0) return;
      if (this.#spans === undefined) end();
      else this.#spans.end().then(end);
    };
    this.#core.drain(false);
    this.#core.whenIdle(drained);
    this.#supervisor?.drain(false, drained);
    loop.after(config.shutdownGraceMs, () => {
      log.warn("grace period over", { connections: this.#core.connections });
      this.#core.drain(true);
      this.#supervisor?.drain(true, () => {});
      // Workers are given the time to close what is theirs; whether they take it or not, it is over then.
      loop.after(this.#supervisor === undefined ? 0 : FORCED_DRAIN_MS, end);
    });
  }
}
