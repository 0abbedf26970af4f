/** Namespaces, nodes, accounts, secrets, events and the rest in a table. */
import type { Event, Namespace, Node, Secret, ServiceAccount } from "../../../kube/kinds.ts";
import type { StoredObject } from "../object.ts";
import { humanDuration, since } from "./duration.ts";
import { columns, type Printer } from "./printer.ts";

function age(object: StoredObject, now: Date): string {
  return since(object.metadata.creationTimestamp, now);
}

export const namespacePrinter: Printer = {
  columns: columns("Name", "Status", "Age"),
  cells(object, now) {
    return [object.metadata.name, (object as unknown as Namespace).status?.phase ?? "", age(object, now)];
  },
};

export const nodePrinter: Printer = {
  columns: columns(
    "Name",
    "Status",
    "Roles",
    "Age",
    "Version",
    "Internal-IP+",
    "External-IP+",
    "OS-Image+",
    "Kernel-Version+",
    "Container-Runtime+",
  ),
  cells(object, now) {
    const { spec, status } = object as unknown as Node;
    const ready = status?.conditions?.find(({ type }) => type === "Ready");
    const states = [ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady"];
    if (spec?.unschedulable === true) states.push("SchedulingDisabled");
    const prefix = "node-role.kubernetes.io/";
    const roles = Object.keys(object.metadata.labels ?? {})
      .filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
    const address = (wanted: string) =>
      status?.addresses?.find(({ type }) => type === wanted)?.address ?? "<none>";
    const { nodeInfo } = status ?? {};
    return [
      object.metadata.name,
      states.join(","),
      roles.sort().join(",") || "<none>",
      age(object, now),
      nodeInfo?.kubeletVersion ?? "",
      address("InternalIP"),
      address("ExternalIP"),
      nodeInfo?.osImage ?? "<unknown>",
      nodeInfo?.kernelVersion ?? "<unknown>",
      nodeInfo?.containerRuntimeVersion ?? "<unknown>",
    ];
  },
};

export const configMapPrinter: Printer = {
  columns: columns("Name", "Data", "Age"),
  cells(object, now) {
    const count = Object.keys({ ...(object["data"] as object), ...(object["binaryData"] as object) }).length;
    return [object.metadata.name, String(count), age(object, now)];
  },
};

export const secretPrinter: Printer = {
  columns: columns("Name", "Type", "Data:integer", "Age"),
  cells(object, now) {
    const { type, data } = object as unknown as Secret;
    return [object.metadata.name, type ?? "", Object.keys(data ?? {}).length, age(object, now)];
  },
};

export const serviceAccountPrinter: Printer = {
  columns: columns("Name", "Secrets", "Age"),
  cells(object, now) {
    const { secrets } = object as unknown as ServiceAccount;
    return [object.metadata.name, String(secrets?.length ?? 0), age(object, now)];
  },
};

export const eventPrinter: Printer = {
  columns: columns(
    "Last Seen",
    "Type",
    "Reason",
    "Object",
    "Subobject+",
    "Source+",
    "Message",
    "First Seen+",
    "Count:integer+",
    "Name+",
  ),
  cells(object, now) {
    const event = object as unknown as Event;
    const first = event.firstTimestamp ?? event.eventTime ?? object.metadata.creationTimestamp;
    const last = event.lastTimestamp ?? event.series?.lastObservedTime ?? first;
    const { kind = "", name = "", fieldPath = "" } = event.involvedObject;
    return [
      last === undefined ? "<unknown>" : humanDuration(now.getTime() - Date.parse(last)),
      event.type ?? "",
      event.reason ?? "",
      `${kind.toLowerCase()}/${name}`,
      fieldPath,
      event.source?.component ?? event.reportingComponent ?? "",
      (event.message ?? "").trim(),
      first === undefined ? "<unknown>" : humanDuration(now.getTime() - Date.parse(first)),
      event.count ?? event.series?.count ?? 1,
      object.metadata.name,
    ];
  },
};

export const leasePrinter: Printer = {
  columns: columns("Name", "Holder", "Age"),
  cells(object, now) {
    const { holderIdentity } = (object["spec"] ?? {}) as { holderIdentity?: string };
    return [object.metadata.name, holderIdentity ?? "", age(object, now)];
  },
};

export const webhookConfigurationPrinter: Printer = {
  columns: columns("Name", "Webhooks:integer", "Age"),
  cells(object, now) {
    return [object.metadata.name, ((object["webhooks"] as unknown[]) ?? []).length, age(object, now)];
  },
};

/** Kinds shown by the time they were made. */
export const createdAtPrinter: Printer = {
  columns: columns("Name", "Created At"),
  cells(object) {
    return [object.metadata.name, object.metadata.creationTimestamp ?? "<unknown>"];
  },
};

export const roleBindingPrinter: Printer = {
  columns: columns("Name", "Role", "Age", "Users+", "Groups+", "ServiceAccounts+"),
  cells(object, now) {
    const { roleRef, subjects = [] } = object as unknown as {
      roleRef: { kind: string; name: string };
      subjects?: { kind: string; name: string; namespace?: string }[];
    };
    const of = (kind: string) => subjects.filter((subject) => subject.kind === kind);
    return [
      object.metadata.name,
      `${roleRef.kind}/${roleRef.name}`,
      age(object, now),
      of("User").map(({ name }) => name).join(", "),
      of("Group").map(({ name }) => name).join(", "),
      of("ServiceAccount").map(({ name, namespace }) => `${namespace}/${name}`).join(", "),
    ];
  },
};

export const podDisruptionBudgetPrinter: Printer = {
  columns: columns("Name", "Min Available", "Max Unavailable", "Allowed Disruptions:integer", "Age"),
  cells(object, now) {
    const spec = (object["spec"] ?? {}) as Record<string, string | number | undefined>;
    const status = (object["status"] ?? {}) as { disruptionsAllowed?: number };
    return [
      object.metadata.name,
      String(spec["minAvailable"] ?? "N/A"),
      String(spec["maxUnavailable"] ?? "N/A"),
      status.disruptionsAllowed ?? 0,
      age(object, now),
    ];
  },
};

/** Kinds without a printer of their own. */
export const plainPrinter: Printer = {
  columns: columns("Name", "Age"),
  cells(object, now) {
    return [object.metadata.name, age(object, now)];
  },
};
