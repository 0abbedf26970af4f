/** What Services say of themselves that counts elsewhere, or that their pods contradict. */
import { namedPort } from "../../../control/state/pod_facts.ts";
import { type Pod, type Service, SERVICES } from "../../../kube/kinds.ts";
import { configAnnotation } from "../../../mesh/annotations.ts";
import { parsePortSet, type PortSet } from "../../../mesh/ports.ts";
import { type Check, refuse } from "../check_model.ts";
import type { Facts } from "../facts.ts";
import { nameOf } from "../pod_health.ts";

const EXPORTED = "mirror.linkerd.io/exported", OPAQUE = configAnnotation("opaque-ports");

export function servicesOf(facts: Facts): Promise<Service[]> {
  return facts.once("services", async () => {
    const { dataNamespace: namespace } = facts;
    return (await facts.client.list(SERVICES, namespace === undefined ? {} : { namespace })).items;
  });
}

const serviceName = ({ metadata }: Service) => `${metadata?.namespace}/${metadata?.name}`;

function opaquePorts(
  annotations: Readonly<Record<string, string>> | undefined,
  named: (name: string) => number | undefined,
): PortSet {
  return parsePortSet(annotations?.[OPAQUE] ?? "", named);
}

/** Where a Service and one of its pods disagree on what is opaque; undefined where they do not. */
export function opaqueDisagreement(service: Service, pod: Pod): string | undefined {
  const ports = service.spec?.ports ?? [];
  const ofService = opaquePorts(
    service.metadata?.annotations,
    (name) => ports.find((one) => one.name === name)?.port,
  );
  const ofPod = opaquePorts(pod.metadata?.annotations, (name) => namedPort(pod.spec, name));
  if (ofService.isEmpty && ofPod.isEmpty) return undefined;
  for (const { port, targetPort = port } of ports) {
    const target = typeof targetPort === "number" ? targetPort : namedPort(pod.spec, targetPort);
    if (target === undefined || ofService.has(port) === ofPod.has(target)) continue;
    return ofPod.has(target)
      ? `service ${serviceName(service)}: port ${port} leads to an opaque port of pod ${
        nameOf(pod)
      }: add ${port} to its ${OPAQUE}`
      : `pod ${nameOf(pod)}: service ${
        serviceName(service)
      } says that its port ${target} is opaque: add ${target} to its ${OPAQUE}`;
  }
  return undefined;
}

function selects(service: Service, pod: Pod): boolean {
  const selector = Object.entries(service.spec?.selector ?? {}), labels = pod.metadata?.labels ?? {};
  return selector.length > 0 && service.metadata?.namespace === pod.metadata?.namespace &&
    selector.every(([name, value]) => labels[name] === value);
}

export const serviceAnnotations: readonly Check[] = [
  {
    description: "data plane service annotations are configured correctly",
    anchor: "l5d-data-plane-services-annotations",
    isWarning: true,
    run: async (facts) =>
      refuse(
        (await servicesOf(facts)).filter(({ metadata }) => metadata?.annotations?.[EXPORTED] !== undefined)
          .map((service) => `${serviceName(service)}: ${EXPORTED} should be a label`),
      ),
  },
  {
    description: "opaque ports are properly annotated",
    anchor: "linkerd-opaque-ports-definition",
    isWarning: true,
    async run(facts) {
      const [services, pods] = await Promise.all([servicesOf(facts), facts.dataPlanePods()]);
      refuse(
        services.filter(({ spec }) => spec?.clusterIP !== "None").flatMap((service) => {
          // One pod stands for all that are alike.
          const found = pods.filter((pod) => selects(service, pod)).map((pod) =>
            opaqueDisagreement(service, pod)
          );
          return found.filter((one) => one !== undefined).slice(0, 1);
        }),
      );
    },
  },
];
