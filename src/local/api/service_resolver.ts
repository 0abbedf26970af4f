/** Finds who answers for a Service right now, from its EndpointSlices. */
import type { EndpointSlice, Service } from "../../kube/kinds.ts";
import type { ServiceResolver } from "./admission/webhooks.ts";
import { keyOf, type Store } from "./store/store.ts";

export function endpointResolver(store: Store): ServiceResolver {
  return (namespace, name, port) => {
    const service = store.get("/services", keyOf(namespace, name)) as unknown as Service | undefined;
    const servicePort = service?.spec?.ports?.find((each) => each.port === port || each.name === port);
    if (servicePort === undefined) return undefined;
    const candidates: { hostname: string; port: number }[] = [];
    for (const object of store.list("discovery.k8s.io/endpointslices", namespace)) {
      if (object.metadata.labels?.["kubernetes.io/service-name"] !== name) continue;
      const slice = object as unknown as EndpointSlice;
      const target = slice.ports?.find((each) => (each.name ?? "") === (servicePort.name ?? ""))?.port;
      if (target === undefined) continue;
      for (const endpoint of slice.endpoints) {
        if (endpoint.conditions?.ready !== false) {
          candidates.push({ hostname: endpoint.addresses[0]!, port: target });
        }
      }
    }
    return candidates[Math.floor(Math.random() * candidates.length)];
  };
}
