/** Who writes statuses: the replica that holds the lease `policy-controller-write`. */
import { isNotFound, type KubeClient } from "../../../kube/client.ts";
import { DEPLOYMENTS } from "../../../kube/kinds.ts";
import type { OwnerReference } from "../../../kube/resource.ts";
import type { Clock } from "../../lease/clock.ts";
import { Lease } from "../../lease/lease.ts";
import type { ClusterState } from "../../state/cluster_state.ts";
import type { PolicyConfig } from "../config.ts";
import { StatusWriter } from "./writer.ts";

const LEASE = "policy-controller-write";
const OWNER = "linkerd-destination";
const FIELD_MANAGER = "policy-controller";

export interface StatusRole {
  readonly isLeader: boolean;
  /** Resolves when the lease is given up, if this replica had it. */
  stop(): Promise<void>;
}

/** The lease is removed with the controller that it belongs to. */
async function ownerOf(client: KubeClient, namespace: string): Promise<OwnerReference | undefined> {
  try {
    const { metadata } = await client.get(DEPLOYMENTS, OWNER, namespace);
    return { apiVersion: "apps/v1", kind: "Deployment", name: OWNER, uid: metadata?.uid ?? "" };
  } catch (error) {
    // A controller that runs outside of the cluster, for a test.
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Takes part as soon as everything has been listed: a replica that knows half of the cluster would say so half. */
export function keepStatuses(
  client: KubeClient,
  state: ClusterState,
  config: PolicyConfig,
  options: { readonly holder?: string; readonly clock?: Clock } = {},
): StatusRole {
  const namespace = config.domain.controlPlaneNamespace;
  const clock = options.clock === undefined ? {} : { clock: options.clock };
  let running: { lease: Lease; writer: StatusWriter } | undefined;
  let isStopped = false;
  state.ready.then(() => {
    if (isStopped) return;
    const writer = new StatusWriter({
      client,
      state,
      config,
      mayWrite: () => running?.lease.isHeld === true,
      ...clock,
    });
    const lease = new Lease({
      client,
      namespace,
      name: LEASE,
      holder: options.holder ?? `${Deno.hostname()}_${crypto.randomUUID().slice(0, 8)}`,
      fieldManager: FIELD_MANAGER,
      owner: () => ownerOf(client, namespace),
      onHeld: () => writer.writeAll(),
      ...clock,
    });
    running = { lease, writer };
  });
  return {
    get isLeader() {
      return running?.lease.isHeld === true;
    },
    async stop() {
      isStopped = true;
      running?.writer.stop();
      await running?.lease.stop();
    },
  };
}
