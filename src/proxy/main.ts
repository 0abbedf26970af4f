/**
 * The proxy: start and stop, in order; nothing else.
 *
 * Start: configuration → memory and loop → admin (so that /live answers) → control clients → certificate → listeners.
 * Nothing is accepted before the workload has an identity. Stop (SIGTERM, SIGINT or POST /shutdown): stop accepting,
 * let requests finish, close; after the grace period close what is left.
 * Source: proxy.md §1.
 */
import { EPOLLIN } from "../linux/epoll.ts";
import { certificatesOfPem } from "../linux/openssl/certificate.ts";
import { PrivateKey } from "../linux/openssl/key.ts";
import { catchSignals, readSignals, SIGINT, SIGTERM } from "../linux/signals.ts";
import { KERNEL } from "./accept/listener.ts";
import { AdminServer } from "./admin/http.ts";
import { type AdminState, answerAdmin } from "./admin/routes.ts";
import { ConfigError, type ControlAddress, type ProxyConfig, readConfig } from "./config/environment.ts";
import { Dialer } from "./connect/dialer.ts";
import { nameServersOf, Resolver } from "./control/dns/resolver.ts";
import { GrpcPlane } from "./control/grpc_plane.ts";
import { Http2Channel } from "./control/http2_channel.ts";
import { Certifier } from "./control/identity/certifier.ts";
import { WasmHeaderCodec } from "./control/wasm_header_codec.ts";
import { Inbound } from "./inbound.ts";
import { Outbound } from "./outbound.ts";
import type { Runtime } from "./runtime.ts";
import { Log } from "./telemetry/log.ts";
import { Telemetry } from "./telemetry/telemetry.ts";
import { TlsContexts } from "./tls/contexts.ts";
import { Arena } from "./worker/arena.ts";
import { Loop } from "./worker/loop.ts";

/** Exit code for an environment that makes no proxy (EX_USAGE of sysexits.h, as Linkerd's). */
const EXIT_USAGE = 64;
const HOUSEKEEPING_MS = 1000, WAITING_NOTICE_MS = 15_000;

function configOrExit(environment: Record<string, string>): ProxyConfig {
  try {
    return readConfig(environment);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    Deno.exit(EXIT_USAGE);
  }
}

function readResolvConf(): string {
  try {
    return Deno.readTextFileSync("/etc/resolv.conf");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return ""; // as resolv.conf(5): the local host's server
    throw error;
  }
}

class Proxy {
  readonly #runtime: Runtime;
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  readonly #admin: AdminServer;
  readonly #certifier: Certifier;
  readonly #state: AdminState;
  #isStopping = false;

  constructor(config: ProxyConfig, environment: Record<string, string>) {
    const log = new Log(config.logFilter, config.logFormat);
    const loop = new Loop((error) =>
      log.error("internal fault", { error: error instanceof Error ? error.stack : error })
    );
    const arena = Arena.create(), telemetry = new Telemetry(arena);
    telemetry.gauge(
      "process_start_time_seconds",
      "Time that the process started (in seconds since the UNIX epoch)",
    ).value = Date.now() / 1000;
    const tls = new TlsContexts(config.identity.localName, certificatesOfPem(config.identity.trustAnchors));
    const dialer = new Dialer(loop, arena, config.outbound, tls);
    const servers = nameServersOf(readResolvConf()).map((ip) => ({ ip, port: 53 }));
    const resolver = new Resolver(loop, arena, telemetry, servers);
    const channel = (service: ControlAddress) =>
      new Http2Channel({ service, dialer, resolver, log, createCodec: () => new WasmHeaderCodec(arena) });
    const control = new GrpcPlane({
      config,
      loop,
      log,
      destination: channel(config.destination.service),
      policy: channel(config.policy.service),
    });
    this.#runtime = { config, loop, arena, telemetry, tls, control, log, sockets: KERNEL };
    this.#state = { isReady: false, shutdown: () => this.stop("POST /shutdown"), environment };
    this.#admin = new AdminServer(
      this.#runtime,
      (request) => answerAdmin(request, this.#runtime, this.#state),
    );
    this.#certifier = new Certifier({
      config,
      loop,
      log,
      telemetry,
      tls,
      channel: channel(config.identity.service),
      key: PrivateKey.generate(),
      readToken: () => Deno.readFileSync(config.identity.tokenFile),
      now: Date.now,
    });
    this.#inbound = new Inbound(this.#runtime);
    this.#outbound = new Outbound(this.#runtime);
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
    loop.after(HOUSEKEEPING_MS, () => this.#housekeep());
    this.#certifier.run(() => this.#accept()).catch((error) => log.error("certification ended", { error }));
    await loop.run();
  }

  #accept(): void {
    if (this.#isStopping) return;
    const { log } = this.#runtime;
    try {
      this.#inbound.listen(false);
      this.#outbound.listen(false);
    } catch (error) {
      log.error("cannot listen", { error });
      Deno.exit(1);
    }
    this.#state.isReady = true;
    log.info("ready");
  }

  #housekeep(): void {
    const { loop, telemetry, config } = this.#runtime;
    this.#inbound.forgetIdle();
    this.#outbound.forgetIdle();
    telemetry.forgetIdle(loop.now - config.metricsRetainIdleMs * 1000);
    loop.after(HOUSEKEEPING_MS, () => this.#housekeep());
  }

  /** Begins an orderly shutdown; a second call changes nothing. */
  stop(why: string): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    const { loop, log, config } = this.#runtime, { connections: inbound } = this.#inbound;
    const { connections: outbound } = this.#outbound;
    log.info("shutting down", { why, connections: inbound.size + outbound.size });
    this.#certifier.stop();
    this.#inbound.drain(false);
    this.#outbound.drain(false);
    const end = () => {
      this.#admin.close();
      loop.stop();
    };
    loop.after(config.shutdownGraceMs, () => {
      log.warn("grace period over", { connections: inbound.size + outbound.size });
      this.#inbound.drain(true);
      this.#outbound.drain(true);
      end();
    });
    const look = () => inbound.size + outbound.size === 0 ? end() : void loop.after(20, look);
    loop.after(0, look);
  }
}

if (import.meta.main) {
  const environment = Deno.env.toObject();
  await new Proxy(configOrExit(environment), environment).run();
  Deno.exit(0);
}
