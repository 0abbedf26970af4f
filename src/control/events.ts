/** Kubernetes Events about what the control plane did; told once, never waited for, never fatal. */
import type { KubeClient } from "../kube/client.ts";
import { EVENTS } from "../kube/kinds.ts";

export interface EventTarget {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid?: string;
}

export interface EventReport {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

export class EventRecorder {
  readonly #client: () => Promise<KubeClient>;
  readonly #component: string;

  constructor(client: () => Promise<KubeClient>, component: string) {
    this.#client = client;
    this.#component = component;
  }

  /** Returns at once. */
  report(target: EventTarget, event: EventReport): void {
    const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
    const { namespace, ...involved } = target;
    this.#client().then((client) =>
      client.create(EVENTS, {
        apiVersion: "v1",
        kind: "Event",
        metadata: { generateName: `${target.name.slice(0, 200)}.`, namespace },
        involvedObject: { ...involved, namespace },
        ...event,
        source: { component: this.#component },
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
      })
    ).catch((error) => console.error(`event ${event.reason} on ${target.kind} ${target.name}: ${error}`));
  }
}
