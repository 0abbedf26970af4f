/**
 * Rules of a pod's spec: those a person writing YAML runs into.
 *
 * Source: k8s.io/kubernetes/pkg/apis/core/validation.
 */
import type { Container, PodSpec, Probe } from "../../../kube/kinds.ts";
import type { FieldErrors } from "../errors.ts";
import { nameProblem } from "../schema/formats.ts";

const RESTART_POLICIES = ["Always", "OnFailure", "Never"];
const DNS_POLICIES = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"];
const PULL_POLICIES = ["Always", "IfNotPresent", "Never"];
const PROTOCOLS = ["SCTP", "TCP", "UDP"];

export function validatePodSpec(spec: PodSpec, path: string, errors: FieldErrors): void {
  const volumes = new Set<string>();
  for (const [index, volume] of (spec.volumes ?? []).entries()) {
    const at = `${path}.volumes[${index}]`;
    if (volumes.has(volume.name)) errors.duplicate(`${at}.name`, volume.name);
    volumes.add(volume.name);
    const sources = Object.keys(volume).filter((key) => key !== "name");
    if (sources.length > 1) {
      errors.forbidden(`${at}.${sources[1]}`, "may not specify more than 1 volume type");
    }
    checkLabel(volume.name, `${at}.name`, errors);
  }
  if ((spec.containers ?? []).length === 0) errors.required(`${path}.containers`);
  const names = new Set<string>();
  for (const list of ["initContainers", "containers"] as const) {
    for (const [index, container] of (spec[list] ?? []).entries()) {
      const at = `${path}.${list}[${index}]`;
      if (names.has(container.name)) errors.duplicate(`${at}.name`, container.name);
      names.add(container.name);
      validateContainer(container, at, volumes, errors, list === "initContainers");
    }
  }
  oneOf(spec.restartPolicy, RESTART_POLICIES, `${path}.restartPolicy`, errors);
  oneOf(spec.dnsPolicy, DNS_POLICIES, `${path}.dnsPolicy`, errors);
  const grace = spec.terminationGracePeriodSeconds;
  if (grace !== undefined && grace < 0) {
    errors.invalid(`${path}.terminationGracePeriodSeconds`, grace, "must be greater than or equal to 0");
  }
  if (spec.hostname) checkLabel(spec.hostname, `${path}.hostname`, errors);
  if (spec.subdomain) checkLabel(spec.subdomain, `${path}.subdomain`, errors);
}

function oneOf(value: string | undefined, allowed: string[], path: string, errors: FieldErrors): void {
  if (value !== undefined && !allowed.includes(value)) errors.unsupported(path, value, allowed);
}

function checkLabel(value: string, path: string, errors: FieldErrors): void {
  const problem = nameProblem(value, "label");
  if (problem !== undefined) errors.invalid(path, value, problem);
}

function validateContainer(
  container: Container,
  path: string,
  volumes: ReadonlySet<string>,
  errors: FieldErrors,
  isInit: boolean,
): void {
  if (container.name === "") errors.required(`${path}.name`);
  else checkLabel(container.name, `${path}.name`, errors);
  if (container.image === undefined || container.image === "") errors.required(`${path}.image`);
  oneOf(container.imagePullPolicy, PULL_POLICIES, `${path}.imagePullPolicy`, errors);
  const policy = container.restartPolicy;
  if (policy !== undefined && isInit && policy !== "Always") {
    errors.unsupported(`${path}.restartPolicy`, policy, ["Always"]);
  }
  const isSidecar = isInit && policy === "Always";
  const portNames = new Set<string>();
  for (const [index, port] of (container.ports ?? []).entries()) {
    const at = `${path}.ports[${index}]`;
    if (port.name !== undefined) {
      if (portNames.has(port.name)) errors.duplicate(`${at}.name`, port.name);
      portNames.add(port.name);
      const problem = portNameProblem(port.name);
      if (problem !== undefined) errors.invalid(`${at}.name`, port.name, problem);
    }
    checkPort(port.containerPort, `${at}.containerPort`, errors);
    oneOf(port.protocol, PROTOCOLS, `${at}.protocol`, errors);
  }
  const mounts = new Set<string>();
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const at = `${path}.volumeMounts[${index}]`;
    if (!volumes.has(mount.name)) {
      errors.errors.push({
        reason: "FieldValueInvalid",
        field: `${at}.name`,
        message: `Not found: ${JSON.stringify(mount.name)}`,
      });
    }
    if (mount.mountPath === "") errors.required(`${at}.mountPath`);
    if (mounts.has(mount.mountPath)) errors.invalid(`${at}.mountPath`, mount.mountPath, "must be unique");
    mounts.add(mount.mountPath);
  }
  for (const [index, variable] of (container.env ?? []).entries()) {
    const at = `${path}.env[${index}]`;
    if (variable.name === "") errors.required(`${at}.name`);
    if (variable.value !== undefined && variable.value !== "" && variable.valueFrom !== undefined) {
      errors.invalid(`${at}.valueFrom`, "", "may not be specified when `value` is not empty");
    }
  }
  for (const name of ["livenessProbe", "readinessProbe", "startupProbe"] as const) {
    const probe = container[name];
    if (probe === undefined) continue;
    if (isInit && !isSidecar) {
      errors.forbidden(
        `${path}.${name}`,
        "may not be set for init containers without restartPolicy=Always",
      );
    } else validateProbe(probe, `${path}.${name}`, errors);
  }
}

/** @returns what is wrong with a named port, or undefined */
export function portNameProblem(name: string): string | undefined {
  if (name.length > 15) return "must be no more than 15 characters";
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name) || name.includes("--")) {
    return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-), not two in a row or at an end";
  }
  return /[a-z]/.test(name) ? undefined : "must contain at least one letter (a-z)";
}

export function checkPort(port: number, path: string, errors: FieldErrors): void {
  if (port < 1 || port > 65535) errors.invalid(path, port, "must be between 1 and 65535, inclusive");
}

function validateProbe(probe: Probe, path: string, errors: FieldErrors): void {
  const handlers = (["exec", "httpGet", "tcpSocket", "grpc"] as const)
    .filter((key) => probe[key] !== undefined);
  if (handlers.length === 0) errors.required(path, "must specify a handler type");
  if (handlers.length > 1) {
    errors.forbidden(`${path}.${handlers[1]}`, "may not specify more than 1 handler type");
  }
  for (const action of ["httpGet", "tcpSocket"] as const) {
    const port = probe[action]?.port;
    if (typeof port === "number") checkPort(port, `${path}.${action}.port`, errors);
    if (typeof port === "string") {
      const problem = portNameProblem(port);
      if (problem !== undefined) errors.invalid(`${path}.${action}.port`, port, problem);
    }
  }
  for (const field of ["initialDelaySeconds", "timeoutSeconds", "periodSeconds"] as const) {
    const value = probe[field];
    if (value !== undefined && value < 0) {
      errors.invalid(`${path}.${field}`, value, "must be greater than or equal to 0");
    }
  }
}
