/**
 * A worker: the loop of a further core, in a thread of its own. It runs the same data plane as the main loop, and asks
 * the main loop for everything else (decisions, certificates). Nothing of a connection ever leaves it.
 */
import { formatAddress } from "../../linux/address.ts";
import { certificatesOfPem } from "../../linux/openssl/certificate.ts";
import type { TlsIdentity } from "../../linux/openssl/context.ts";
import { PrivateKey } from "../../linux/openssl/key.ts";
import { threadId } from "../../linux/thread.ts";
import type { SocketFacts } from "../accept/listener.ts";
import { readConfig } from "../config/environment.ts";
import { RemotePlane } from "../control/remote_plane.ts";
import { Core } from "../core.ts";
import { Log } from "../telemetry/log.ts";
import { type Row, rowsOf } from "../telemetry/rows.ts";
import { WorkerTaps } from "../tap/worker_taps.ts";
import { Telemetry } from "../telemetry/telemetry.ts";
import { droppedSpans } from "../trace/export/span_queue.ts";
import { Tracing } from "../trace/tracer.ts";
import { WorkerSpans } from "../trace/export/worker_spans.ts";
import { TlsContexts } from "../tls/contexts.ts";
import { Arena } from "../worker/arena.ts";
import { Loop } from "../worker/loop.ts";
import { beWatched } from "../worker/watchdog.ts";
import { Link } from "./link.ts";
import type { IdentitySnapshot, ToMain, ToWorker } from "./messages.ts";

/** Rows in one message: a slice of work for either side. */
const ROWS_PER_MESSAGE = 32;

/** What `new Worker` gives a worker, as its name: there is no event loop to receive a first message with. */
export interface WorkerName {
  readonly link: number;
}

function identityOf({ key, chain }: IdentitySnapshot): TlsIdentity {
  const own = PrivateKey.fromDer(key);
  if (own === undefined) throw new Error("the main loop's key cannot be read");
  return { key: own, chain };
}

class WorkerLoop {
  readonly loop: Loop;
  readonly #arena = Arena.create();
  readonly #telemetry = new Telemetry(this.#arena);
  readonly #link: Link<ToWorker, ToMain>;
  readonly #plane: RemotePlane;
  readonly #taps: WorkerTaps;
  #log = new Log("info", "plain");
  #core: Core | undefined;
  #tls: TlsContexts | undefined;
  /** Undefined while no collector is configured. */
  #spans: WorkerSpans | undefined;

  constructor(link: number, private readonly sockets: SocketFacts) {
    this.loop = new Loop((error) =>
      this.#log.error("internal fault", { error: error instanceof Error ? error.stack : error })
    );
    this.#link = new Link(this.loop, this.#arena, link, (message) => this.#receive(message), () => {
      this.loop.stop(); // the main loop is gone, and with it the process
    });
    this.#plane = new RemotePlane((message) => this.#link.send(message));
    this.#taps = new WorkerTaps(
      this.#telemetry.taps,
      (message) => this.#link.send(message),
      (callback) => this.loop.defer(callback),
    );
    this.#link.send({ kind: "hello", thread: threadId(), epoll: this.loop.epollDescriptor });
  }

  #receive(message: ToWorker): void {
    switch (message.kind) {
      case "start":
        return this.#start(message);
      case "identity":
        return this.#tls!.install(identityOf(message.identity), message.identity.anchors);
      case "collect":
        return void this.#tell(message.scrape);
      case "log-filter":
        return void this.#log.setFilter(message.filter);
      case "tap-open":
      case "tap-continue":
      case "tap-close":
        return this.#taps.receive(message);
      case "spans-taken":
        return this.#spans?.taken();
      case "drain":
        return this.#drain(message.isForced);
      default:
        this.#plane.receive(message);
    }
  }

  #start(
    { environment, identity, logFilter, sockets, watched }: ToWorker & { readonly kind: "start" },
  ): void {
    const config = readConfig(environment);
    if (watched !== undefined) beWatched(this.loop, watched);
    this.#log = new Log(logFilter, config.logFormat);
    const tls = this.#tls = new TlsContexts(
      config.identity.localName,
      certificatesOfPem(config.identity.trustAnchors),
    );
    tls.install(identityOf(identity), identity.anchors);
    this.#spans = config.tracing && new WorkerSpans(
      (message) => this.#link.send(message),
      (callback) => this.loop.defer(callback),
      droppedSpans(this.#telemetry),
    );
    this.#core = new Core({
      config,
      loop: this.loop,
      arena: this.#arena,
      telemetry: this.#telemetry,
      tls,
      control: this.#plane,
      log: this.#log,
      tracing: this.#spans && new Tracing(this.#spans),
      sockets: {
        originalDestination: (fd) => this.sockets.originalDestination(fd),
        peerAddress: (fd) => this.sockets.peerAddress(fd),
        listeningAt: (address) => sockets[formatAddress(address)],
      },
    });
    this.#core.listen(true);
    this.#link.send({ kind: "ready" });
  }

  *#rows(scrape: number | undefined): Generator<ToMain> {
    let rows: Row[] = [];
    for (const row of rowsOf(this.#telemetry, this.#arena)) {
      rows.push(row);
      if (rows.length < ROWS_PER_MESSAGE) continue;
      yield { kind: "rows", scrape, rows, isLast: false };
      rows = [];
    }
    yield { kind: "rows", scrape, rows, isLast: true };
  }

  async #tell(scrape: number): Promise<void> {
    const { slices } = this.loop;
    await slices.begun();
    for (const message of this.#rows(scrape)) {
      this.#link.send(message);
      if (slices.isOver) await slices.begun();
    }
  }

  #drain(isForced: boolean): void {
    this.#core?.drain(isForced);
    const end = () => {
      this.#spans?.end();
      this.#link.send({ kind: "drained" });
    };
    if (this.#core === undefined) end();
    else this.#core.whenIdle(end);
  }

  /** Tells what has been counted and why it ends. */
  sayLastWords(error: unknown): void {
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#link.sendLast([...this.#rows(undefined), { kind: "fault", error: text }]);
  }
}

/** True in a worker's thread. */
export function isWorkerThread(): boolean {
  const scope = (globalThis as { DedicatedWorkerGlobalScope?: abstract new () => unknown })
    .DedicatedWorkerGlobalScope;
  return scope !== undefined && globalThis instanceof scope;
}

/**
 * Runs this thread's loop until the process ends, or a fault of ours does.
 * @param prepare told of the loop before it turns; for tests
 */
export async function runWorker(sockets: SocketFacts, prepare?: (loop: Loop) => void): Promise<void> {
  const scope = globalThis as unknown as { readonly name: string; close(): void };
  const worker = new WorkerLoop((JSON.parse(scope.name) as WorkerName).link, sockets);
  prepare?.(worker.loop);
  try {
    await worker.loop.run();
  } catch (error) {
    worker.sayLastWords(error);
  }
  scope.close();
}
