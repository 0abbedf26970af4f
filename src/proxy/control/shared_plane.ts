/**
 * One watch for all loops of the process: the first who asks opens it, the others are told what is known and then what
 * changes, and when the last has left it is cancelled. What is told is never changed afterwards.
 */
import type { ServerPolicy } from "../policy/server_policy.ts";
import { EndpointBook } from "./endpoint_book.ts";
import {
  type ControlPlane,
  type EndpointUpdate,
  formatTarget,
  type NamedTarget,
  type OutboundDecision,
  type OutboundTarget,
  type ProfileRoutes,
  type Watch,
} from "./plane.ts";
import type { Slices } from "../worker/slices.ts";

type Teller<Update> = (update: Update) => void;

/** Keeps what was told, for those who come later. */
interface Memory<Update> {
  remember(update: Update): void;
  /** Tells what is known, not at once; nothing while nothing is. @returns a function that ends it */
  recall(tell: Teller<Update>): () => void;
}

/** What is watched under one key, and by whom. */
class Shared<Update> {
  readonly #tellers = new Set<Teller<Update>>();
  #watch: Watch | undefined;
  #isEnded = false;

  constructor(private readonly memory: Memory<Update>, private readonly onUnused: () => void) {}

  /** Opens the watch. It may tell at once. */
  open(subscribe: (tell: Teller<Update>) => Watch): void {
    this.#watch = subscribe((update) => {
      if (this.#isEnded) return;
      this.memory.remember(update);
      for (const tell of [...this.#tellers]) tell(update);
    });
  }

  join(onUpdate: Teller<Update>): Watch {
    const tell = (update: Update) => onUpdate(update); // the same callback may join twice
    this.#tellers.add(tell);
    const stopRecalling = this.memory.recall((update) => {
      if (this.#tellers.has(tell)) tell(update);
    });
    return {
      cancel: () => {
        stopRecalling();
        if (!this.#tellers.delete(tell) || this.#tellers.size > 0) return;
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

/** The routes of a profile; it may have none. */
interface ProfileUpdate {
  readonly routes: ProfileRoutes | undefined;
}

export class SharedPlane implements ControlPlane {
  readonly #ports = new Map<number, Shared<ServerPolicy>>();
  readonly #outbound = new Map<string, Shared<Outbound>>();
  readonly #profiles = new Map<string, Shared<ProfileUpdate>>();
  readonly #paths = new Map<string, Shared<EndpointUpdate>>();

  constructor(private readonly plane: ControlPlane, private readonly slices: Slices) {}

  /** Watches that are open at the control plane. */
  get size(): number {
    return this.#ports.size + this.#outbound.size + this.#profiles.size + this.#paths.size;
  }

  /** Joins the watch under `key`; the first opens it. */
  #join<Key, Update>(
    all: Map<Key, Shared<Update>>,
    key: Key,
    tell: Teller<Update>,
    createMemory: () => Memory<Update>,
    subscribe: (tell: Teller<Update>) => Watch,
  ): Watch {
    const known = all.get(key);
    if (known !== undefined) return known.join(tell);
    const shared = new Shared<Update>(createMemory(), () => all.delete(key));
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
      lastOf,
      (tell) => this.plane.watchInboundPort(port, tell),
    );
  }

  watchOutbound(
    target: OutboundTarget,
    onUpdate: (decision: OutboundDecision) => void,
    onFailed: (reason: string) => void,
  ): Watch {
    const tellBoth = (update: Outbound) =>
      update.kind === "decision" ? onUpdate(update.decision) : onFailed(update.reason);
    return this.#join(
      this.#outbound,
      formatTarget(target),
      tellBoth,
      lastOf,
      (tell) =>
        this.plane.watchOutbound(
          target,
          (decision) => tell({ kind: "decision", decision }),
          (reason) => tell({ kind: "refused", reason }),
        ),
    );
  }

  watchProfile(
    target: NamedTarget,
    onUpdate: (routes: ProfileRoutes | undefined) => void,
  ): Watch {
    return this.#join(
      this.#profiles,
      formatTarget(target),
      ({ routes }) => onUpdate(routes),
      lastOf,
      (tell) => this.plane.watchProfile(target, (routes) => tell({ routes })),
    );
  }

  resolve(path: string, onUpdate: (update: EndpointUpdate) => void): Watch {
    const { slices } = this;
    const createMemory = () => {
      const book = new EndpointBook();
      return {
        remember: (update: EndpointUpdate) => book.apply(update),
        recall: (tell: Teller<EndpointUpdate>) => slices.run(book.tell(tell)),
      };
    };
    return this.#join(
      this.#paths,
      path,
      onUpdate,
      createMemory,
      (tell) => this.plane.resolve(path, tell),
    );
  }
}

/** Remembers the last update: each says everything. */
function lastOf<Update>(): Memory<Update> {
  let last: Update | undefined;
  return {
    remember: (update) => {
      last = update;
    },
    recall: (tell) => {
      const known = last;
      // An update that came meanwhile has been told already, and says more.
      if (known !== undefined) queueMicrotask(() => last === known && tell(known));
      return () => {};
    },
  };
}
