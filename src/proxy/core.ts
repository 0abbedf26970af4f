/** The data plane of one loop: what the main loop and every worker run alike. */
import type { SocketAddress } from "../linux/address.ts";
import { collectGarbage, trimHeap } from "../linux/heap.ts";
import { trimStack } from "../linux/stack.ts";
import { Inbound } from "./inbound.ts";
import { Outbound } from "./outbound.ts";
import type { Runtime } from "./runtime.ts";
import { MemoryKeeper } from "../linux/memory_keeper.ts";

const HOUSEKEEPING_MS = 1000, DRAIN_LOOK_MS = 20;

/** What start-up and bursts took of the heap and of the stack. */
function giveBack(): void {
  trimHeap();
  trimStack();
}

export interface ListenAddresses {
  readonly inbound: SocketAddress;
  readonly outbound: readonly SocketAddress[];
}

export class Core {
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  readonly #memory = new MemoryKeeper({ collect: collectGarbage, trim: giveBack });

  constructor(readonly runtime: Runtime) {
    this.#outbound = new Outbound(runtime);
    this.#inbound = new Inbound(runtime, this.#outbound);
    runtime.loop.after(HOUSEKEEPING_MS, () => this.#housekeep());
  }

  #housekeep(): void {
    const { loop, telemetry, config } = this.runtime;
    this.#inbound.forgetIdle();
    this.#outbound.forgetIdle();
    telemetry.forgetIdle(loop.now, config.metricsRetainIdleMs * 1000);
    this.#memory.tick(loop.turns);
    loop.after(HOUSEKEEPING_MS, () => this.#housekeep());
  }

  /**
   * Begins to accept.
   * @param isReusePort other loops of this process listen beside this one
   * @throws SystemError when an address cannot be listened on
   */
  listen(isReusePort: boolean): ListenAddresses {
    return { inbound: this.#inbound.listen(isReusePort), outbound: this.#outbound.listen(isReusePort) };
  }

  /** Connections that clients have open here. */
  get connections(): number {
    return this.#inbound.connections.size + this.#outbound.connections.size;
  }

  /** Stops accepting; connections end after what they are doing, or at once when `isForced`. */
  drain(isForced: boolean): void {
    this.#inbound.drain(isForced);
    this.#outbound.drain(isForced);
  }

  /** Calls back once no connection is left. */
  whenIdle(callback: () => void): void {
    const { loop } = this.runtime;
    const look = () => this.connections === 0 ? callback() : void loop.after(DRAIN_LOOK_MS, look);
    loop.after(0, look);
  }
}
