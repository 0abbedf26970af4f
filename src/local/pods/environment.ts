/**
 * A container's environment, command and arguments: values, references, and `$(VARIABLE)`.
 *
 * Later entries win over earlier ones, `env` over `envFrom`, and a value may use what was defined before it.
 * Source: kubelet's makeEnvironmentVariables and k8s.io/kubernetes third_party/forked/golang/expansion.
 */
import type { ConfigMap, Container, Pod, Secret, Service } from "../../kube/kinds.ts";
import { Missing } from "./missing.ts";
import { parseQuantity } from "./quantity.ts";

/** What a pod's references lead to. */
export interface References {
  configMap(namespace: string, name: string): ConfigMap | undefined;
  secret(namespace: string, name: string): Secret | undefined;
}

/** What is known of a pod only where it runs. */
export interface PodFacts {
  readonly pod: Pod;
  readonly podAddress: string;
  readonly hostAddress: string;
  readonly nodeName: string;
  /** What a container without limits may use. */
  readonly allocatable: { readonly cpu: number; readonly memoryBytes: number };
}

export type Environment = Map<string, string>;

/** Replaces `$(NAME)` by what is defined; `$$` stands for a dollar; what is not defined stays as it is written. */
export function expand(text: string, environment: ReadonlyMap<string, string>): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (whole, name?: string) => {
    if (name === undefined) return "$";
    return environment.get(name) ?? whole;
  });
}

const decoder = new TextDecoder();

/** The bytes of a base64 value of a Secret or ConfigMap. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromBase64(text.replaceAll(/\s/g, ""));
}

/** Everything a Secret holds, as text. */
function secretText(secret: Secret): Record<string, string> {
  const data = Object.entries(secret.data ?? {}).map((
    [key, value],
  ) => [key, decoder.decode(decodeBase64(value))]);
  return { ...Object.fromEntries(data), ...secret.stringData };
}

/** The value of a pod's field as the downward API gives it; undefined when no such field is offered. */
export function fieldOf(facts: PodFacts, path: string): string | undefined {
  const { metadata, spec } = facts.pod;
  const keyed = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (keyed !== null) return metadata?.[keyed[1] as "labels" | "annotations"]?.[keyed[2]!] ?? "";
  const lines = (map: Record<string, string> | undefined) =>
    Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) =>
      `${key}=${JSON.stringify(value)}`
    ).join("\n");
  switch (path) {
    case "metadata.name":
      return metadata?.name;
    case "metadata.namespace":
      return metadata?.namespace;
    case "metadata.uid":
      return metadata?.uid;
    case "metadata.labels":
      return lines(metadata?.labels);
    case "metadata.annotations":
      return lines(metadata?.annotations);
    case "spec.nodeName":
      return facts.nodeName;
    case "spec.serviceAccountName":
      return spec?.serviceAccountName ?? "default";
    case "status.podIP":
    case "status.podIPs":
      return facts.podAddress;
    case "status.hostIP":
    case "status.hostIPs":
      return facts.hostAddress;
    default:
      return undefined;
  }
}

/** `limits.cpu` and the like, in units of the divisor, rounded up; undefined when no such resource is offered. */
export function resourceOf(
  facts: PodFacts,
  container: Container | undefined,
  resource: string,
  divisor: string | number = "1",
): string | undefined {
  const match = /^(limits|requests)\.(cpu|memory|ephemeral-storage)$/.exec(resource);
  if (match === null) return undefined;
  const kind = match[2] as "cpu" | "memory" | "ephemeral-storage";
  const given = container?.resources?.[match[1] as "limits" | "requests"]?.[kind];
  const fallback = match[1] === "requests"
    ? 0
    : kind === "cpu"
    ? facts.allocatable.cpu
    : kind === "memory"
    ? facts.allocatable.memoryBytes
    : 0;
  const amount = (given === undefined ? undefined : parseQuantity(given)) ?? fallback;
  const unit = parseQuantity(divisor) || 1;
  // 0.1 cores in units of a thousandth are 100, not 101: what is left of binary fractions does not round up.
  return String(Math.ceil(Number((amount / unit).toPrecision(12))));
}

