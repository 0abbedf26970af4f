/** Writes the EndpointSlices and Endpoints of Services that have a selector. */
import { isAlreadyExists, isNotFound } from "../../../kube/client.ts";
import {
  ENDPOINT_SLICES,
  ENDPOINTS,
  type EndpointSlice,
  type Pod,
  PODS,
  type Service,
  SERVICES,
} from "../../../kube/kinds.ts";
import { formatLabelSelector, matchLabelMap } from "../../../kube/selector.ts";
import { equalJson } from "../../api/object.ts";
import { type Controller, type ControllerContext, enqueueAll, keyOf, reconciler } from "../controller.ts";
import { ownerReference } from "../pods.ts";
import { type EndpointGroup, groupEndpoints, subsetsOf } from "./groups.ts";

const SERVICE_NAME = "kubernetes.io/service-name";
const MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
const MANAGER = "endpointslice-controller.k8s.io";
const HEADLESS = "service.kubernetes.io/headless";
/** Endpoints in one slice. */
const SLICE_SIZE = 1000;

export function startEndpointsController(context: ControllerContext): Controller {
  const { client } = context;

  async function reconcile(namespace: string, name: string): Promise<void> {
    let service: Service;
    try {
      service = await client.get(SERVICES, name, namespace);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return await client.delete(ENDPOINTS, name, namespace).catch(ignoreMissing);
    }
    const { selector, type } = service.spec ?? {};
    const isManaged = selector !== undefined && Object.keys(selector).length > 0 && type !== "ExternalName";
    if (!isManaged || service.metadata!.deletionTimestamp !== undefined) return;
    const { items: pods } = await client.list(PODS, {
      namespace,
      labelSelector: formatLabelSelector({ matchLabels: selector }),
    });
    const groups = groupEndpoints(service, pods);
    await Promise.all([writeSlices(service, groups), writeEndpoints(service, groups)]);
  }

  function labelsOf(service: Service): Record<string, string> {
    return {
      ...service.metadata!.labels,
      [SERVICE_NAME]: service.metadata!.name!,
      [MANAGED_BY]: MANAGER,
      ...(service.spec!.clusterIP === "None" ? { [HEADLESS]: "" } : {}),
    };
  }

  async function writeSlices(service: Service, groups: readonly EndpointGroup[]): Promise<void> {
    const { name, namespace } = service.metadata!;
    const { items } = await client.list(ENDPOINT_SLICES, {
      namespace: namespace!,
      labelSelector: `${SERVICE_NAME}=${name},${MANAGED_BY}=${MANAGER}`,
    });
    const wanted = split(groups.length === 0 ? [emptyGroup(service)] : groups);
    const labels = labelsOf(service);
    const left = [...items];
    // A slice keeps its ports as long as it can, so that readers see endpoints come and go and not slices.
    for (const group of wanted) {
      const same = left.findIndex((slice) => equalJson(slice.ports ?? [], group.ports));
      const slice = left.splice(same === -1 ? 0 : same, left.length === 0 ? 0 : 1)[0];
      if (slice === undefined) {
        await client.create(ENDPOINT_SLICES, {
          metadata: {
            generateName: `${name}-`,
            namespace: namespace!,
            labels,
            ownerReferences: [ownerReference(SERVICES, service)],
          },
          addressType: "IPv4",
          ...group,
        });
        continue;
      }
      const isSame = equalJson(slice.endpoints, group.endpoints) &&
        equalJson(slice.ports ?? [], group.ports) &&
        equalJson(slice.metadata!.labels, labels);
      if (isSame) continue;
      await client.replace(
        ENDPOINT_SLICES,
        {
          ...slice,
          metadata: { ...slice.metadata, labels },
          ...group,
        } as EndpointSlice,
      );
    }
    for (const slice of left) {
      await client.delete(ENDPOINT_SLICES, slice.metadata!.name!, namespace).catch(ignoreMissing);
    }
  }

  async function writeEndpoints(service: Service, groups: readonly EndpointGroup[]): Promise<void> {
    const { name, namespace, labels } = service.metadata!;
    const subsets = subsetsOf(groups) as never[];
    const metadata = {
      name: name!,
      namespace: namespace!,
      labels: { ...labels, "endpoints.kubernetes.io/managed-by": "endpoint-controller" },
    };
    let present;
    try {
      present = await client.get(ENDPOINTS, name!, namespace);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await client.create(ENDPOINTS, { metadata, ...(subsets.length === 0 ? {} : { subsets }) })
        .catch((error) => {
          if (!isAlreadyExists(error)) throw error;
        });
      return;
    }
    if (
      equalJson(present.subsets ?? [], subsets) && equalJson(present.metadata!.labels, metadata.labels)
    ) return;
    await client.replace(ENDPOINTS, {
      ...present,
      metadata: { ...present.metadata, labels: metadata.labels },
      subsets,
    });
  }

  const queue = reconciler(context, "endpoints", reconcile);
  enqueueAll(context, SERVICES, queue);
  const services = context.informers.of(SERVICES);
  const enqueueFor = (pod: Pod) => {
    for (const service of services.list()) {
      if (service.metadata!.namespace !== pod.metadata!.namespace) continue;
      if (matchLabelMap(service.spec?.selector)(pod.metadata!.labels)) queue.add(keyOf(service));
    }
  };
  context.informers.of(PODS).subscribe({
    added: enqueueFor,
    modified(pod, previous) {
      enqueueFor(pod);
      if (!equalJson(pod.metadata!.labels, previous.metadata!.labels)) enqueueFor(previous);
    },
    deleted: enqueueFor,
  });
  return { stop: () => queue.stop() };
}

/** What a Service without pods still shows: its ports, as far as they are numbers. */
function emptyGroup(service: Service): EndpointGroup {
  const ports = (service.spec?.ports ?? []).filter(({ targetPort }) => typeof targetPort === "number");
  return {
    endpoints: [],
    ports: ports.map((port) => ({
      name: port.name ?? "",
      port: port.targetPort as number,
      protocol: port.protocol ?? "TCP",
      ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
    })),
  };
}

function split(groups: readonly EndpointGroup[]): EndpointGroup[] {
  return groups.flatMap(({ ports, endpoints }) => {
    const parts: EndpointGroup[] = [];
    for (let at = 0; at === 0 || at < endpoints.length; at += SLICE_SIZE) {
      parts.push({ ports, endpoints: endpoints.slice(at, at + SLICE_SIZE) });
    }
    return parts;
  });
}

function ignoreMissing(error: unknown): void {
  if (!isNotFound(error)) throw error;
}
