/** Codes of the statistics API (metrics-api), which `stat` and `edges` pass on, and of what stands before it. */
import { explanations } from "./explanation.ts";

export const STATISTICS_CODES = explanations("statistics", {
  "connection": [
    "The dashboard lost its connection to the statistics API.",
    "see whether metrics-api is ready: kubectl -n linkerd get pods",
  ],
  "gone": [
    "What the page showed is no longer in the cluster.",
    "go back to the overview",
  ],
  "direction-invalid": [
    "A series is counted inbound or outbound.",
    "say direction=inbound or direction=outbound",
  ],
  "interval-invalid": [
    "The interval of a stream is too short or not a duration.",
    "say 250ms or more: 1s, 10s",
  ],
  "kind-not-found": [
    "There are no figures for this kind of resource.",
    "see the kinds with linkerd stat --help",
  ],
  "kind-unsuitable": [
    "Routes are told by the workload whose proxy used them.",
    "ask for a workload, a pod or a namespace: linkerd stat-outbound deploy/web",
  ],
  "kind-unknown": [
    "This is no kind of resource that figures are kept for.",
    "use one of namespace, deployment, statefulset, daemonset, replicaset, job, cronjob, pod, service, authority",
  ],
  "metrics-api-answer-unreadable": [
    "The statistics API answered something that is not its format: it may be another version.",
    "compare versions with linkerd version",
  ],
  "namespace-not-found": ["No namespace of this name has pods that run.", "see them with linkerd stat ns"],
  "no-control-plane": [
    "The control plane's statistics cannot be reached.",
    "run linkerd check",
  ],
  "parameter-missing": [
    "A parameter that this query needs is missing.",
    "see the API's description at /openapi.json",
  ],
  "parameter-unknown": ["The API has no such parameter.", "see the API's description at /openapi.json"],
  "path-unknown": ["The API has no such path.", "see the API's description at /openapi.json"],
  "selector-invalid": [
    "This is not a label selector.",
    "write it like app=web,tier!=test or 'app in (web, api)'",
  ],
  "service-not-found": [
    "The cluster has no such Service: the statistics component is not installed, or in another namespace.",
    "name the control plane's namespace with -L, or install with metricsApi.enabled=true",
  ],
  "service-unreachable": [
    "The Service is there, but no pod behind it answered the API server.",
    "see why its pods are not ready: linkerd check",
  ],
  "step-invalid": ["The step of a series is not a duration, or makes too many points.", "leave it out"],
  "flag-of-workloads": [
    "A flag that tells workloads apart was given for a policy.",
    "ask for the workloads with it, or for the policy without",
  ],
  "to-no-service": [
    "Routes of ServiceProfiles belong to Services, and --to names something else.",
    "--to svc/NAME",
  ],
  "to-and-from": ["Traffic to one resource and from another cannot be asked for at once.", "leave one out"],
  "window-invalid": ["This is not a time window.", "write it like 30s, 5m or 1h"],
  "window-out-of-range": [
    "Figures are kept for six hours (metricsApi.retention), and below ten seconds they say nothing.",
    "ask for a window from 10s to 6h",
  ],
  "workload-not-found": [
    "No workload of this name runs in the namespace.",
    "see them with linkerd stat deploy -A",
  ],
});
