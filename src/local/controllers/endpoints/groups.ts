/**
 * A Service's endpoints, worked out from its pods: pure, so that its rules can be read and tested by themselves.
 *
 * Source: k8s.io/endpointslice and k8s.io/kubernetes/pkg/controller/endpoint.
 */
import type { Endpoint, Pod, Service } from "../../../kube/kinds.ts";
import { isReady, isTerminal } from "../pods.ts";

export interface GroupPort {
  name: string;
  port: number;
  protocol: string;
  appProtocol?: string;
}

/** Endpoints that answer on the same ports. */
export interface EndpointGroup {
  ports: GroupPort[];
  endpoints: Endpoint[];
}

/** The number a pod has for a Service's target port, or undefined when it has no port of that name. */
export function targetPortOf(
  pod: Pod,
  port: NonNullable<NonNullable<Service["spec"]>["ports"]>[number],
): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === "number") return target;
  const sidecars = (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars]) {
    for (const each of container.ports ?? []) {
      if (each.name === target && (each.protocol ?? "TCP") === (port.protocol ?? "TCP")) {
        return each.containerPort;
      }
    }
  }
  return undefined;
}

function portsOf(service: Service, pod: Pod): GroupPort[] | undefined {
  const ports: GroupPort[] = [];
  for (const port of service.spec?.ports ?? []) {
    const number = targetPortOf(pod, port);
    if (number === undefined) continue;
    ports.push({
      name: port.name ?? "",
      port: number,
      protocol: port.protocol ?? "TCP",
      ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
    });
  }
  // A headless Service may have no ports; one that has some does not list a pod without any of them.
  return ports.length === 0 && (service.spec?.ports ?? []).length > 0 ? undefined : ports;
}

function endpointOf(service: Service, pod: Pod, address: string): Endpoint {
  const serving = isReady(pod);
  const terminating = pod.metadata!.deletionTimestamp !== undefined;
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating);
  const { hostname, subdomain, nodeName } = pod.spec ?? {};
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(hostname && subdomain === service.metadata!.name ? { hostname } : {}),
    ...(nodeName ? { nodeName } : {}),
    targetRef: {
      kind: "Pod",
      namespace: pod.metadata!.namespace!,
      name: pod.metadata!.name!,
      uid: pod.metadata!.uid!,
    },
  };
}

/** @param pods those the Service selects */
export function groupEndpoints(service: Service, pods: readonly Pod[]): EndpointGroup[] {
  const groups = new Map<string, EndpointGroup>();
  const sorted = [...pods].sort((left, right) => left.metadata!.name! < right.metadata!.name! ? -1 : 1);
  for (const pod of sorted) {
    const address = pod.status?.podIP;
    if (!address || isTerminal(pod)) continue;
    const ports = portsOf(service, pod);
    if (ports === undefined) continue;
    const key = JSON.stringify(ports);
    let group = groups.get(key);
    if (group === undefined) {
      group = { ports, endpoints: [] };
      groups.set(key, group);
    }
    group.endpoints.push(endpointOf(service, pod, address));
  }
  return [...groups.values()];
}

/** The old form of the same: `subsets` of Endpoints. */
export function subsetsOf(groups: readonly EndpointGroup[]): unknown[] {
  return groups.flatMap(({ ports, endpoints }) => {
    const address = (endpoint: Endpoint) => ({
      ip: endpoint.addresses[0]!,
      ...(endpoint.hostname === undefined ? {} : { hostname: endpoint.hostname }),
      ...(endpoint.nodeName === undefined ? {} : { nodeName: endpoint.nodeName }),
      targetRef: endpoint.targetRef,
    });
    const alive = endpoints.filter(({ conditions }) => conditions?.terminating !== true);
    const ready = alive.filter(({ conditions }) => conditions?.ready === true).map(address);
    const notReady = alive.filter(({ conditions }) => conditions?.ready !== true).map(address);
    if (ready.length + notReady.length === 0) return [];
    return [{
      ...(ready.length === 0 ? {} : { addresses: ready }),
      ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady }),
      ...(ports.length === 0
        ? {}
        : { ports: ports.map(({ name, ...port }) => name === "" ? port : { name, ...port }) }),
    }];
  });
}
