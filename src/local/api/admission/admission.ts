/** Admission: what stands between a decoded object and the store. The server's own rules first, then webhooks. */
import type { KubeError } from "../../../kube/client.ts";
import { forbidden, notFound } from "../errors.ts";
import type { IncomingObject, StoredObject } from "../object.ts";
import type { ResourceDefinition } from "../registry/definition.ts";
import type { Store } from "../store/store.ts";
import type { WriteContext } from "../verbs/state.ts";
import { admitServiceAccount } from "./service_account.ts";
import type { Webhooks } from "./webhooks.ts";

export interface AdmissionRequest {
  definition: ResourceDefinition;
  namespace: string | undefined;
  name: string;
  operation: "CREATE" | "UPDATE" | "DELETE";
  subresource?: string;
  /** Missing on DELETE. */
  object?: IncomingObject;
  oldObject?: StoredObject;
}

/** Namespaces without which the cluster does not work. */
const PROTECTED = ["default", "kube-system", "kube-public", "kube-node-lease"];

export class Admission {
  readonly #store: Store;
  readonly #webhooks: Webhooks;

  constructor(store: Store, webhooks: Webhooks) {
    this.#store = store;
    this.#webhooks = webhooks;
  }

  /** @returns the object as it shall be; may be the one given, changed */
  async mutate(
    context: WriteContext,
    request: AdmissionRequest & { object: IncomingObject },
  ): Promise<IncomingObject> {
    if (request.operation === "CREATE") {
      this.#checkNamespace(request);
      if (request.definition.resource === "/pods" && request.subresource === undefined) {
        await admitServiceAccount(this.#store, request.definition, request.object);
      }
    }
    return await this.#webhooks.mutate(context, request);
  }

  async validate(context: WriteContext, request: AdmissionRequest): Promise<void> {
    const { definition, operation, name } = request;
    if (operation === "DELETE" && definition.resource === "/namespaces" && PROTECTED.includes(name)) {
      throw forbidden(definition, name, "this namespace may not be deleted");
    }
    await this.#webhooks.validate(context, request);
  }

  #checkNamespace({ definition, namespace, name }: AdmissionRequest): void {
    if (!definition.isNamespaced || namespace === undefined) return;
    const found = this.#store.get("/namespaces", namespace);
    if (found === undefined) throw namespaceNotFound(namespace);
    if (found.metadata.deletionTimestamp === undefined) return;
    throw forbidden(
      definition,
      name,
      `unable to create new content in namespace ${namespace} because it is being terminated`,
    );
  }
}

function namespaceNotFound(namespace: string): KubeError {
  return notFound({ group: "", plural: "namespaces", kind: "Namespace" }, namespace);
}
