/** Lists as tables (`Accept: application/json;as=Table`): what `kubectl get` prints. */
import type { StoredObject } from "../object.ts";
import { queryPath } from "../json_path.ts";
import type { PrinterColumn, ResourceDefinition } from "../registry/definition.ts";
import * as cluster from "./cluster.ts";
import { since } from "./duration.ts";
import * as network from "./network.ts";
import { podPrinter } from "./pods.ts";
import type { Cell, ColumnDefinition, Printer } from "./printer.ts";
import * as workloads from "./workloads.ts";

const RBAC = "rbac.authorization.k8s.io";
const ADMISSION = "admissionregistration.k8s.io";

const PRINTERS: Record<string, Printer> = {
  "/pods": podPrinter,
  "/services": network.servicePrinter,
  "/endpoints": network.endpointsPrinter,
  "/namespaces": cluster.namespacePrinter,
  "/nodes": cluster.nodePrinter,
  "/configmaps": cluster.configMapPrinter,
  "/secrets": cluster.secretPrinter,
  "/serviceaccounts": cluster.serviceAccountPrinter,
  "/events": cluster.eventPrinter,
  "/replicationcontrollers": workloads.replicaSetPrinter,
  "apps/deployments": workloads.deploymentPrinter,
  "apps/replicasets": workloads.replicaSetPrinter,
  "apps/daemonsets": workloads.daemonSetPrinter,
  "apps/statefulsets": workloads.statefulSetPrinter,
  "batch/jobs": workloads.jobPrinter,
  "batch/cronjobs": workloads.cronJobPrinter,
  "discovery.k8s.io/endpointslices": network.endpointSlicePrinter,
  "coordination.k8s.io/leases": cluster.leasePrinter,
  "policy/poddisruptionbudgets": cluster.podDisruptionBudgetPrinter,
  "networking.k8s.io/ingresses": network.ingressPrinter,
  "networking.k8s.io/networkpolicies": network.networkPolicyPrinter,
  [`${ADMISSION}/mutatingwebhookconfigurations`]: cluster.webhookConfigurationPrinter,
  [`${ADMISSION}/validatingwebhookconfigurations`]: cluster.webhookConfigurationPrinter,
  "apiextensions.k8s.io/customresourcedefinitions": cluster.createdAtPrinter,
  [`${RBAC}/roles`]: cluster.createdAtPrinter,
  [`${RBAC}/clusterroles`]: cluster.createdAtPrinter,
  [`${RBAC}/rolebindings`]: cluster.roleBindingPrinter,
  [`${RBAC}/clusterrolebindings`]: cluster.roleBindingPrinter,
};

function printerOf(definition: ResourceDefinition): Printer {
  if (definition.columns !== undefined && definition.columns.length > 0) {
    return customPrinter(definition.columns);
  }
  return PRINTERS[definition.resource] ?? cluster.plainPrinter;
}

function customPrinter(columns: readonly PrinterColumn[]): Printer {
  const name: ColumnDefinition = cluster.plainPrinter.columns[0]!;
  return {
    columns: [
      name,
      ...columns.map((column) => ({
        name: column.name,
        type: column.type,
        format: column.format ?? "",
        description: column.description ??
          `Custom resource definition column (in JSONPath format): ${column.jsonPath}`,
        priority: column.priority ?? 0,
      })),
    ],
    cells: (
      object,
      now,
    ) => [object.metadata.name, ...columns.map((column) => customCell(object, column, now))],
  };
}

function customCell(object: StoredObject, column: PrinterColumn, now: Date): Cell {
  const values = queryPath(object, column.jsonPath);
  if (values.length === 0) return column.type === "date" ? "<unknown>" : null;
  const [first] = values;
  if (column.type === "date") return since(String(first), now);
  if ((column.type === "integer" || column.type === "number") && typeof first === "number") return first;
  if (column.type === "boolean" && typeof first === "boolean") return first;
  const shown = values.map((value) => typeof value === "object" ? JSON.stringify(value) : String(value));
  return shown.join(",");
}

export interface TableOptions {
  includeObject: "None" | "Metadata" | "Object";
  now: Date;
  /** False for all but the first event of a watch. */
  hasColumns: boolean;
}

export function metadataOnly(object: StoredObject): unknown {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata };
}

export function tableOf(
  definition: ResourceDefinition,
  objects: readonly StoredObject[],
  metadata: Record<string, unknown>,
  options: TableOptions,
): unknown {
  const printer = printerOf(definition);
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata,
    columnDefinitions: options.hasColumns ? printer.columns : [],
    rows: objects.map((object) => ({
      cells: printer.cells(object, options.now),
      ...(options.includeObject === "None"
        ? {}
        : { object: options.includeObject === "Object" ? object : metadataOnly(object) }),
    })),
  };
}
