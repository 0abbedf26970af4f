/**
 * The workers of a proxy that was granted several cores: started once the main loop accepts, given what they need,
 * asked for their counts, drained, and started again when one dies. A worker that dies loses its own connections; the
 * sockets it listened on, and who waits in them, go to the one that follows.
 */
import { formatAddress, type SocketAddress } from "../../linux/address.ts";
import { close, listenTcp } from "../../linux/socket.ts";
import type { ListenAddresses } from "../core.ts";
import type { ControlPlane } from "../control/plane.ts";
import type { Runtime } from "../runtime.ts";
import type { TapHub } from "../tap/hub.ts";
import { MergedRows } from "../telemetry/merged_rows.ts";
import { type Row, rowsOf } from "../telemetry/rows.ts";
import type { SpanSink } from "../trace/span.ts";
import type { Watchdog } from "../worker/watchdog.ts";
import type { IdentitySnapshot, ToWorker } from "./messages.ts";
import { type Thread, WorkerHandle } from "./worker_handle.ts";

/** A thread that ended is looked for so often, until it is gone. */
const GONE_LOOK_MS = 10;
const LOOK_MS = 1000, START_TIMEOUT_MS = 10_000;
const FIRST_BACKOFF_MS = 100, LONGEST_BACKOFF_MS = 10_000, STEADY_MICROS = 60_000_000;
/** A worker that has not told its counts by then is rendered as it last told: longer than it is held back (Slices). */
const COLLECT_TIMEOUT_MS = 5000;
/** Rows added up between two turns of the loop. */
const ROWS_PER_LOOK = 64;

export interface SupervisorOptions {
  readonly runtime: Runtime;
  /** The watches all loops share. */
  readonly plane: ControlPlane;
  readonly environment: Readonly<Record<string, string>>;
  /** Workers beside the main loop. */
  readonly count: number;
  /** Starts a worker's thread; `link` is its end of the pair. */
  readonly spawn: (link: number) => Thread;
  /** Sees whether the workers' loops turn. */
  readonly watchdog: Watchdog | undefined;
  /** Taps reach every loop through it; left out: nobody may tap. */
  readonly taps?: TapHub | undefined;
  /** Where the workers' spans go; left out: they tell of none. */
  readonly spans?: SpanSink | undefined;
}

/** The place of one worker: its sockets stay, threads come and go. */
interface Place {
  readonly index: number;
  sockets: Readonly<Record<string, number>>;
  handle: WorkerHandle | undefined;
  startedAt: number;
  deaths: number;
  isDrained: boolean;
}

export class Supervisor {
  readonly #places: Place[];
  readonly #retired = new MergedRows();
  #addresses: ListenAddresses | undefined;
  #identity: IdentitySnapshot | undefined;
  #scrapes = 0;
  #isStopping = false;
  #onDrained: (() => void) | undefined;

