/**
 * One worker as the main loop sees it: its thread, the link to it, the watches it asked for, and what it told of its
 * counts. When it ends, whatever it left open is closed from here: descriptors belong to the process, not to a thread.
 */
import { close } from "../../linux/socket.ts";
import { createSocketPair } from "../../linux/socketpair.ts";
import { isThreadAlive } from "../../linux/thread.ts";
import type { ControlPlane, Watch } from "../control/plane.ts";
import type { TapBatch } from "../tap/messages.ts";
import type { Row } from "../telemetry/rows.ts";
import type { SpanBatch } from "../trace/export/messages.ts";
import type { Arena } from "../worker/arena.ts";
import type { Loop } from "../worker/loop.ts";
import { Link } from "./link.ts";
import type { ToMain, ToWorker } from "./messages.ts";

/** What the handle needs of a thread; a Deno `Worker` is one. */
export interface Thread {
  terminate(): void;
}

export interface HandleOptions {
  readonly loop: Loop;
  readonly arena: Arena;
  readonly plane: ControlPlane;
  /** Starts the thread; `link` is its end of the pair. */
  readonly spawn: (link: number) => Thread;
  /** Its thread runs: it may be told to start. */
  readonly onHello: () => void;
  readonly onReady: () => void;
  readonly onDrained: () => void;
  /** Its taps told something. */
  readonly onTapped: (batch: TapBatch) => void;
  /** Spans of its requests are over. */
  readonly onSpans: (batch: SpanBatch) => void;
  /** It told why it ends, or vanished. Its thread may still be there: see `isGone`. */
  readonly onEnded: (reason: string) => void;
}

/** Descriptors registered with an epoll instance of this process, as /proc tells. */
export function descriptorsOf(epoll: number): number[] {
  let text: string;
  try {
    text = Deno.readTextFileSync(`/proc/self/fdinfo/${epoll}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return []; // closed already
    throw error;
  }
  return [...text.matchAll(/^tfd:\s*(\d+)/gm)].map((match) => Number(match[1]));
}

export class WorkerHandle {
  readonly #link: Link<ToMain, ToWorker>;
  readonly #thread: Thread;
  readonly #far: number;
  readonly #watches = new Map<number, Watch>();
  #id: { readonly thread: number; readonly epoll: number } | undefined;
  #isEnded = false;
  #fault: string | undefined;
  readonly #arriving = new Map<number | undefined, Row[]>();
  /** Those who wait for an answer, by scrape. */
  readonly #scrapes = new Map<number, () => void>();
  /** What it had counted when it last told, or said its last words. */
  counted: readonly Row[] = [];

  constructor(private readonly options: HandleOptions) {
    const [near, far] = createSocketPair();
    this.#far = far;
    const { loop, arena } = options;
    this.#link = new Link(
      loop,
      arena,
      near,
      (message) => this.#receive(message),
      (reason) => this.#end(reason),
    );
    this.#thread = options.spawn(far);
  }

  send(message: ToWorker): void {
    this.#link.send(message);
  }

  #receive(message: ToMain): void {
    const { plane } = this.options;
    switch (message.kind) {
      case "hello":
        this.#id = message;
        return this.options.onHello();
      case "ready":
        return this.options.onReady();
      case "watch-port": {
        const { watch } = message;
        const onUpdate = plane.watchInboundPort(
          message.port,
          (policy) => this.send({ kind: "policy", watch, policy }),
        );
        return void this.#watches.set(watch, onUpdate);
      }
      case "watch-outbound": {
        const { watch } = message;
        const opened = plane.watchOutbound(
          message.target,
          (decision) => this.send({ kind: "decision", watch, decision }),
          (reason) => this.send({ kind: "refused", watch, reason }),
        );
        return void this.#watches.set(watch, opened);
      }
      case "watch-profile": {
        const { watch } = message;
        const opened = plane.watchProfile(
          message.target,
          (routes) => this.send({ kind: "profile", watch, routes }),
        );
        return void this.#watches.set(watch, opened);
      }
      case "resolve": {
        const { watch } = message;
        const opened = plane.resolve(
          message.path,
          (update) => this.send({ kind: "endpoints", watch, update }),
        );
        return void this.#watches.set(watch, opened);
      }
      case "cancel":
        this.#watches.get(message.watch)?.cancel();
        return void this.#watches.delete(message.watch);
      case "rows":
        return this.#counted(message);
      case "tap-batch":
        return this.options.onTapped(message);
      case "spans":
        return this.options.onSpans(message);
      case "drained":
        return this.options.onDrained();
      case "fault":
        this.#fault = message.error;
        return this.#end(message.error);
    }
  }

  #counted({ scrape, rows, isLast }: ToMain & { readonly kind: "rows" }): void {
    const arrived = this.#arriving.get(scrape) ?? [];
    arrived.push(...rows);
    this.#arriving.set(scrape, arrived);
    if (!isLast) return;
    this.counted = arrived;
    this.#arriving.delete(scrape);
    if (scrape !== undefined) this.#tellCounted(scrape);
  }

  #tellCounted(scrape: number): void {
    this.#scrapes.get(scrape)?.();
    this.#scrapes.delete(scrape);
  }

  /** Has it tell what it has counted; resolves when `counted` is new, when it has ended, or after `timeoutMs`. */
  collect(scrape: number, timeoutMs: number): Promise<void> {
    if (this.#isEnded) return Promise.resolve();
    this.send({ kind: "collect", scrape });
    return new Promise((done) => {
      const cancel = this.options.loop.after(timeoutMs, () => this.#tellCounted(scrape));
      this.#scrapes.set(scrape, () => {
        cancel();
        done();
      });
    });
  }

  #end(reason: string): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#link.close();
    for (const watch of this.#watches.values()) watch.cancel();
    this.#watches.clear();
    for (const scrape of [...this.#scrapes.keys()]) this.#tellCounted(scrape);
    this.options.onEnded(this.#fault ?? reason);
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Looks whether the thread still exists; one that vanished without a word has ended. */
  look(): void {
    if (this.#id !== undefined && !isThreadAlive(this.#id.thread)) this.#end("its thread is gone");
  }

  /** True once the thread is gone, so that its descriptors are nobody's. */
  get isGone(): boolean {
    return this.#isEnded && (this.#id === undefined || !isThreadAlive(this.#id.thread));
  }

  /** Ends a worker that is of no use. */
  giveUp(reason: string): void {
    this.#thread.terminate();
    this.#end(reason);
  }

  terminate(): void {
    this.#thread.terminate();
  }

  /**
   * Closes what the thread left open, but for `kept`. Only once it is gone.
   * @returns how many connections were lost
   */
  sweep(kept: ReadonlySet<number>): number {
    const epoll = this.#id?.epoll, left = epoll === undefined ? [] : descriptorsOf(epoll);
    const lost = left.filter((fd) => !kept.has(fd) && fd !== this.#far);
    for (const fd of lost) close(fd);
    if (epoll !== undefined) { // a thread that never spoke may still be about to: its descriptors are left alone
      close(this.#far);
      close(epoll);
    }
    return lost.length;
  }
}
