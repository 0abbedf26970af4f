/** Events about pods, for `kubectl describe` and `kubectl get events`. The same one again is counted, not repeated. */
import type { KubeClient } from "../../kube/client.ts";
import { EVENTS, type Pod } from "../../kube/kinds.ts";

const REMEMBERED = 500;

export class EventRecorder {
  readonly #client: KubeClient;
  readonly #nodeName: string;
  /** Pod, container, reason and message → the event's name and how often it came. */
  readonly #known = new Map<string, { name: string; count: number }>();

  constructor(client: KubeClient, nodeName: string) {
    this.#client = client;
    this.#nodeName = nodeName;
  }

  /** Records a warning. Never rejects: an event that cannot be written is lost, as in Kubernetes. */
  warn(pod: Pod, reason: string, message: string, container?: string): void {
    const { name = "", namespace = "default", uid = "", resourceVersion = "" } = pod.metadata ?? {};
    const key = [uid, container, reason, message].join("\0"),
      now = new Date().toISOString().replace(/\.[0-9]+Z$/, "Z");
    const known = this.#known.get(key);
    if (known !== undefined) {
      known.count++;
      const body = { count: known.count, lastTimestamp: now };
      this.#lose(this.#client.patch(EVENTS, known.name, namespace, body, { type: "merge" }));
      return;
    }
    const eventName = `${name}.${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`;
    this.#known.set(key, { name: eventName, count: 1 });
    if (this.#known.size > REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
    this.#lose(this.#client.create(EVENTS, {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: eventName, namespace },
      involvedObject: {
        apiVersion: "v1",
        kind: "Pod",
        name,
        namespace,
        uid,
        resourceVersion,
        ...(container === undefined ? {} : { fieldPath: `spec.containers{${container}}` }),
      },
      type: "Warning",
      reason,
      message: message.slice(0, 1024),
      source: { component: "kubelet", host: this.#nodeName },
      reportingComponent: "kubelet",
      reportingInstance: this.#nodeName,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    }));
  }

  #lose(writing: Promise<unknown>): void {
    writing.catch(() => {
      // The namespace may be going away, and the pod's status says the same.
    });
  }
}
