/** Opaque ports of pods and Services that say nothing of them: their namespace's, or what the default list has. */
import type { PodSpec, Service } from "../../kube/kinds.ts";
import { configAnnotation } from "../../mesh/annotations.ts";
import { parsePortSet } from "../../mesh/ports.ts";
import { namedPort } from "../state/pod_facts.ts";

const OPAQUE_PORTS = configAnnotation("opaque-ports");
type Annotations = Readonly<Record<string, string>>;

/** @returns the annotation's value to add, undefined for none */
function missingOpaquePorts(
  own: Annotations,
  namespace: Annotations,
  ports: readonly number[],
  defaults: string,
): string | undefined {
  if (own[OPAQUE_PORTS] !== undefined) return undefined;
  const inherited = namespace[OPAQUE_PORTS];
  if (inherited !== undefined) return inherited;
  const opaque = parsePortSet(defaults);
  const declared = [...new Set(ports)].filter((port) => opaque.has(port));
  return declared.length === 0 ? undefined : declared.join(",");
}

export function podOpaquePorts(own: Annotations, namespace: Annotations, spec: PodSpec, defaults: string) {
  const ports = [...spec.containers, ...(spec.initContainers ?? [])]
    .flatMap((container) => (container.ports ?? []).map((port) => port.containerPort));
  return missingOpaquePorts(own, namespace, ports, defaults);
}

export function serviceOpaquePorts(service: Service, namespace: Annotations, defaults: string) {
  const ports = (service.spec?.ports ?? []).map((port) => port.port);
  return missingOpaquePorts(service.metadata?.annotations ?? {}, namespace, ports, defaults);
}

/** What the proxy takes, which knows no port's name: names stand for the ports that the pod's containers give them. */
export function numericPorts(text: string, spec: PodSpec): string {
  if (!/[a-z]/i.test(text)) return text;
  return parsePortSet(text, (name) => namedPort(spec, name)).toString();
}