  constructor(private readonly options: SupervisorOptions) {
    this.#places = Array.from({ length: options.count }, (_, index) => ({
      index: index + 1,
      sockets: {},
      handle: undefined,
      startedAt: 0,
      deaths: 0,
      isDrained: false,
    }));
  }

  /** Starts the workers; they listen beside the main loop. An identity must have been set. */
  start(addresses: ListenAddresses): void {
    this.#addresses = addresses;
    for (const place of this.#places) this.#spawn(place);
    this.#look();
  }

  /** Looks for threads that vanished without a word. */
  #look(): void {
    for (const { handle } of this.#places) handle?.look();
    this.options.runtime.loop.after(LOOK_MS, () => this.#look());
  }

  #spawn(place: Place): void {
    if (this.#isStopping) return;
    const { runtime, plane, spawn } = this.options, { loop, arena, log } = runtime;
    place.startedAt = loop.now;
    try {
      const handle = place.handle = new WorkerHandle({
        loop,
        arena,
        plane,
        spawn,
        onHello: () => this.#begin(place),
        onReady: () => {
          cancel();
          this.options.taps?.join(handle);
          log.info("worker ready", { worker: place.index });
        },
        onTapped: (batch) => this.options.taps?.receive(handle, batch),
        onSpans: ({ spans }) => {
          for (const span of spans) this.options.spans?.take(span);
          handle.send({ kind: "spans-taken" });
        },
        onDrained: () => this.#drained(place),
        onEnded: (reason) => {
          cancel();
          this.options.taps?.leave(handle);
          this.#ended(place, reason);
        },
      });
      const cancel = loop.after(START_TIMEOUT_MS, () => handle.giveUp("it did not start in time"));
    } catch (error) {
      log.error("a worker cannot be started", { worker: place.index, error });
      this.#retry(place);
    }
  }

  #begin(place: Place): void {
    const { environment, runtime, watchdog } = this.options, { log } = runtime;
    if (this.#isStopping) return;
    try {
      if (Object.keys(place.sockets).length === 0) place.sockets = this.#openSockets();
    } catch (error) {
      return log.error("a worker cannot listen", { worker: place.index, error });
    }
    const { inbound, outbound } = this.#addresses!, texts = outbound.map(formatAddress);
    place.handle!.send({
      kind: "start",
      environment: {
        ...environment,
        LINKERD2_PROXY_INBOUND_LISTEN_ADDR: formatAddress(inbound),
        LINKERD2_PROXY_OUTBOUND_LISTEN_ADDRS: texts.join(","),
      },
      sockets: place.sockets,
      identity: this.#identity!,
      logFilter: log.filter,
      watched: watchdog?.placeOf(place.index),
    });
  }

  #openSockets(): Record<string, number> {
    const { inbound, outbound } = this.#addresses!, { config } = this.options.runtime;
    const open = (address: SocketAddress, backlog: number): [string, number] => [
      formatAddress(address),
      listenTcp(address, { backlog, isReusePort: true }),
    ];
    return Object.fromEntries([
      open(inbound, config.inbound.backlog),
      ...outbound.map((address) => open(address, config.outbound.backlog)),
    ]);
  }

  #ended(place: Place, reason: string): void {
    const { log } = this.options.runtime;
    this.options.watchdog?.forget(place.index);
    if (!place.isDrained) log.error("a worker died", { worker: place.index, error: reason });
    this.#awaitGone(place);
  }

  /** Waits until the thread is gone, then takes over what it left. */
  #awaitGone(place: Place): void {
    const { loop } = this.options.runtime, handle = place.handle!;
    if (!handle.isGone) return void loop.after(GONE_LOOK_MS, () => this.#awaitGone(place));
    place.handle = undefined;
    const kept = this.#isStopping ? [] : Object.values(place.sockets);
    const lost = handle.sweep(new Set(kept));
    for (const _ of this.#retired.add(onlyLasting(handle.counted)));
    if (this.#isStopping) return this.#drained(place);
    this.#count(lost);
    this.#retry(place);
  }

  #count(lost: number): void {
    const { telemetry } = this.options.runtime;
    telemetry.counter("proxy_worker_restarts_total", "Workers that died and were started again").value++;
    telemetry.counter(
      "proxy_worker_lost_descriptors_total",
      "Connections that ended because their worker died",
    ).value += lost;
  }

  #retry(place: Place): void {
    const { loop, log } = this.options.runtime;
    if (loop.now - place.startedAt > STEADY_MICROS) place.deaths = 0;
    const delay = place.deaths === 0
      ? 0
      : Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (place.deaths - 1));
    place.deaths++;
    log.info("starting a worker again", { worker: place.index, inMs: delay });
    loop.after(delay, () => this.#spawn(place));
  }

  #tell(message: ToWorker): void {
    for (const { handle } of this.#places) handle?.send(message);
  }

  /** What the workload proves from now on: new connections take it, those that stand keep theirs. */
  setIdentity(identity: IdentitySnapshot): void {
    this.#identity = identity;
    this.#tell({ kind: "identity", identity });
  }

  setLogFilter(filter: string): void {
    this.#tell({ kind: "log-filter", filter });
  }

  /** What all loops have counted, the main one's included, exact at the moment each was asked. */
  async rows(): Promise<Iterable<Row>> {
    const { loop, telemetry, arena } = this.options.runtime, scrape = ++this.#scrapes;
    const handles = this.#places.flatMap(({ handle }) => handle ?? []);
    await Promise.all(handles.map((handle) => handle.collect(scrape, COLLECT_TIMEOUT_MS)));
    const merged = new MergedRows(), { slices } = loop;
    let added = 0;
    await slices.begun();
    for (
      const part of [
        rowsOf(telemetry, arena),
        this.#retired.rows(),
        ...handles.map(({ counted }) => counted),
      ]
    ) {
      for (const _ of merged.add(part)) {
        if (++added % ROWS_PER_LOOK === 0 && slices.isOver) await slices.begun();
      }
    }
    return merged.rows();
  }

  /** Has the workers stop accepting; `onDrained` is called once none has a connection left. */
  drain(isForced: boolean, onDrained: () => void): void {
    this.#isStopping = true;
    this.#onDrained = onDrained;
    for (const place of this.#places) {
      if (place.handle !== undefined) continue;
      for (const fd of Object.values(place.sockets)) close(fd);
      place.isDrained = true;
    }
    this.#tell({ kind: "drain", isForced });
    this.#tellIfDrained();
  }

  #drained(place: Place): void {
    place.isDrained = true;
    this.#tellIfDrained();
  }

  #tellIfDrained(): void {
    if (!this.#places.every(({ isDrained }) => isDrained)) return;
    this.#onDrained?.();
    this.#onDrained = undefined;
  }

  /** Ends the threads: the process is about to. */
  terminate(): void {
    for (const { handle } of this.#places) handle?.terminate();
  }
}

/** Of what a loop that is gone had counted, that which lasts. */
function onlyLasting(rows: Iterable<Row>): Iterable<Row> {
  const merged = new MergedRows();
  for (const _ of merged.add(rows));
  return merged.lasting();
}
