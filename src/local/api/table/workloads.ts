/** Deployments and the other controllers of pods in a table. */
import type {
  CronJob,
  DaemonSet,
  Deployment,
  Job,
  PodTemplateSpec,
  ReplicaSet,
  StatefulSet,
} from "../../../kube/kinds.ts";
import type { LabelSelector } from "../../../kube/resource.ts";
import { formatLabelSelector } from "../../../kube/selector.ts";
import type { StoredObject } from "../object.ts";
import { humanDuration, since } from "./duration.ts";
import { columns, type Printer } from "./printer.ts";

function containersOf(template: PodTemplateSpec | undefined): [names: string, images: string] {
  const containers = template?.spec?.containers ?? [];
  return [
    containers.map(({ name }) => name).join(","),
    containers.map(({ image }) => image ?? "").join(","),
  ];
}

function selectorText(selector: LabelSelector | undefined): string {
  return selector === undefined ? "<none>" : formatLabelSelector(selector) || "<none>";
}

function age(object: StoredObject, now: Date): string {
  return since(object.metadata.creationTimestamp, now);
}

export const deploymentPrinter: Printer = {
  columns: columns(
    "Name",
    "Ready",
    "Up-to-date:integer",
    "Available:integer",
    "Age",
    "Containers+",
    "Images+",
    "Selector+",
  ),
  cells(object, now) {
    const { spec, status } = object as unknown as Deployment;
    return [
      object.metadata.name,
      `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
      status?.updatedReplicas ?? 0,
      status?.availableReplicas ?? 0,
      age(object, now),
      ...containersOf(spec?.template),
      selectorText(spec?.selector),
    ];
  },
};

export const replicaSetPrinter: Printer = {
  columns: columns(
    "Name",
    "Desired:integer",
    "Current:integer",
    "Ready:integer",
    "Age",
    "Containers+",
    "Images+",
    "Selector+",
  ),
  cells(object, now) {
    const { spec, status } = object as unknown as ReplicaSet;
    return [
      object.metadata.name,
      spec?.replicas ?? 0,
      status?.replicas ?? 0,
      status?.readyReplicas ?? 0,
      age(object, now),
      ...containersOf(spec?.template),
      selectorText(spec?.selector),
    ];
  },
};

export const daemonSetPrinter: Printer = {
  columns: columns(
    "Name",
    "Desired:integer",
    "Current:integer",
    "Ready:integer",
    "Up-to-date:integer",
    "Available:integer",
    "Node Selector",
    "Age",
    "Containers+",
    "Images+",
    "Selector+",
  ),
  cells(object, now) {
    const { spec, status } = object as unknown as DaemonSet;
    const nodes = Object.entries(spec?.template.spec?.nodeSelector ?? {});
    return [
      object.metadata.name,
      status?.desiredNumberScheduled ?? 0,
      status?.currentNumberScheduled ?? 0,
      status?.numberReady ?? 0,
      status?.updatedNumberScheduled ?? 0,
      status?.numberAvailable ?? 0,
      nodes.length === 0 ? "<none>" : nodes.map(([key, value]) => `${key}=${value}`).join(","),
      age(object, now),
      ...containersOf(spec?.template),
      selectorText(spec?.selector),
    ];
  },
};

export const statefulSetPrinter: Printer = {
  columns: columns("Name", "Ready", "Age", "Containers+", "Images+"),
  cells(object, now) {
    const { spec, status } = object as unknown as StatefulSet;
    return [
      object.metadata.name,
      `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
      age(object, now),
      ...containersOf(spec?.template),
    ];
  },
};

export const jobPrinter: Printer = {
  columns: columns("Name", "Status", "Completions", "Duration", "Age", "Containers+", "Images+", "Selector+"),
  cells(object, now) {
    const { spec, status } = object as unknown as Job;
    const has = (wanted: string) =>
      status?.conditions?.some(({ type, status }) => type === wanted && status === "True") === true;
    const state = has("Complete")
      ? "Complete"
      : has("Failed")
      ? "Failed"
      : object.metadata.deletionTimestamp !== undefined
      ? "Terminating"
      : has("Suspended")
      ? "Suspended"
      : "Running";
    const succeeded = status?.succeeded ?? 0;
    const parallelism = spec?.parallelism ?? 0;
    const completions = spec?.completions !== undefined
      ? `${succeeded}/${spec.completions}`
      : parallelism > 1
      ? `${succeeded}/1 of ${parallelism}`
      : `${succeeded}/1`;
    const started = status?.startTime === undefined ? undefined : Date.parse(status.startTime);
    const ended = status?.completionTime === undefined ? now.getTime() : Date.parse(status.completionTime);
    return [
      object.metadata.name,
      state,
      completions,
      started === undefined ? "" : humanDuration(ended - started),
      age(object, now),
      ...containersOf(spec?.template),
      selectorText(spec?.selector),
    ];
  },
};

export const cronJobPrinter: Printer = {
  columns: columns(
    "Name",
    "Schedule",
    "Timezone",
    "Suspend:boolean",
    "Active:integer",
    "Last Schedule",
    "Age",
    "Containers+",
    "Images+",
    "Selector+",
  ),
  cells(object, now) {
    const { spec, status } = object as unknown as CronJob;
    return [
      object.metadata.name,
      spec?.schedule ?? "",
      spec?.timeZone ?? "<none>",
      spec?.suspend === true ? "True" : "False",
      status?.active?.length ?? 0,
      status?.lastScheduleTime === undefined ? "<none>" : since(status.lastScheduleTime, now),
      age(object, now),
      ...containersOf(spec?.jobTemplate.spec?.template),
      selectorText(spec?.jobTemplate.spec?.selector),
    ];
  },
};
