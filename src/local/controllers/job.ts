/**
 * Jobs: runs pods until enough have succeeded, or too many have failed.
 *
 * Pods are counted while they exist; a finished pod that somebody deletes before the Job is complete is remembered in
 * the status only as far as the controller had seen it. podFailurePolicy and successPolicy are not evaluated.
 *
 * Source: k8s.io/kubernetes/pkg/controller/job.
 */
import { isNotFound } from "../../kube/client.ts";
import { type Job, JOBS, type Pod, PODS } from "../../kube/kinds.ts";
import { equalJson } from "../api/object.ts";
import { findCondition, type StatusCondition, timeText, withCondition } from "./conditions.ts";
import {
  type Controller,
  type ControllerContext,
  enqueueAll,
  enqueueOwners,
  keyOf,
  reconciler,
} from "./controller.ts";
import { deletePod, isActive, isReady, ownedBy, podFromTemplate } from "./pods.ts";

const COMPONENT = "job-controller";
const INDEX = "batch.kubernetes.io/job-completion-index";
/** Wait before the pod after a failed one; doubles to its maximum. */
const BACKOFF_MS = 1000;
const MAX_BACKOFF_MS = 60_000;

interface Counts {
  active: Pod[];
  succeeded: number;
  failed: number;
  ready: number;
  completedIndexes: Set<number>;
  lastFailure: number;
}

