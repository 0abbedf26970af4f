/**
 * Gives every namespace its service account `default` and the ConfigMap with the cluster's certificate authority, and
 * empties a namespace that is deleted before it lets it go.
 */
import { isAlreadyExists } from "../../kube/client.ts";
import { CONFIG_MAPS, NAMESPACES, SERVICE_ACCOUNTS } from "../../kube/kinds.ts";
import type { ResourceKind } from "../../kube/resource.ts";
import type { StoreListener } from "../api/server.ts";
import { type Controller, type ControllerContext, reconciler } from "./controller.ts";

export interface NamespaceOptions {
  /** PEM. */
  caBundle: string;
  /** Every kind that lives in namespaces, right now. */
  namespacedKinds: () => ResourceKind[];
  onChange: (listener: StoreListener) => () => void;
}

const ROOT_CA = "kube-root-ca.crt";

export function startNamespaceController(context: ControllerContext, options: NamespaceOptions): Controller {
  const { client } = context;
  const terminating = new Set<string>();

  async function reconcile(_: string, name: string): Promise<void> {
    const namespace = context.informers.of(NAMESPACES).get(undefined, name);
    if (namespace === undefined) {
      terminating.delete(name);
      return;
    }
    if (namespace.metadata!.deletionTimestamp === undefined) return await furnish(name);
    terminating.add(name);
    await empty(name);
  }

  async function furnish(namespace: string): Promise<void> {
    await Promise.all([
      client.create(SERVICE_ACCOUNTS, { metadata: { name: "default", namespace } }).catch(ignoreExisting),
      client.create(CONFIG_MAPS, {
        metadata: {
          name: ROOT_CA,
          namespace,
          annotations: {
            "kubernetes.io/description":
              "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such " +
              "as the internal service IP or kubernetes.default.svc.",
          },
        },
        data: { "ca.crt": options.caBundle },
      }).catch(ignoreExisting),
    ]);
  }

  async function empty(namespace: string): Promise<void> {
    let remaining = 0;
    for (const kind of options.namespacedKinds()) {
      const { items } = await client.list(kind, { namespace });
      for (const { metadata } of items) {
        if (metadata!.deletionTimestamp === undefined) {
          await client.delete(kind, metadata!.name!, namespace, { propagationPolicy: "Background" })
            .catch(ignoreMissing);
        }
      }
      if (items.length > 0) remaining += (await client.list(kind, { namespace })).items.length;
    }
    if (remaining > 0) return;
    const body = {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: namespace },
      spec: { finalizers: [] },
    };
    const response = await client.raw("PUT", `/api/v1/namespaces/${namespace}/finalize`, { body });
    const text = await response.text();
    if (!response.ok && response.status !== 404) {
      throw new Error(`cannot finalize namespace ${namespace}: ${text}`);
    }
  }

  const queue = reconciler(context, "namespace", reconcile);
  const add = (object: { metadata?: { name?: string } }) => queue.add(`/${object.metadata!.name}`);
  context.informers.of(NAMESPACES).subscribe({ added: add, modified: add, deleted: add });
  const unlisten = options.onChange((event) => {
    const { namespace, name } = event.object.metadata;
    if (event.type !== "DELETED" || namespace === undefined) return;
    const isFurniture = (event.resource === "/serviceaccounts" && name === "default") ||
      (event.resource === "/configmaps" && name === ROOT_CA);
    // Whatever goes may be the last thing a terminating namespace waited for.
    if (isFurniture || terminating.has(namespace)) queue.add(`/${namespace}`);
  });
  return {
    stop() {
      unlisten();
      queue.stop();
    },
  };
}

function ignoreExisting(error: unknown): void {
  // Forbidden: the namespace began to terminate meanwhile.
  if (!isAlreadyExists(error) && (error as { status?: number }).status !== 403) throw error;
}

function ignoreMissing(error: unknown): void {
  if ((error as { status?: number }).status !== 404) throw error;
}
