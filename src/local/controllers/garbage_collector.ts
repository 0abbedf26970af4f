/**
 * Deletes what belongs to deleted owners, and carries out foreground deletion and orphaning.
 *
 * Source: k8s.io/kubernetes/pkg/controller/garbagecollector. Works on the store's own events: it needs every kind,
 * and an owner that is not in the store does not exist, so nothing has to be asked twice.
 */
import { isNotFound, type KubeClient } from "../../kube/client.ts";
import type { OwnerReference, ResourceKind } from "../../kube/resource.ts";
import { WorkQueue } from "../../kube/work_queue.ts";
import type { StoredObject } from "../api/object.ts";
import type { StoreEvent, StoreListener } from "../api/server.ts";
import type { Controller } from "./controller.ts";

export interface GarbageCollectorOptions {
  client: KubeClient;
  /** The kind of a stored resource (`group/plural`), in its storage version. */
  kindOf: (resource: string) => ResourceKind | undefined;
  onChange: (listener: StoreListener) => () => void;
  /** What the store holds already. */
  existing: Iterable<{ resource: string; object: StoredObject }>;
  onError: (error: unknown, what: string) => void;
}

interface Known {
  resource: string;
  namespace: string | undefined;
  name: string;
  owners: OwnerReference[];
  isDeleting: boolean;
  finalizers: string[];
}

const FOREGROUND = "foregroundDeletion";
const ORPHAN = "orphan";

export class GarbageCollector implements Controller {
  readonly #options: GarbageCollectorOptions;
  readonly #known = new Map<string, Known>();
  /** uid of an owner → uids of what it owns. */
  readonly #dependents = new Map<string, Set<string>>();
  /** Keys are uids. */
  readonly #queue: WorkQueue;
  readonly #unlisten: () => void;

  constructor(options: GarbageCollectorOptions) {
    this.#options = options;
    this.#queue = new WorkQueue((uid) => this.#reconcile(uid), {
      onError: (error, uid) => options.onError(error, `garbage collector ${this.#known.get(uid)?.name}`),
    });
    this.#unlisten = options.onChange((event) => this.#onEvent(event));
    // An owner may come after what it owns; keys found dangling are looked at again when they are worked on.
    for (const { resource, object } of options.existing) this.#onEvent({ type: "ADDED", resource, object });
  }

  stop(): void {
    this.#unlisten();
    this.#queue.stop();
  }

  #onEvent({ type, resource, object }: Pick<StoreEvent, "type" | "resource" | "object">): void {
    const { metadata } = object;
    const owners = metadata.ownerReferences ?? [];
    const before = this.#known.get(metadata.uid);
    if (type === "DELETED") {
      this.#known.delete(metadata.uid);
      for (const { uid } of before?.owners ?? []) {
        this.#dependents.get(uid)?.delete(metadata.uid);
        // An owner may wait for this one to go.
        if (this.#known.get(uid)?.finalizers.includes(FOREGROUND)) this.#queue.add(uid);
      }
      for (const uid of this.#dependents.get(metadata.uid) ?? []) this.#queue.add(uid);
      this.#dependents.delete(metadata.uid);
      return;
    }
    const isDeleting = metadata.deletionTimestamp !== undefined;
    const finalizers = metadata.finalizers ?? [];
    this.#known.set(metadata.uid, {
      resource,
      namespace: metadata.namespace,
      name: metadata.name,
      owners,
      isDeleting,
      finalizers,
    });
    for (const { uid } of before?.owners ?? []) {
      if (!owners.some((owner) => owner.uid === uid)) this.#dependents.get(uid)?.delete(metadata.uid);
    }
    for (const { uid } of owners) {
      const dependents = this.#dependents.get(uid);
      if (dependents === undefined) this.#dependents.set(uid, new Set([metadata.uid]));
      else dependents.add(metadata.uid);
    }
    const isDangling = owners.some(({ uid }) => !this.#known.has(uid));
    const isWaiting = isDeleting && (finalizers.includes(FOREGROUND) || finalizers.includes(ORPHAN));
    if (isDangling || isWaiting) this.#queue.add(metadata.uid);
  }

  async #reconcile(uid: string): Promise<void> {
    const object = this.#known.get(uid);
    if (object === undefined) return;
    const kind = this.#options.kindOf(object.resource);
    if (kind === undefined) return;
    try {
      if (object.isDeleting && object.finalizers.includes(ORPHAN)) await this.#orphan(uid, object, kind);
      else if (object.isDeleting && object.finalizers.includes(FOREGROUND)) {
        await this.#foreground(uid, object, kind);
      }
      await this.#collect(object, kind, uid);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Deletes an object whose owners are all gone, or takes those that are gone off its list. */
  async #collect(object: Known, kind: ResourceKind, uid: string): Promise<void> {
    const { client } = this.#options;
    const alive = object.owners.filter((owner) => this.#known.has(owner.uid));
    if (alive.length === object.owners.length || object.isDeleting) return;
    if (alive.length > 0) {
      const body = { metadata: { uid, ownerReferences: alive } };
      await client.patch(kind, object.name, object.namespace, body, { type: "merge" });
      return;
    }
    await client.delete(kind, object.name, object.namespace, { propagationPolicy: "Background" });
  }

  async #foreground(uid: string, object: Known, kind: ResourceKind): Promise<void> {
    const { client } = this.#options;
    for (const dependentUid of [...this.#dependents.get(uid) ?? []]) {
      const dependent = this.#known.get(dependentUid);
      const dependentKind = dependent === undefined ? undefined : this.#options.kindOf(dependent.resource);
      if (dependent === undefined || dependentKind === undefined || dependent.isDeleting) continue;
      const hasOthers = dependent.owners.some((owner) => owner.uid !== uid && this.#known.has(owner.uid));
      if (hasOthers) continue;
      await client.delete(dependentKind, dependent.name, dependent.namespace, {
        propagationPolicy: "Foreground",
      }).catch((error) => {
        if (!isNotFound(error)) throw error;
      });
    }
    const isBlocked = [...this.#dependents.get(uid) ?? []].some((dependent) =>
      this.#known.get(dependent)?.owners.some((owner) =>
        owner.uid === uid && owner.blockOwnerDeletion === true
      )
    );
    if (!isBlocked) await this.#dropFinalizer(uid, object, kind, FOREGROUND);
  }

  async #orphan(uid: string, object: Known, kind: ResourceKind): Promise<void> {
    for (const dependentUid of [...this.#dependents.get(uid) ?? []]) {
      const dependent = this.#known.get(dependentUid);
      const dependentKind = dependent === undefined ? undefined : this.#options.kindOf(dependent.resource);
      if (dependent === undefined || dependentKind === undefined) continue;
      const ownerReferences = dependent.owners.filter((owner) => owner.uid !== uid);
      const body = {
        metadata: {
          uid: dependentUid,
          ownerReferences: ownerReferences.length === 0 ? null : ownerReferences,
        },
      };
      await this.#options.client.patch(dependentKind, dependent.name, dependent.namespace, body, {
        type: "merge",
      });
    }
    await this.#dropFinalizer(uid, object, kind, ORPHAN);
  }

  async #dropFinalizer(uid: string, object: Known, kind: ResourceKind, finalizer: string): Promise<void> {
    const finalizers = object.finalizers.filter((each) => each !== finalizer);
    const body = { metadata: { uid, finalizers: finalizers.length === 0 ? null : finalizers } };
    await this.#options.client.patch(kind, object.name, object.namespace, body, { type: "merge" });
  }
}
