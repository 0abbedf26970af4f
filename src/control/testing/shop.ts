/** A shop of one Service and one meshed pod, and the destination controller that tells of it. */
import { DestinationDefinition } from "../../../proto/gen/destination.ts";
import { ENDPOINT_SLICES, PODS, SERVICES } from "../../kube/kinds.ts";
import { parsePortSet } from "../../mesh/ports.ts";
import { destinationHandlers } from "../destination/service.ts";
import { GrpcServer } from "../grpc/server.ts";
import { ClusterState } from "../state/cluster_state.ts";
import { FakeKube } from "./fake_kube.ts";
import { pod, service, slice } from "./objects.ts";

export interface ShopController {
  readonly state: ClusterState;
  /** Does not listen yet. */
  readonly server: GrpcServer;
}

/** @param definition the interface as the controller's version has it */
export function shopController(
  definition: typeof DestinationDefinition = DestinationDefinition,
): ShopController {
  const kube = new FakeKube(), state = new ClusterState(kube), server = new GrpcServer();
  kube.put(SERVICES, service({ name: "web", ip: "10.43.0.5" }));
  kube.put(PODS, pod({ name: "web-1", ip: "10.42.0.5", isMeshed: true, serviceAccount: "web" }));
  kube.put(ENDPOINT_SLICES, slice("web", [{ pod: "web-1", ip: "10.42.0.5" }]));
  server.add(
    definition,
    destinationHandlers(state, {
      domain: { controlPlaneNamespace: "linkerd", trustDomain: "cluster.local" },
      clusterDomain: "cluster.local",
      defaultOpaquePorts: parsePortSet("25"),
      isH2UpgradeEnabled: true,
      isTransportHeaderForced: false,
    }),
  );
  return { state, server };
}
