/** Where a rule sends its requests: backends with their weights, and failures in the place of those that are missing. */
import type { Metadata } from "../../../../proto/gen/meta.ts";
import type { Backend } from "../../../../proto/gen/outbound.ts";
import type { BackendRef, Service } from "../../../kube/kinds.ts";
import type { ClusterState } from "../../state/cluster_state.ts";
import { isCoreGroup } from "../../state/routes.ts";
import { defaultMetadata, resourceMetadata } from "../../wire/metadata.ts";
import { toDuration } from "../../wire/time.ts";
import type { PolicyConfig } from "../config.ts";
import { loadOf } from "./balancing.ts";

export const QUEUE = { capacity: 100, failfastTimeout: toDuration(3_000) };

export function serviceMetadata(name: string, namespace: string, port: number): Metadata {
  return resourceMetadata({ group: "core", kind: "Service", name, namespace, port });
}

/** A balancer over the endpoints of a Service's port. */
export function serviceBackend(service: Service, port: number, config: PolicyConfig): Backend {
  const { name = "", namespace = "", annotations = {} } = service.metadata ?? {};
  const path = `${name}.${namespace}.svc.${config.clusterDomain}:${port}`;
  return {
    metadata: serviceMetadata(name, namespace, port),
    kind: {
      $case: "balancer",
      value: { discovery: { kind: { $case: "dst", value: { path } } }, load: loadOf(annotations) },
    },
    queue: QUEUE,
  };
}

/** A backend that nothing can be sent to. */
function noBackend(metadata: Metadata): Backend {
  return { metadata, kind: undefined, queue: QUEUE };
}

/** Why nothing can be sent to a backend, as a route's status says it. */
export interface BackendFailure {
  readonly reason: "BackendNotFound" | "InvalidKind";
  readonly message: string;
}

/** A backend of a rule. With a failure, its share of the requests is answered by that. */
export interface Destination {
  readonly backend: Backend;
  readonly weight: number;
  readonly failure: BackendFailure | undefined;
}

/** What may stand in the place of the parent: an EgressNetwork among its own routes' backends. */
export interface BackendContext {
  readonly state: ClusterState;
  readonly config: PolicyConfig;
  readonly namespace: string;
  /** The backend that an EgressNetwork of this name stands for. */
  readonly egress?: { readonly namespace: string; readonly name: string; readonly backend: Backend };
}

export function destinationOf(reference: BackendRef<unknown>, context: BackendContext): Destination {
  const { state, config } = context;
  const { kind = "Service", name, port, weight = 1 } = reference;
  const namespace = reference.namespace ?? context.namespace;
  const fail = (
    reason: BackendFailure["reason"],
    message: string,
    metadata = defaultMetadata("invalid"),
  ): Destination => ({ backend: noBackend(metadata), weight, failure: { reason, message } });
  if (kind === "Service" && isCoreGroup(reference.group)) {
    if (port === undefined) return fail("InvalidKind", `missing port for backend Service ${name}`);
    const service = state.services.get(namespace, name);
    if (service === undefined) {
      return fail("BackendNotFound", `Service not found ${name}`, serviceMetadata(name, namespace, port));
    }
    return { backend: serviceBackend(service, port, config), weight, failure: undefined };
  }
  if (kind === "EgressNetwork") {
    const { egress } = context;
    if (egress?.name === name && egress.namespace === namespace) {
      return { backend: egress.backend, weight, failure: undefined };
    }
    return fail("InvalidKind", `EgressNetwork ${name} may only be a backend of its own routes`);
  }
  return fail("InvalidKind", `${kind} is not a backend the mesh can send to`);
}

export type Split<RouteBackend> =
  | { $case: "empty"; value: Record<PropertyKey, never> }
  | { $case: "firstAvailable"; value: { backends: RouteBackend[] } }
  | { $case: "randomAvailable"; value: { backends: { backend: RouteBackend; weight: number }[] } };

/** Everything to one backend. */
export function only<RouteBackend>(backend: RouteBackend): Split<RouteBackend> {
  return { $case: "firstAvailable", value: { backends: [backend] } };
}

/** @returns undefined when no backend has a weight: nothing may be sent anywhere then */
export function split<RouteBackend>(
  destinations: readonly { backend: RouteBackend; weight: number }[],
): Split<RouteBackend> | undefined {
  if (destinations.every((one) => one.weight === 0)) return undefined;
  return { $case: "randomAvailable", value: { backends: [...destinations] } };
}

export const NO_WEIGHT = "no backend of this rule has a weight";