function* envFrom(
  container: Container,
  namespace: string,
  references: References,
): Iterable<[string, string]> {
  for (const { prefix = "", configMapRef, secretRef } of container.envFrom ?? []) {
    const reference = configMapRef ?? secretRef;
    if (reference?.name === undefined) continue;
    const kind = configMapRef !== undefined ? "configmap" : "secret";
    const configMap = configMapRef === undefined
      ? undefined
      : references.configMap(namespace, reference.name);
    const secret = configMapRef !== undefined ? undefined : references.secret(namespace, reference.name);
    const data = configMap !== undefined
      ? configMap.data ?? {}
      : secret !== undefined
      ? secretText(secret)
      : undefined;
    if (data === undefined) {
      if (reference.optional) continue;
      throw new Missing(`${kind} "${reference.name}" not found`);
    }
    for (const [key, value] of Object.entries(data)) yield [prefix + key, value];
  }
}

type ValueSource = NonNullable<NonNullable<Container["env"]>[number]["valueFrom"]>;

/** The value a reference leads to; undefined when it leads nowhere and may. @throws Missing */
function valueFrom(
  source: ValueSource,
  container: Container,
  facts: PodFacts,
  references: References,
): string | undefined {
  const namespace = facts.pod.metadata?.namespace ?? "default";
  if (source.fieldRef !== undefined) {
    const value = fieldOf(facts, source.fieldRef.fieldPath);
    if (value === undefined) throw new Missing(`unsupported field: ${source.fieldRef.fieldPath}`);
    return value;
  }
  if (source.resourceFieldRef !== undefined) {
    const { containerName, resource, divisor } = source.resourceFieldRef;
    const of = containerName === undefined
      ? container
      : containersOf(facts.pod).find(({ name }) => name === containerName);
    const value = resourceOf(facts, of, resource, divisor || "1");
    if (value === undefined) throw new Missing(`unsupported resource: ${resource}`);
    return value;
  }
  const reference = source.configMapKeyRef ?? source.secretKeyRef;
  if (reference?.name === undefined) return undefined;
  const kind = source.configMapKeyRef !== undefined ? "configmap" : "secret";
  const held = kind === "configmap"
    ? references.configMap(namespace, reference.name)?.data
    : mapDefined(references.secret(namespace, reference.name), secretText);
  const value = held?.[reference.key];
  if (value !== undefined || reference.optional) return value;
  throw new Missing(
    held === undefined
      ? `${kind} "${reference.name}" not found`
      : `couldn't find key ${reference.key} in ${kind} ${namespace}/${reference.name}`,
  );
}

function mapDefined<T, R>(value: T | undefined, map: (value: T) => R): R | undefined {
  return value === undefined ? undefined : map(value);
}

/** All containers of a pod, init containers first. */
export function containersOf(pod: Pod): Container[] {
  return [...pod.spec?.initContainers ?? [], ...pod.spec?.containers ?? []];
}

/** `NAME_SERVICE_HOST` and its kin for the services of a namespace, and for the API server everywhere. */
export function serviceEnvironment(
  services: Iterable<Service>,
  namespace: string,
  hasLinks = true,
): Environment {
  const environment: Environment = new Map();
  for (const { metadata, spec } of services) {
    const isApi = metadata?.namespace === "default" && metadata.name === "kubernetes";
    const address = spec?.clusterIP;
    if (!address || address === "None" || !(isApi || hasLinks && metadata?.namespace === namespace)) continue;
    const name = (metadata?.name ?? "").toUpperCase().replaceAll(/[^A-Z0-9]/g, "_");
    const ports = spec?.ports ?? [];
    environment.set(`${name}_SERVICE_HOST`, address);
    if (ports[0] !== undefined) environment.set(`${name}_SERVICE_PORT`, String(ports[0].port));
    for (const port of ports) {
      const suffix = (port.name ?? "").toUpperCase().replaceAll(/[^A-Z0-9]/g, "_");
      if (suffix !== "") environment.set(`${name}_SERVICE_PORT_${suffix}`, String(port.port));
    }
  }
  return environment;
}

/**
 * A container's whole environment.
 *
 * @param base what is there before: the image's and the services' variables
 * @throws Missing when a reference that is not optional leads nowhere
 */
export function environmentOf(
  container: Container,
  facts: PodFacts,
  references: References,
  base: ReadonlyMap<string, string>,
): Environment {
  const environment: Environment = new Map(base);
  const namespace = facts.pod.metadata?.namespace ?? "default";
  for (const [name, value] of envFrom(container, namespace, references)) environment.set(name, value);
  for (const { name, value, valueFrom: source } of container.env ?? []) {
    const resolved = source === undefined
      ? expand(value ?? "", environment)
      : valueFrom(source, container, facts, references);
    if (resolved !== undefined) environment.set(name, resolved);
  }
  return environment;
}
