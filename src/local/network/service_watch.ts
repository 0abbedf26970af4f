/** Keeps the node's service rules as Services and EndpointSlices say. */
import type { Informer } from "../../kube/informer.ts";
import type { EndpointSlice, Service } from "../../kube/kinds.ts";
import type { NodeNetwork } from "./node_network.ts";
import { servicePorts } from "./service_ports.ts";

/** Changes that come together are applied together. */
const GATHER_MS = 3;

/**
 * Follows both informers until the returned function is called.
 * @param onError told when the kernel refuses the rules; the next change tries again
 */
export function followServices(
  network: NodeNetwork,
  services: Informer<Service>,
  slices: Informer<EndpointSlice>,
  onError: (error: unknown) => void,
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const apply = () => {
    timer = undefined;
    try {
      network.setServices(servicePorts(services.list(), slices.list(), network.ownServiceAddresses));
    } catch (error) {
      onError(error);
    }
  };
  const changed = () => {
    timer ??= setTimeout(apply, GATHER_MS);
  };
  const handler = { added: changed, modified: changed, deleted: changed };
  const stops = [services.subscribe(handler), slices.subscribe(handler)];
  return () => {
    for (const stop of stops) stop();
    clearTimeout(timer);
  };
}
