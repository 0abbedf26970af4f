/**
 * One watch for all loops of the process: the first who asks opens it, the others are told what is known and then what
 * changes, and when the last has left it is cancelled. What is told is never changed afterwards.
 */
import { formatAddress, type SocketAddress } from "../../linux/address.ts";
import type { ServerPolicy } from "../policy/server_policy.ts";
import { EndpointBook } from "./endpoint_book.ts";
import type { ControlPlane, EndpointUpdate, OutboundDecision, Watch } from "./plane.ts";

type Teller<Update> = (update: Update) => void;

/** What is watched under one key, and by whom. */
class Shared<Update> {
  readonly #tellers = new Set<Teller<Update>>();
  #watch: Watch | undefined;
  #isEnded = false;

  /**
   * @param remember keeps an update for those who come later
   * @param recall what they are told first; undefined while nothing is known
   */
  constructor(
    private readonly remember: (update: Update) => void,
    private readonly recall: () => Update | undefined,
    private readonly onUnused: () => void,
  ) {}

  /** Opens the watch. It may tell at once. */
  open(subscribe: (tell: Teller<Update>) => Watch): void {
    this.#watch = subscribe((update) => {
      if (this.#isEnded) return;
      this.remember(update);
      for (const tell of [...this.#tellers]) tell(update);
    });
  }

  /** Joins; what is known is told in a microtask, as a watch of one's own would. */
  join(tell: Teller<Update>): Watch {
    let isTold = false, isCancelled = false;
    const own = (update: Update) => {
      isTold = true;
      tell(update);
    };
    this.#tellers.add(own);
    queueMicrotask(() => {
      const known = this.recall();
      if (!isCancelled && !isTold && known !== undefined) own(known);
    });
    return {
      cancel: () => {
        isCancelled = true;
        if (!this.#tellers.delete(own) || this.#tellers.size > 0) return;
        this.#isEnded = true;
        this.#watch?.cancel();
        this.onUnused();
      },
    };
  }
}

/** What is told of an outbound destination. */
type Outbound =
  | { readonly kind: "decision"; readonly decision: OutboundDecision }
  | { readonly kind: "refused"; readonly reason: string };

export class SharedPlane implements ControlPlane {
  readonly #ports = new Map<number, Shared<ServerPolicy>>();
  readonly #outbound = new Map<string, Shared<Outbound>>();
  readonly #paths = new Map<string, Shared<EndpointUpdate>>();

  constructor(private readonly plane: ControlPlane) {}

  /** Watches that are open at the control plane. */
  get size(): number {
    return this.#ports.size + this.#outbound.size + this.#paths.size;
  }

  /** Joins the watch under `key`; the first opens it. */
  #join<Key, Update>(
    all: Map<Key, Shared<Update>>,
    key: Key,
    tell: Teller<Update>,
    memory: { readonly remember: (update: Update) => void; readonly recall: () => Update | undefined },
    subscribe: (tell: Teller<Update>) => Watch,
  ): Watch {
    const known = all.get(key);
    if (known !== undefined) return known.join(tell);
    const shared = new Shared<Update>(memory.remember, memory.recall, () => all.delete(key));
    all.set(key, shared);
    const watch = shared.join(tell);
    shared.open(subscribe);
    return watch;
  }

  watchInboundPort(port: number, onUpdate: (policy: ServerPolicy) => void): Watch {
    return this.#join(
      this.#ports,
      port,
      onUpdate,
      lastOf(),
      (tell) => this.plane.watchInboundPort(port, tell),
    );
  }

  watchOutbound(
    address: SocketAddress,
    onUpdate: (decision: OutboundDecision) => void,
    onFailed: (reason: string) => void,
  ): Watch {
    const tellBoth = (update: Outbound) =>
      update.kind === "decision" ? onUpdate(update.decision) : onFailed(update.reason);
    return this.#join(
      this.#outbound,
      formatAddress(address),
      tellBoth,
      lastOf<Outbound>(),
      (tell) =>
        this.plane.watchOutbound(
          address,
          (decision) => tell({ kind: "decision", decision }),
          (reason) => tell({ kind: "refused", reason }),
        ),
    );
  }

  resolve(path: string, onUpdate: (update: EndpointUpdate) => void): Watch {
    const book = new EndpointBook();
    return this.#join(
      this.#paths,
      path,
      onUpdate,
      { remember: (update) => book.apply(update), recall: () => book.snapshot() },
      (tell) => this.plane.resolve(path, tell),
    );
  }
}

/** Remembers the last update: each says everything. */
function lastOf<Update>() {
  let last: Update | undefined;
  return {
    remember: (update: Update) => {
      last = update;
    },
    recall: () => last,
  };
}
