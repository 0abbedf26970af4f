/**
 * The controllers of the laptop cluster. CronJobs, PodDisruptionBudgets, HorizontalPodAutoscalers, Ingresses and
 * NetworkPolicies are stored and nobody acts on them.
 */
import type { ResourceKind } from "../../kube/resource.ts";
import type { ApiServer } from "../api/server.ts";
import type { ResourceDefinition } from "../api/registry/definition.ts";
import { type Controller, type ControllerContext, Informers } from "./controller.ts";
import { startDaemonSetController } from "./daemon_set.ts";
import { startDeploymentController } from "./deployment/controller.ts";
import { startEndpointsController } from "./endpoints/controller.ts";
import { EventRecorder } from "./events.ts";
import { GarbageCollector } from "./garbage_collector.ts";
import { startJobController } from "./job.ts";
import { startNamespaceController } from "./namespace.ts";
import { startReplicaSetController } from "./replica_set.ts";
import { startStatefulSetController } from "./stateful_set.ts";

export interface ControllersOptions {
  now?: () => Date;
  /** Told of failures that are not ordinary; the work is tried again. Default: a line on stderr. */
  onError?: (error: unknown, what: string) => void;
}

export interface Controllers {
  /** Resolves when every controller has seen what was there when it started. */
  readonly synced: Promise<void>;
  stop(): void;
}

function kindOf(definition: ResourceDefinition): ResourceKind {
  const { group, version, plural, kind, isNamespaced } = definition;
  return { group, version, plural, kind, isNamespaced };
}

/** Starts every controller on a server in this process. */
export function startControllers(server: ApiServer, options: ControllersOptions = {}): Controllers {
  const now = options.now ?? (() => new Date());
  const onError = options.onError ??
    ((error, what) => console.error(`${what}: ${error instanceof Error ? error.message : error}`));
  const client = server.clientFor("kube-controller-manager");
  const informers = new Informers(client);
  const context: ControllerContext = {
    client,
    informers,
    events: new EventRecorder(client, now),
    now,
    onError,
  };
  const { registry, store } = server.api.state;
  const controllers: Controller[] = [
    new GarbageCollector({
      client,
      kindOf: (resource) => {
        const definition = registry.stored(resource);
        return definition === undefined ? undefined : kindOf(definition);
      },
      onChange: server.onChange,
      existing: [...registry.storedResources()].flatMap(({ resource }) =>
        store.list(resource).map((object) => ({ resource, object }))
      ),
      onError,
    }),
    startNamespaceController(context, {
      caBundle: server.caBundle,
      onChange: server.onChange,
      namespacedKinds: () =>
        [...registry.storedResources()].filter(({ isNamespaced }) => isNamespaced).map(kindOf),
    }),
    startReplicaSetController(context),
    startDeploymentController(context),
    startJobController(context),
    startDaemonSetController(context),
    startStatefulSetController(context),
    startEndpointsController(context),
  ];
  return {
    synced: informers.synced(),
    stop() {
      for (const controller of controllers) controller.stop();
      informers.stop();
    },
  };
}
