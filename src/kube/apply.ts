/**
 * Applies objects as `kubectl apply --server-side` does: what others depend on first (namespaces, definitions), the
 * rest beside each other. Kinds are looked up by discovery, so that custom ones work as built-in ones do.
 */
import { type KubeClient, KubeError } from "./client.ts";
import { defineKind, type KubernetesObject, type ResourceKind } from "./resource.ts";

interface ApiResource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** Kinds by group and version, asked for once. */
export class Discovery {
  readonly #lists = new Map<string, Promise<readonly ApiResource[]>>();

  constructor(private readonly client: KubeClient) {}

  /** @throws KubeError NotFound when the cluster does not serve the kind */
  async find(apiVersion: string, kind: string): Promise<ResourceKind> {
    let list = this.#lists.get(apiVersion);
    if (list === undefined) this.#lists.set(apiVersion, list = this.#list(apiVersion));
    const resource = (await list).find((each) => each.kind === kind && !each.name.includes("/"));
    if (resource === undefined) {
      this.#lists.delete(apiVersion); // it may be served soon
      throw new KubeError(404, "NotFound", `the cluster does not serve ${kind} of ${apiVersion}`);
    }
    const slash = apiVersion.indexOf("/");
    return defineKind(
      slash < 0 ? "" : apiVersion.slice(0, slash),
      apiVersion.slice(slash + 1),
      resource.name,
      kind,
      resource.namespaced ? "Namespaced" : "Cluster",
    );
  }

  async #list(apiVersion: string): Promise<readonly ApiResource[]> {
    const response = await this.client.raw(
      "GET",
      apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`,
    );
    if (!response.ok) {
      this.#lists.delete(apiVersion);
      throw KubeError.from(response.status, await response.text());
    }
    return (await response.json() as { resources: ApiResource[] }).resources;
  }
}

export interface ApplyOptions {
  readonly fieldManager: string;
  /** The namespace of objects that name none and need one. Default `default`. */
  readonly namespace?: string;
  /** How many at a time. Default 8. */
  readonly concurrency?: number;
  readonly onApplied?: (object: KubernetesObject, done: number, total: number) => void;
}

/** What others need comes before them; kinds that are not named are in the stage before the last. */
const STAGES: readonly (readonly string[])[] = [
  ["Namespace", "CustomResourceDefinition"],
  [
    "ServiceAccount",
    "ConfigMap",
    "Secret",
    "Service",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
  ],
  [],
  // Admission must not see an object before the webhook's own deployment is applied.
  ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
];
const OTHERS = 2;

function stageOf(object: KubernetesObject): number {
  const stage = STAGES.findIndex((kinds) => kinds.includes(object.kind ?? ""));
  return stage < 0 ? OTHERS : stage;
}

/** Applies all, taking over fields of other managers. @throws KubeError of the first that is refused, naming it */
export async function applyObjects(
  client: KubeClient,
  objects: readonly KubernetesObject[],
  options: ApplyOptions,
): Promise<void> {
  const discovery = new Discovery(client);
  let done = 0;
  const apply = async (object: KubernetesObject) => {
    const kind = await discovery.find(object.apiVersion ?? "v1", object.kind ?? "");
    const namespace = kind.isNamespaced
      ? object.metadata?.namespace ?? options.namespace ?? "default"
      : undefined;
    const name = object.metadata?.name ?? "";
    try {
      await client.patch(kind, name, namespace, object, {
        type: "apply",
        fieldManager: options.fieldManager,
        force: true,
      });
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      throw new KubeError(
        error.status,
        error.reason,
        `${object.kind} ${name}: ${error.message}`,
        error.details,
      );
    }
    options.onApplied?.(object, ++done, objects.length);
  };
  for (const stage of STAGES.keys()) {
    const waiting = objects.filter((object) => stageOf(object) === stage);
    const worker = async () => {
      for (let object = waiting.shift(); object !== undefined; object = waiting.shift()) await apply(object);
    };
    await Promise.all(Array.from({ length: options.concurrency ?? 8 }, worker));
  }
}
