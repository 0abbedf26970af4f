/** Taps of the whole process: an observation is opened in every loop, and what they tell comes together here. */
import { ObserveRequest } from "../../../proto/gen/tap.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { TapBatch, TapToWorker } from "./messages.ts";
import { Observation } from "./observation.ts";
import { ObserveCall, type TapCounts } from "./observe_call.ts";
import { MAX_OBSERVATIONS } from "./taps.ts";

/** A further loop, as taps see it. */
export interface TapWorker {
  send(message: TapToWorker): void;
}

export type ObserveRefusal = { readonly refused: "invalid" | "too-many"; readonly why: string };

interface Running {
  readonly call: ObserveCall;
  readonly local: Observation;
  readonly request: ObserveRequest;
}

export class TapHub {
  readonly #running = new Set<Running>();
  /** The base of each running observation in each worker. */
  readonly #workers = new Map<TapWorker, Map<number, Running>>();
  readonly #counts: TapCounts;
  readonly #observations;
  #bases = 0;

  constructor(private readonly telemetry: Telemetry) {
    this.#counts = {
      events: telemetry.counter("proxy_tap_events_total", "Events that taps were told"),
      dropped: telemetry.counter(
        "proxy_tap_events_dropped_total",
        "Events that found no room, since their tap was not read fast enough",
      ),
    };
    this.#observations = telemetry.gauge("proxy_tap_observations", "Taps that run");
  }

  #nextBase(): number {
    return this.#bases = (this.#bases + 1) >>> 0;
  }

  /**
   * Begins to observe in all loops.
   * @param bytes an ObserveRequest
   * @param onNews events wait, or all is over
   * @returns the call and how to end it, or why it is refused
   */
  observe(bytes: Uint8Array, onNews: () => void): { call: ObserveCall; stop: () => void } | ObserveRefusal {
    if (this.#running.size >= MAX_OBSERVATIONS) {
      return { refused: "too-many", why: `${MAX_OBSERVATIONS} taps run already` };
    }
    let running: Running;
    try {
      const request = ObserveRequest.decode(bytes);
      if (request.limit === 0) return { refused: "invalid", why: "the limit is 0" };
      const call = new ObserveCall(request.limit, this.#counts, onNews), base = this.#nextBase();
      const sink = { take: (record: Parameters<ObserveCall["take"]>[1]) => call.take(base, record) };
      running = { call, local: new Observation(base, request, sink), request };
    } catch (error) {
      return { refused: "invalid", why: error instanceof Error ? error.message : String(error) };
    }
    this.#running.add(running);
    this.#observations.value = this.#running.size;
    this.telemetry.taps.open(running.local);
    for (const [worker, bases] of this.#workers) this.#open(worker, bases, running);
    return { call: running.call, stop: () => this.#stop(running) };
  }

  #open(worker: TapWorker, bases: Map<number, Running>, running: Running): void {
    const base = this.#nextBase(), { left } = running.call;
    bases.set(base, running);
    worker.send({ kind: "tap-open", base, request: running.request, left });
  }

  #stop(running: Running): void {
    if (!this.#running.delete(running)) return;
    this.#observations.value = this.#running.size;
    this.telemetry.taps.close(running.local);
    running.call.close();
    for (const [worker, bases] of this.#workers) {
      for (const [base, one] of bases) {
        if (one !== running) continue;
        bases.delete(base);
        worker.send({ kind: "tap-close", base });
      }
    }
  }

  /** A worker accepts: whatever runs is observed there too. */
  join(worker: TapWorker): void {
    const bases = new Map<number, Running>();
    this.#workers.set(worker, bases);
    for (const running of this.#running) this.#open(worker, bases, running);
  }

  /** A worker has ended. */
  leave(worker: TapWorker): void {
    const bases = this.#workers.get(worker);
    this.#workers.delete(worker);
    for (const [base, { call }] of bases ?? []) call.lost(base);
  }

  receive(worker: TapWorker, { base, records, dropped }: TapBatch): void {
    this.#counts.dropped.value += dropped;
    const running = this.#workers.get(worker)?.get(base);
    if (running === undefined) return; // stopped meanwhile
    const { call, local } = running;
    for (const record of records) call.take(base, record);
    local.left = call.left;
    this.telemetry.taps.refresh();
    worker.send({ kind: "tap-continue", base, left: call.left });
  }
}
