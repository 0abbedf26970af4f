/** What every controller is made of: informers that say what to look at, a queue of keys, a reconcile function. */
import type { KubeClient } from "../../kube/client.ts";
import { isConflict, isNotFound } from "../../kube/client.ts";
import { type Informer, startInformer } from "../../kube/informer.ts";
import type { KubernetesObject, ResourceKind } from "../../kube/resource.ts";
import { WorkQueue } from "../../kube/work_queue.ts";
import type { EventRecorder } from "./events.ts";

/** What controllers are given. */
export interface ControllerContext {
  readonly client: KubeClient;
  readonly informers: Informers;
  readonly events: EventRecorder;
  readonly now: () => Date;
  /** Told of failures that are not ordinary (conflicts and races are). */
  readonly onError: (error: unknown, what: string) => void;
}

export interface Controller {
  stop(): void;
}

/** One informer per kind, shared by the controllers. They read what they decide on from the API itself, which is
 * never behind; informers wake them. */
export class Informers {
  readonly #client: KubeClient;
  readonly #informers = new Map<string, Informer<KubernetesObject>>();

  constructor(client: KubeClient) {
    this.#client = client;
  }

  of<T extends KubernetesObject>(kind: ResourceKind<T>): Informer<T> {
    const key = `${kind.group}/${kind.plural}`;
    let informer = this.#informers.get(key) as Informer<T> | undefined;
    if (informer === undefined) {
      informer = startInformer(this.#client, kind);
      this.#informers.set(key, informer as unknown as Informer<KubernetesObject>);
    }
    return informer;
  }

  async synced(): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.synced));
  }

  stop(): void {
    for (const informer of this.#informers.values()) informer.stop();
  }
}

/** `namespace/name`. */
export function keyOf(object: KubernetesObject): string {
  return `${object.metadata?.namespace ?? ""}/${object.metadata?.name}`;
}

export function splitKey(key: string): { namespace: string; name: string } {
  const slash = key.indexOf("/");
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** A queue whose failures are reported unless they are what optimistic concurrency brings along. */
export function reconciler(
  context: ControllerContext,
  name: string,
  reconcile: (namespace: string, name: string) => Promise<void>,
): WorkQueue {
  return new WorkQueue(async (key) => {
    const parts = splitKey(key);
    await reconcile(parts.namespace, parts.name);
  }, {
    concurrency: 8,
    onError: (error, key, failures) => {
      const isOrdinary = isConflict(error) || isNotFound(error);
      if (!isOrdinary || failures > 5) context.onError(error, `${name} ${key}`);
    },
  });
}

/** Puts every object of a kind into the queue as it comes and changes. */
export function enqueueAll<T extends KubernetesObject>(
  context: ControllerContext,
  kind: ResourceKind<T>,
  queue: WorkQueue,
): void {
  const add = (object: T) => queue.add(keyOf(object));
  context.informers.of(kind).subscribe({ added: add, modified: add, deleted: add });
}

/** Puts the controller of every object of `kind` into the queue, when it is of the kind `ownerKind`. */
export function enqueueOwners<T extends KubernetesObject>(
  context: ControllerContext,
  kind: ResourceKind<T>,
  ownerKind: string,
  queue: WorkQueue,
): void {
  const add = (object: T) => {
    const owner = object.metadata?.ownerReferences?.find(({ controller }) => controller === true);
    if (owner?.kind === ownerKind) queue.add(`${object.metadata!.namespace}/${owner.name}`);
  };
  context.informers.of(kind).subscribe({
    added: add,
    modified: (object, previous) => {
      add(object);
      if (previous.metadata?.ownerReferences !== object.metadata?.ownerReferences) add(previous);
    },
    deleted: add,
  });
}
