/** Annotations the mesh reads and writes, by Linkerd's names. */

export const INJECT_ANNOTATION = "linkerd.io/inject";
export const CREATED_BY_ANNOTATION = "linkerd.io/created-by";
export const PROXY_VERSION_ANNOTATION = "linkerd.io/proxy-version";
/** SHA-256 of the trust anchors a proxy was given: `linkerd check` compares it. */
export const TRUST_ROOT_ANNOTATION = "linkerd.io/trust-root-sha256";
export const ISSUER_EXPIRY_ANNOTATION = "linkerd.io/identity-issuer-expiry";

/** `true` on a pod or its namespace: nobody may watch its requests one by one. */
export const TAP_DISABLED_ANNOTATION = "viz.linkerd.io/disable-tap";
/** `true` on a pod whose proxy was told who may tap. */
export const TAP_ENABLED_ANNOTATION = "viz.linkerd.io/tap-enabled";

/** Whether the annotations of a pod or of its namespace forbid taps. */
export function forbidsTap(annotations: Readonly<Record<string, string>> | undefined): boolean {
  return annotations?.[TAP_DISABLED_ANNOTATION] === "true";
}

/** On a pod: an attribute of what tells of it in traces, by the part after this. */
export const RESOURCE_ATTRIBUTE_PREFIX = "resource.opentelemetry.io/";

const CONFIG_PREFIX = "config.linkerd.io/";

/**
 * The settings a pod, or its namespace for all its pods, may override: the part after `config.linkerd.io/`.
 * `scope` says where each counts: pod template (P), namespace (N), Service (S).
 */
export const CONFIG_ANNOTATIONS = {
  "proxy-image": "NP",
  "proxy-version": "NP",
  "image-pull-policy": "NP",
  "debug-image": "P",
  "debug-image-version": "P",
  "debug-image-pull-policy": "P",
  "enable-debug-sidecar": "P",
  "control-port": "NP",
  "inbound-port": "NP",
  "outbound-port": "NP",
  "admin-port": "NP",
  "pod-inbound-ports": "P",
  "skip-inbound-ports": "NP",
  "skip-outbound-ports": "NP",
  "skip-subnets": "NP",
  "opaque-ports": "NPS",
  "proxy-cpu-request": "NP",
  "proxy-cpu-limit": "NP",
  "proxy-memory-request": "NP",
  "proxy-memory-limit": "NP",
  "proxy-ephemeral-storage-request": "NP",
  "proxy-ephemeral-storage-limit": "NP",
  "proxy-cpu-ratio-limit": "NP",
  "proxy-uid": "NP",
  "proxy-gid": "NP",
  "proxy-log-level": "NP",
  "proxy-log-format": "NP",
  "proxy-log-http-headers": "NP",
  "proxy-admin-shutdown": "NP",
  "enable-external-profiles": "NP",
  "proxy-require-identity-inbound-ports": "NP",
  "proxy-metrics-hostname-labels": "NP",
  "proxy-outbound-connect-timeout": "NP",
  "proxy-inbound-connect-timeout": "NP",
  "proxy-outbound-discovery-cache-unused-timeout": "NP",
  "proxy-inbound-discovery-cache-unused-timeout": "NP",
  "proxy-disable-outbound-protocol-detect-timeout": "NP",
  "proxy-disable-inbound-protocol-detect-timeout": "NP",
  "enable-gateway": "P",
  "close-wait-timeout": "NP",
  "proxy-enable-native-sidecar": "NP",
  "proxy-await": "NP",
  "default-inbound-policy": "NP",
  "access-log": "NP",
  "shutdown-grace-period": "NP",
  "proxy-additional-env": "NP",
} as const;
export type ConfigName = keyof typeof CONFIG_ANNOTATIONS;

/** Older spellings that still count, the first that is set winning. */
export const NATIVE_SIDECAR_ANNOTATIONS = [
  "config.linkerd.io/proxy-enable-native-sidecar",
  "config.beta.linkerd.io/proxy-enable-native-sidecar",
  "config.alpha.linkerd.io/proxy-enable-native-sidecar",
] as const;
export const WAIT_BEFORE_EXIT_ANNOTATION = "config.alpha.linkerd.io/proxy-wait-before-exit-seconds";

/** `opaque-ports` → `config.linkerd.io/opaque-ports`. */
export function configAnnotation(name: ConfigName): string {
  return CONFIG_PREFIX + name;
}

/** Whether an annotation is one of the mesh's settings, whatever its stability prefix. */
export function isConfigAnnotation(annotation: string): boolean {
  return /^config(\.alpha|\.beta)?\.linkerd\.io\//.test(annotation);
}
