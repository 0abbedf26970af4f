/**
 * Services: each gets its cluster address as it is created.
 *
 * Source: k8s.io/kubernetes/pkg/registry/core/service; IPv4 alone.
 */
import { KubeError } from "../../../kube/client.ts";
import type { Service } from "../../../kube/kinds.ts";
import type { FieldErrors } from "../errors.ts";
import { isIpv4 } from "../schema/formats.ts";
import { checkPort, portNameProblem } from "./pod_validation.ts";
import type { Strategy, StrategyContext } from "./strategy.ts";

type ServiceSpec = NonNullable<Service["spec"]>;

function hasAddress(spec: ServiceSpec): boolean {
  return spec.type !== "ExternalName" && spec.clusterIP !== "None";
}

function hasNodePorts(spec: ServiceSpec): boolean {
  return spec.type === "NodePort" ||
    (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);
}

function refuse(name: string | undefined, field: string, value: unknown, why: string): KubeError {
  return new KubeError(
    422,
    "Invalid",
    `Service "${name}" is invalid: ${field}: Invalid value: ${JSON.stringify(value)}: ${why}`,
    { name, kind: "Service", causes: [{ reason: "FieldValueInvalid", message: why, field }] },
  );
}

function allocate(service: Service, context: StrategyContext): void {
  const spec = service.spec!;
  if (hasAddress(spec)) {
    const address = context.addresses.allocate(spec.clusterIP === "" ? undefined : spec.clusterIP);
    if (address === undefined) {
      throw spec.clusterIP
        ? refuse(
          service.metadata?.name,
          "spec.clusterIPs",
          [spec.clusterIP],
          `failed to allocate IP ${spec.clusterIP}: provided IP is not in the valid range or is already allocated`,
        )
        : new KubeError(500, "InternalError", "failed to allocate a serviceIP: range is full");
    }
    spec.clusterIP = address;
  }
  if (spec.type === "ExternalName") return;
  spec.clusterIPs = [spec.clusterIP!];
  spec.ipFamilies ??= ["IPv4"];
  spec.ipFamilyPolicy ??= "SingleStack";
  allocateNodePorts(service, context);
}

function allocateNodePorts(service: Service, context: StrategyContext): void {
  const spec = service.spec!;
  if (!hasNodePorts(spec)) return;
  for (const [index, port] of (spec.ports ?? []).entries()) {
    const wanted = port.nodePort || undefined;
    const given = context.addresses.allocatePort(wanted);
    if (given === undefined) {
      const field = `spec.ports[${index}].nodePort`;
      throw refuse(
        service.metadata?.name,
        field,
        wanted,
        "provided port is not in the valid range or is already allocated",
      );
    }
    port.nodePort = given;
  }
}

function release(service: Service, context: StrategyContext): void {
  const spec = service.spec;
  if (spec?.clusterIP !== undefined && isIpv4(spec.clusterIP)) context.addresses.release(spec.clusterIP);
  for (const port of spec?.ports ?? []) {
    if (port.nodePort) context.addresses.releasePort(port.nodePort);
  }
}

function validatePorts(spec: ServiceSpec, errors: FieldErrors): void {
  const ports = spec.ports ?? [];
  if (ports.length === 0 && hasAddress(spec)) errors.required("spec.ports");
  const names = new Set<string>();
  const numbers = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const at = `spec.ports[${index}]`;
    if (!port.name && ports.length > 1) errors.required(`${at}.name`);
    if (port.name) {
      if (names.has(port.name)) errors.duplicate(`${at}.name`, port.name);
      names.add(port.name);
    }
    checkPort(port.port, `${at}.port`, errors);
    const number = `${port.port}/${port.protocol}`;
    if (numbers.has(number)) errors.duplicate(at, { port: port.port, protocol: port.protocol });
    numbers.add(number);
    const { targetPort } = port;
    if (typeof targetPort === "number") checkPort(targetPort, `${at}.targetPort`, errors);
    if (typeof targetPort === "string") {
      const problem = portNameProblem(targetPort);
      if (problem !== undefined) errors.invalid(`${at}.targetPort`, targetPort, problem);
    }
    if (!["TCP", "UDP", "SCTP"].includes(port.protocol ?? "TCP")) {
      errors.unsupported(`${at}.protocol`, port.protocol, ["SCTP", "TCP", "UDP"]);
    }
  }
}

export const serviceStrategy: Strategy = {
  setDefaults(object) {
    const service = object as unknown as Service;
    service.spec ??= {};
    const { spec } = service;
    spec.type ??= "ClusterIP";
    spec.sessionAffinity ??= "None";
    if (spec.sessionAffinity === "ClientIP") {
      spec.sessionAffinityConfig ??= { clientIP: { timeoutSeconds: 10800 } };
    }
    if (spec.type !== "ExternalName") spec.internalTrafficPolicy ??= "Cluster";
    if (spec.type === "NodePort" || spec.type === "LoadBalancer") spec.externalTrafficPolicy ??= "Cluster";
    if (spec.type === "LoadBalancer") spec.allocateLoadBalancerNodePorts ??= true;
    for (const port of spec.ports ?? []) {
      port.protocol ??= "TCP";
      port.targetPort ??= port.port;
    }
  },

  prepareForCreate(object, context) {
    const service = object as unknown as Service;
    object["status"] = { loadBalancer: {} };
    allocate(service, context);
  },

  prepareForUpdate(object, old, context) {
    const service = object as unknown as Service;
    const before = old as unknown as Service;
    const spec = service.spec!;
    const previous = before.spec!;
    if (spec.type === "ExternalName") return;
    // A client that sends what it once applied does not know the address the Service was given.
    if (!spec.clusterIP && previous.clusterIP) {
      spec.clusterIP = previous.clusterIP;
      if (previous.clusterIPs) spec.clusterIPs ??= previous.clusterIPs;
    }
    if (previous.type === "ExternalName") return allocate(service, context);
    if (previous.clusterIP && spec.clusterIP !== previous.clusterIP) {
      throw refuse(service.metadata?.name, "spec.clusterIPs[0]", [spec.clusterIP], "field is immutable");
    }
    if (previous.ipFamilies) spec.ipFamilies ??= previous.ipFamilies;
    if (previous.ipFamilyPolicy) spec.ipFamilyPolicy ??= previous.ipFamilyPolicy;
    spec.clusterIPs ??= [spec.clusterIP!];
    for (const port of spec.ports ?? []) {
      const same = previous.ports?.find((each) => each.port === port.port && each.protocol === port.protocol);
      if (same?.nodePort !== undefined && hasNodePorts(spec)) port.nodePort ??= same.nodePort;
    }
    const kept = new Set(previous.ports?.map(({ nodePort }) => nodePort));
    const added = { ...service, spec: { ...spec, ports: [] as NonNullable<ServiceSpec["ports"]> } };
    added.spec.ports = (spec.ports ?? []).filter(({ nodePort }) =>
      nodePort === undefined || !kept.has(nodePort)
    );
    allocateNodePorts(added, context);
  },

  validate(object, errors) {
    const { spec } = object as unknown as Service;
    if (spec === undefined) return;
    const types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    if (!types.includes(spec.type!)) errors.unsupported("spec.type", spec.type, types);
    if (spec.type === "ExternalName") {
      if (!spec.externalName) errors.required("spec.externalName");
      return;
    }
    validatePorts(spec, errors);
    if (!["None", "ClientIP"].includes(spec.sessionAffinity!)) {
      errors.unsupported("spec.sessionAffinity", spec.sessionAffinity, ["ClientIP", "None"]);
    }
  },

  release(object, context) {
    release(object as unknown as Service, context);
  },
};
