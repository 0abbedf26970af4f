/**
 * Keeps the statuses of routes, rate limits and egress networks, in the one replica that holds the lease.
 *
 * What each status should be is derived from what is watched, so that it is looked at again when something changes that it
 * depends on, and never otherwise. A write names the version it was made for: what another controller wrote meanwhile
 * stays, and its arrival over the watch leads to the next try.
 */
import { isConflict, isNotFound, type KubeClient } from "../../../kube/client.ts";
import {
  EGRESS_NETWORKS,
  type EgressNetwork,
  HTTP_LOCAL_RATE_LIMIT_POLICIES,
  type HTTPLocalRateLimitPolicy,
} from "../../../kube/kinds.ts";
import type { KubernetesObject, ResourceKind } from "../../../kube/resource.ts";
import { WorkQueue } from "../../../kube/work_queue.ts";
import { type Clock, SYSTEM_CLOCK } from "../../lease/clock.ts";
import type { ClusterState } from "../../state/cluster_state.ts";
import type { Collection } from "../../state/collection.ts";
import type { Derived } from "../../state/graph.ts";
import type { RouteCollection } from "../../state/routes.ts";
import type { PolicyConfig } from "../config.ts";
import { isSameStatus } from "./conditions.ts";
import { egressStatus, rateLimitStatus } from "./policy_status.ts";
import { routeStatus } from "./route_status.ts";

const FIELD_MANAGER = "policy-controller";

/** A status to be written, for the version of the object that it was made for. */
interface Update {
  readonly resourceVersion: string | undefined;
  readonly status: unknown;
}

/** An object whose status is kept: found again by its key, and derived from what is watched. */
interface Subject {
  readonly resource: ResourceKind;
  readonly namespace: string;
  readonly name: string;
  /** Undefined when the status is as it should be. */
  readonly update: Derived<Update | undefined>;
  readonly unsubscribe: () => void;
}

/** Kinds with a status: which objects there are, and what is to be written on one. */
interface Kept {
  readonly resource: ResourceKind;
  members(): readonly { namespace: string; name: string }[];
  update(namespace: string, name: string, now: string): Update | undefined;
}

export interface StatusWriterOptions {
  readonly client: KubeClient;
  readonly state: ClusterState;
  readonly config: PolicyConfig;
  /** Whether this replica is the one that writes. */
  readonly mayWrite: () => boolean;
  readonly clock?: Clock;
}

export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #clock: Clock;
  readonly #kept: readonly Kept[];
  readonly #subjects = new Map<string, Subject>();
  readonly #queue: WorkQueue;
  readonly #stop: () => void;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#kept = keptKinds(options.state, options.config);
    this.#queue = new WorkQueue((key) => this.#write(key), {
      onError: (error, key) => console.error(`status of ${key}: ${error}`),
      backoff: (failures) => Math.min(30_000, 500 * 2 ** (failures - 1)),
    });
    const { graph } = options.state;
    const keys = graph.derive(() => this.#kept.map((kept) => kept.members()), { isSame: () => false });
    const follow = () => this.#follow(keys.value);
    this.#stop = keys.subscribe(follow);
    follow();
  }

  /** Looks at every status: after this replica has become the one that writes. */
  writeAll(): void {
    for (const key of this.#subjects.keys()) this.#queue.add(key);
  }

  /** Resolves when nothing waits to be written. */
  idle(): Promise<void> {
    return this.#queue.idle();
  }

  stop(): void {
    this.#stop();
    this.#queue.stop();
    for (const { unsubscribe } of this.#subjects.values()) unsubscribe();
    this.#subjects.clear();
  }

  #follow(objects: readonly (readonly { namespace: string; name: string }[])[]): void {
    const seen = new Set<string>();
    for (const [at, kept] of this.#kept.entries()) {
      for (const { namespace, name } of objects[at]!) {
        const key = `${kept.resource.plural}.${kept.resource.group} ${namespace}/${name}`;
        seen.add(key);
        if (!this.#subjects.has(key)) this.#add(key, kept, namespace, name);
      }
    }
    for (const [key, { unsubscribe }] of this.#subjects) {
      if (seen.has(key)) continue;
      unsubscribe();
      this.#subjects.delete(key);
    }
  }

  #add(key: string, kept: Kept, namespace: string, name: string): void {
    const update = this.#options.state.graph.derive(() => this.#updateOf(key, kept, namespace, name), {
      isSame: isSameStatus,
    });
    const unsubscribe = update.subscribe(() => this.#queue.add(key));
    this.#subjects.set(key, { resource: kept.resource, namespace, name, update, unsubscribe });
    this.#queue.add(key);
  }

  /** An object that cannot be understood has no status, and keeps none of the others from theirs. */
  #updateOf(key: string, kept: Kept, namespace: string, name: string): Update | undefined {
    try {
      const now = new Date(this.#clock.now()).toISOString().replace(/\.\d+Z$/, "Z");
      return kept.update(namespace, name, now);
    } catch (error) {
      console.error(`${key} is not understood: ${error instanceof Error ? error.stack : error}`);
      return undefined;
    }
  }

  async #write(key: string): Promise<void> {
    const subject = this.#subjects.get(key);
    const update = subject?.update.value;
    if (subject === undefined || update === undefined || !this.#options.mayWrite()) return;
    const { resource, namespace, name } = subject;
    const body = { metadata: { resourceVersion: update.resourceVersion }, status: update.status };
    try {
      await this.#options.client.patch(resource, name, namespace, body, {
        type: "merge",
        subresource: "status",
        fieldManager: FIELD_MANAGER,
      });
    } catch (error) {
      // The object has changed or is gone: the watch brings word of it, and then it is looked at again.
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
  }
}

/** Undefined when the status says already what it should, whenever it was said. */
function updateOf(object: KubernetesObject & { status?: unknown }, status: unknown): Update | undefined {
  if (isSameStatus(object.status, status)) return undefined;
  return { resourceVersion: object.metadata?.resourceVersion, status };
}

function keptKinds(state: ClusterState, config: PolicyConfig): Kept[] {
  const routes = ({ resource, collection }: RouteCollection): Kept => ({
    resource,
    members: () => collection.members(),
    update: (namespace, name, now) => {
      const route = collection.get(namespace, name);
      if (route === undefined) return undefined;
      const status = routeStatus(route, state, config, now);
      // A route that has nothing to do with the mesh is not touched.
      const before = route.object.status ?? { parents: [] };
      return updateOf({ ...route.object, status: before }, status);
    },
  });
  const policies = <T extends KubernetesObject & { status?: unknown }>(
    collection: Collection<T>,
    resource: ResourceKind,
    statusOf: (object: T, now: string) => unknown,
  ): Kept => ({
    resource,
    members: () => collection.members(),
    update: (namespace, name, now) => {
      const object = collection.get(namespace, name);
      return object === undefined ? undefined : updateOf(object, statusOf(object, now));
    },
  });
  return [
    ...state.routes.map(routes),
    policies<HTTPLocalRateLimitPolicy>(
      state.rateLimits,
      HTTP_LOCAL_RATE_LIMIT_POLICIES,
      (object, now) => rateLimitStatus(object, state, now),
    ),
    policies<EgressNetwork>(
      state.egressNetworks,
      EGRESS_NETWORKS,
      (object, now) => egressStatus(object, config, now),
    ),
  ];
}
