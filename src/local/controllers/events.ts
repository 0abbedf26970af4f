/** Events: what controllers tell the people who run `kubectl describe`. */
import type { KubeClient } from "../../kube/client.ts";
import { type Event, EVENTS } from "../../kube/kinds.ts";
import { apiVersionOf, type KubernetesObject, type ResourceKind } from "../../kube/resource.ts";

/** Events kept; the oldest go first. */
const KEPT = 1000;

export class EventRecorder {
  readonly #client: KubeClient;
  readonly #now: () => Date;
  /** Names of events made, oldest first. */
  readonly #made: { namespace: string; name: string }[] = [];
  readonly #counts = new Map<string, { name: string; count: number }>();

  constructor(client: KubeClient, now: () => Date) {
    this.#client = client;
    this.#now = now;
  }

  /** Never fails and need not be awaited: an event is a courtesy. */
  record<T extends KubernetesObject>(
    component: string,
    kind: ResourceKind<T>,
    object: T,
    type: "Normal" | "Warning",
    reason: string,
    message: string,
  ): void {
    this.#record(component, kind, object, type, reason, message).catch(() => {
      // The namespace is being deleted, or the server stops: nobody is left to be told.
    });
  }

  async #record<T extends KubernetesObject>(
    component: string,
    kind: ResourceKind<T>,
    object: T,
    type: "Normal" | "Warning",
    reason: string,
    message: string,
  ): Promise<void> {
    const { name = "", namespace = "default", uid = "", resourceVersion = "" } = object.metadata ?? {};
    const time = `${this.#now().toISOString().slice(0, 19)}Z`;
    const identity = [uid, reason, message].join("\n");
    const known = this.#counts.get(identity);
    if (known !== undefined) {
      known.count++;
      await this.#client.patch(EVENTS, known.name, namespace, { count: known.count, lastTimestamp: time }, {
        type: "merge",
      });
      return;
    }
    const event: Event = {
      metadata: { generateName: `${name}.`, namespace },
      involvedObject: {
        apiVersion: apiVersionOf(kind),
        kind: kind.kind,
        name,
        ...(kind.isNamespaced ? { namespace } : {}),
        uid,
        resourceVersion,
      },
      type,
      reason,
      message,
      source: { component },
      reportingComponent: component,
      reportingInstance: "",
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    };
    const created = await this.#client.create(EVENTS, event);
    const made = { namespace, name: created.metadata!.name! };
    this.#counts.set(identity, { name: made.name, count: 1 });
    this.#made.push(made);
    if (this.#made.length <= KEPT) return;
    const oldest = this.#made.shift()!;
    for (const [key, { name }] of this.#counts) {
      if (name === oldest.name) this.#counts.delete(key);
    }
    await this.#client.delete(EVENTS, oldest.name, oldest.namespace);
  }
}
