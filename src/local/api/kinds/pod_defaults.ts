/**
 * Defaults of a pod's spec, also where it is the template of a Deployment or Job.
 *
 * Source: k8s.io/kubernetes/pkg/apis/core/v1/defaults.go.
 */
import type { Container, PodSpec, Probe, Volume } from "../../../kube/kinds.ts";

export function setPodSpecDefaults(spec: PodSpec): void {
  spec.restartPolicy ??= "Always";
  spec.terminationGracePeriodSeconds ??= 30;
  spec.dnsPolicy ??= "ClusterFirst";
  spec.securityContext ??= {};
  spec.schedulerName ??= "default-scheduler";
  if (spec.serviceAccount !== undefined) spec.serviceAccountName ??= spec.serviceAccount;
  if (spec.serviceAccountName !== undefined && spec.serviceAccountName !== "") {
    spec.serviceAccount = spec.serviceAccountName;
  }
  for (const container of spec.initContainers ?? []) setContainerDefaults(container, spec);
  for (const container of spec.containers ?? []) setContainerDefaults(container, spec);
  for (const volume of spec.volumes ?? []) setVolumeDefaults(volume);
}

function setContainerDefaults(container: Container, spec: PodSpec): void {
  container.terminationMessagePath ??= "/dev/termination-log";
  container.terminationMessagePolicy ??= "File";
  container.imagePullPolicy ??= isFloating(container.image ?? "") ? "Always" : "IfNotPresent";
  container.resources ??= {};
  const { requests, limits } = container.resources;
  if (limits !== undefined) {
    // What is limited and not asked for is asked for in full.
    container.resources.requests = { ...limits, ...requests };
  }
  for (const port of container.ports ?? []) {
    port.protocol ??= "TCP";
    if (spec.hostNetwork === true) port.hostPort ??= port.containerPort;
  }
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (probe !== undefined) setProbeDefaults(probe);
  }
  for (const hook of [container.lifecycle?.postStart, container.lifecycle?.preStop]) {
    if (hook?.httpGet !== undefined) setHttpGetDefaults(hook.httpGet);
  }
  for (const variable of container.env ?? []) {
    if (variable.valueFrom?.fieldRef !== undefined) variable.valueFrom.fieldRef.apiVersion ??= "v1";
  }
}

function isFloating(image: string): boolean {
  if (image.includes("@")) return false;
  const name = image.slice(image.lastIndexOf("/") + 1);
  const colon = name.indexOf(":");
  return colon === -1 || name.slice(colon + 1) === "latest";
}

function setHttpGetDefaults(action: { path?: string; scheme?: string }): void {
  action.path ??= "/";
  action.scheme ??= "HTTP";
}

function setProbeDefaults(probe: Probe): void {
  probe.timeoutSeconds ??= 1;
  probe.periodSeconds ??= 10;
  probe.successThreshold ??= 1;
  probe.failureThreshold ??= 3;
  if (probe.httpGet !== undefined) setHttpGetDefaults(probe.httpGet);
  if (probe.grpc !== undefined) probe.grpc.service ??= "";
}

const MODE = 0o644;

function setVolumeDefaults(volume: Volume): void {
  const { name: _, ...source } = volume;
  if (Object.keys(source).length === 0) volume.emptyDir = {};
  if (volume.configMap !== undefined) volume.configMap.defaultMode ??= MODE;
  if (volume.secret !== undefined) volume.secret.defaultMode ??= MODE;
  if (volume.downwardAPI !== undefined) {
    volume.downwardAPI.defaultMode ??= MODE;
    for (const item of volume.downwardAPI.items ?? []) {
      if (item.fieldRef !== undefined) item.fieldRef.apiVersion ??= "v1";
    }
  }
  if (volume.hostPath !== undefined) volume.hostPath.type ??= "";
  if (volume.projected === undefined) return;
  volume.projected.defaultMode ??= MODE;
  for (const source of volume.projected.sources ?? []) {
    if (source.serviceAccountToken !== undefined) source.serviceAccountToken.expirationSeconds ??= 3600;
    for (const item of source.downwardAPI?.items ?? []) {
      if (item.fieldRef !== undefined) item.fieldRef.apiVersion ??= "v1";
    }
  }
}
