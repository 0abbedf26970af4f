/** Values of Linkerd's charts that mean nothing here: taken with a word, so that a Linkerd user's files work. */

/** Prefixes of paths. */
const FOREIGN = [
  "cliVersion",
  "commonLabels",
  "configReaders",
  "controlPlaneTracing",
  "controller",
  "deploymentStrategy",
  "destinationController",
  "destinationResources",
  "disableHeartBeat",
  "enablePSP",
  "heartbeat",
  "heartbeatResources",
  "heartbeatSchedule",
  "identityProxyResources",
  "identityResources",
  "imagePullSecrets",
  "installGatewayAPI",
  "kubeAPI",
  "nodeAffinity",
  "nodeSelector",
  "podAnnotations",
  "podLabels",
  "podMonitor",
  "policyController",
  "policyValidator",
  "priorityClassName",
  "profileValidator",
  "prometheusUrl",
  "proxy.cores",
  "proxy.runtime.workers.maximum",
  "proxy.saMountPath",
  "proxyInit.image",
  "proxyInit.resources",
  "proxyInit.xtMountPath",
  "proxyInjector",
  "proxyInjectorResources",
  "revisionHistoryLimit",
  "runtimeClassName",
  "spValidator",
  "spValidatorResources",
  "tolerations",
  "webhook",
];

/** Whether a path that this installation does not have is one of Linkerd's. */
export function isForeignValue(path: string): boolean {
  return FOREIGN.some((prefix) => path === prefix || path.startsWith(`${prefix}.`));
}
