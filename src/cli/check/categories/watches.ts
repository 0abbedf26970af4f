/**
 * Whether the control plane is told of what changes in the cluster. A controller that cannot list or watch goes on from
 * what it knows: traffic flows, and new pods and endpoints are not seen. Linkerd's check has no such line.
 */
import type { Pod } from "../../../kube/kinds.ts";
import { PROXY_CONTAINER, STALE_GAUGE } from "../../../mesh/names.ts";
import { adminPorts, getAdmin } from "../../diagnose/pods.ts";
import { describeFailure } from "../../failure.ts";
import { type Check, refuse } from "../check_model.ts";
import type { Facts } from "../facts.ts";
import { isReady, nameOf } from "../pod_health.ts";

/** What passes by itself: an API server that restarts, one lost connection. */
const TOLERATED_SECONDS = 15, TIMEOUT_MS = 5_000;

const SERIES = new RegExp(`^${STALE_GAUGE}\\{kind="([^"]*)"\\} ([0-9.e+]+)$`, "gm");

/** Kinds that a controller has not been able to watch, each with the seconds since. */
export function staleKinds(metrics: string): { kind: string; seconds: number }[] {
  return [...metrics.matchAll(SERIES)].map(([, kind, seconds]) => ({ kind: kind!, seconds: Number(seconds) }))
    .filter(({ seconds }) => seconds >= TOLERATED_SECONDS);
}

async function complaints(facts: Facts, pod: Pod): Promise<string[]> {
  const ports = adminPorts(pod).filter(({ container }) => container !== PROXY_CONTAINER);
  const found = await Promise.all(ports.map(async ({ container, port }) => {
    try {
      const metrics = await getAdmin(facts.client, pod, port, "/metrics", TIMEOUT_MS);
      return staleKinds(metrics).map(({ kind, seconds }) =>
        `${nameOf(pod)} (${container}) has not been told of ${kind} for ${Math.round(seconds)} s`
      );
    } catch (error) {
      return [`${nameOf(pod)} (${container}) does not say: ${describeFailure(error).detail}`];
    }
  }));
  return found.flat();
}

export const controlPlaneIsTold: Check = {
  description: "control plane is told of the cluster's changes",
  anchor: "l5d-control-plane-stale",
  isWarning: true,
  isRetried: true,
  async run(facts) {
    const pods = (await facts.controlPlanePods()).filter(isReady);
    refuse((await Promise.all(pods.map((pod) => complaints(facts, pod)))).flat());
  },
};