export function startJobController(context: ControllerContext): Controller {
  const { client, events } = context;

  async function reconcile(namespace: string, name: string): Promise<void> {
    let job: Job;
    try {
      job = await client.get(JOBS, name, namespace);
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    if (job.metadata!.deletionTimestamp !== undefined) return;
    const pods = await ownedBy(client, PODS, JOBS, job, job.spec!.selector);
    const counts = count(job, pods);
    if (isFinished(job)) return await expire(job);
    const outcome = outcomeOf(job, counts);
    let active = counts.active;
    if (outcome !== undefined || job.spec!.suspend === true) {
      await Promise.all(active.map((pod) => deletePod(client, pod)));
      active = [];
    } else active = await keepRunning(job, counts);
    await writeStatus(job, { ...counts, active }, outcome);
  }

  function isFinished(job: Job): boolean {
    return job.status?.conditions?.some(({ type, status }) =>
      (type === "Complete" || type === "Failed") && status === "True"
    ) === true;
  }

  function count(job: Job, pods: readonly Pod[]): Counts {
    const succeeded = pods.filter(({ status }) => status?.phase === "Succeeded");
    const failed = pods.filter(({ status, metadata }) =>
      status?.phase === "Failed" ||
      (metadata?.deletionTimestamp !== undefined && status?.phase !== "Succeeded")
    );
    const active = pods.filter(isActive);
    const indexes = succeeded.map((pod) => Number(pod.metadata?.annotations?.[INDEX] ?? NaN));
    const ends = failed.map((pod) =>
      Math.max(
        0,
        ...(pod.status?.containerStatuses ?? []).map(({ state }) =>
          Date.parse(String(state?.terminated?.finishedAt ?? "")) || 0
        ),
      )
    );
    return {
      active,
      succeeded: Math.max(succeeded.length, job.status?.succeeded ?? 0),
      failed: Math.max(failed.length, job.status?.failed ?? 0),
      ready: active.filter(isReady).length,
      completedIndexes: new Set(indexes.filter((index) => !Number.isNaN(index))),
      lastFailure: Math.max(0, ...ends),
    };
  }

  /** How the Job has ended, or undefined while it goes on. */
  function outcomeOf(job: Job, counts: Counts): StatusCondition | undefined {
    const { completions, backoffLimit = 6, activeDeadlineSeconds, parallelism = 1 } = job.spec!;
    const complete = (reason: string, message: string) => ({
      type: "Complete",
      status: "True",
      reason,
      message,
    });
    const failed = (reason: string, message: string) => ({ type: "Failed", status: "True", reason, message });
    const succeeded = job.spec!.completionMode === "Indexed"
      ? counts.completedIndexes.size
      : counts.succeeded;
    if (completions !== undefined && succeeded >= completions) {
      return complete("CompletionsReached", "Reached expected number of succeeded pods");
    }
    // Without a number of completions one success ends the work queue, once the others have finished.
    if (completions === undefined && counts.succeeded > 0 && counts.active.length === 0 && parallelism > 0) {
      return complete("CompletionsReached", "Reached expected number of succeeded pods");
    }
    const restarts = job.spec!.template.spec!.restartPolicy === "OnFailure"
      ? counts.active.reduce(
        (sum, pod) =>
          sum + (pod.status?.containerStatuses ?? []).reduce((all, each) => all + each.restartCount, 0),
        0,
      )
      : 0;
    if (counts.failed > backoffLimit || restarts > backoffLimit) {
      return failed("BackoffLimitExceeded", "Job has reached the specified backoff limit");
    }
    if (activeDeadlineSeconds !== undefined && job.status?.startTime !== undefined) {
      const left = Date.parse(job.status.startTime) + activeDeadlineSeconds * 1000 - context.now().getTime();
      if (left <= 0) return failed("DeadlineExceeded", "Job was active longer than specified deadline");
      queue.addAfter(keyOf(job), left);
    }
    return undefined;
  }

  async function keepRunning(job: Job, counts: Counts): Promise<Pod[]> {
    const { parallelism = 1, completions } = job.spec!;
    const left = completions === undefined
      ? counts.succeeded > 0 ? counts.active.length : parallelism
      : completions - counts.succeeded;
    const wanted = Math.max(0, Math.min(parallelism, left));
    const { active } = counts;
    if (active.length > wanted) {
      const surplus = active.slice(wanted);
      await Promise.all(surplus.map((pod) => deletePod(client, pod)));
      return active.slice(0, wanted);
    }
    if (active.length === wanted) return active;
    const wait = counts.failed === 0 ? 0 : Math.min(MAX_BACKOFF_MS, BACKOFF_MS * 2 ** (counts.failed - 1)) -
      (context.now().getTime() - counts.lastFailure);
    if (wait > 0) {
      queue.addAfter(keyOf(job), wait);
      return active;
    }
    const indexes = freeIndexes(job, counts, wanted - active.length);
    const made = await Promise.all(
      Array.from({ length: wanted - active.length }, (_, at) => createPod(job, indexes[at])),
    );
    return [...active, ...made];
  }

  function freeIndexes(job: Job, counts: Counts, amount: number): number[] {
    if (job.spec!.completionMode !== "Indexed") return [];
    const taken = new Set(counts.active.map((pod) => Number(pod.metadata?.annotations?.[INDEX])));
    const free: number[] = [];
    for (let index = 0; free.length < amount && index < (job.spec!.completions ?? 0); index++) {
      if (!taken.has(index) && !counts.completedIndexes.has(index)) free.push(index);
    }
    return free;
  }

  async function createPod(job: Job, index: number | undefined): Promise<Pod> {
    const pod = podFromTemplate(JOBS, job, job.spec!.template);
    if (index !== undefined) {
      pod.metadata!.generateName = `${job.metadata!.name}-${index}-`;
      pod.metadata!.annotations = { ...pod.metadata!.annotations, [INDEX]: String(index) };
      pod.metadata!.labels = { ...pod.metadata!.labels, [INDEX]: String(index) };
      pod.spec!.hostname ??= `${job.metadata!.name}-${index}`;
      for (const container of [...(pod.spec!.initContainers ?? []), ...pod.spec!.containers]) {
        const variable = { name: "JOB_COMPLETION_INDEX", value: String(index) };
        container.env = [...(container.env ?? []), variable];
      }
    }
    const made = await client.create(PODS, pod);
    const message = `Created pod: ${made.metadata!.name}`;
    events.record(COMPONENT, JOBS, job, "Normal", "SuccessfulCreate", message);
    return made;
  }

  async function writeStatus(job: Job, counts: Counts, outcome: StatusCondition | undefined): Promise<void> {
    const now = context.now();
    const isSuspended = job.spec!.suspend === true;
    let conditions = (job.status?.conditions ?? []) as StatusCondition[];
    if (isSuspended || findCondition(conditions, "Suspended") !== undefined) {
      conditions = withCondition(conditions, {
        type: "Suspended",
        status: isSuspended ? "True" : "False",
        reason: isSuspended ? "JobSuspended" : "JobResumed",
        message: isSuspended ? "Job suspended" : "Job resumed",
      }, now);
    }
    if (outcome !== undefined) {
      const verdict = outcome.type === "Complete" ? "SuccessCriteriaMet" : "FailureTarget";
      conditions = withCondition(conditions, { ...outcome, type: verdict }, now);
      conditions = withCondition(conditions, outcome, now);
      const isGood = outcome.type === "Complete";
      events.record(
        COMPONENT,
        JOBS,
        job,
        isGood ? "Normal" : "Warning",
        isGood ? "Completed" : outcome.reason!,
        isGood ? "Job completed" : outcome.message!,
      );
    }
    const startTime = job.status?.startTime ?? (isSuspended ? undefined : timeText(now));
    const status = {
      ...(startTime === undefined ? {} : { startTime }),
      active: counts.active.length,
      ready: counts.active.length === 0 ? 0 : counts.ready,
      terminating: 0,
      succeeded: counts.succeeded,
      failed: counts.failed,
      uncountedTerminatedPods: {},
      ...(counts.completedIndexes.size === 0
        ? {}
        : { completedIndexes: [...counts.completedIndexes].sort((a, b) => a - b).join(",") }),
      ...(outcome?.type === "Complete" ? { completionTime: timeText(now) } : {}),
      ...(conditions.length === 0 ? {} : { conditions }),
    };
    if (equalJson(status, job.status)) return;
    await client.replace(JOBS, { ...job, status } as Job, "status");
  }

  /** Deletes a finished Job when its time to live is over. */
  async function expire(job: Job): Promise<void> {
    const seconds = job.spec!.ttlSecondsAfterFinished;
    if (seconds === undefined) return;
    const ended = job.status?.completionTime ??
      findCondition((job.status?.conditions ?? []) as StatusCondition[], "Failed")?.lastTransitionTime;
    const left = Date.parse(ended ?? "") + seconds * 1000 - context.now().getTime();
    if (left > 0) queue.addAfter(keyOf(job), left);
    else {
      await client.delete(JOBS, job.metadata!.name!, job.metadata!.namespace, {
        propagationPolicy: "Background",
      });
    }
  }

  const queue = reconciler(context, "job", reconcile);
  enqueueAll(context, JOBS, queue);
  enqueueOwners(context, PODS, "Job", queue);
  return { stop: () => queue.stop() };
}
