/** The flags of `linkerd install` and `linkerd upgrade` (cli.md §2.6.1), and the values that they set. */
import type { Command } from "commander";
import { addAnnotationFlags, PROXY_FLAGS } from "../proxy_flags.ts";

/** A flag, the value it sets (`value` where the flag takes none), and what it is for. */
export interface ValueFlag {
  readonly flag: string;
  readonly path: string;
  readonly text: string;
  readonly value?: string;
  readonly isFile?: boolean;
}

/** Fixed once installed: the names of everything would change. */
export const INSTALL_ONLY_FLAGS: readonly ValueFlag[] = [
  { flag: "--cluster-domain <domain>", path: "clusterDomain", text: "the cluster's DNS domain" },
  {
    flag: "--identity-trust-domain <domain>",
    path: "identityTrustDomain",
    text: "the trust domain; the cluster's domain by default",
  },
  {
    flag: "--identity-external-issuer",
    path: "identity.issuer.scheme",
    value: "kubernetes.io/tls",
    text: "the issuer's Secret is another tool's (cert-manager)",
  },
  {
    flag: "--identity-external-ca",
    path: "identity.externalCA",
    value: "true",
    text: "the ConfigMap of trust anchors is another tool's (trust-manager)",
  },
];

export const VALUE_FLAGS: readonly ValueFlag[] = [
  {
    flag: "--linkerd-cni-enabled",
    path: "cniEnabled",
    value: "true",
    text: "a CNI plugin redirects traffic: no init container",
  },
  {
    flag: "--controller-log-level <level>",
    path: "controllerLogLevel",
    text: "log level of the control plane",
  },
  { flag: "--controller-replicas <count>", path: "controllerReplicas", text: "replicas of each component" },
  { flag: "--controller-uid <uid>", path: "controllerUID", text: "user the control plane runs as" },
  { flag: "--controller-gid <gid>", path: "controllerGID", text: "group the control plane runs as" },
  {
    flag: "--disable-h2-upgrade",
    path: "enableH2Upgrade",
    value: "false",
    text: "no HTTP/2 between proxies for HTTP/1 requests",
  },
  {
    flag: "--identity-issuance-lifetime <duration>",
    path: "identity.issuer.issuanceLifetime",
    text: "how long a workload's certificate counts",
  },
  {
    flag: "--identity-clock-skew-allowance <duration>",
    path: "identity.issuer.clockSkewAllowance",
    text: "how far clocks may differ",
  },
  {
    flag: "--identity-trust-anchors-file <file>",
    path: "identityTrustAnchorsPEM",
    text: "PEM of the trust anchors",
    isFile: true,
  },
  {
    flag: "--identity-issuer-certificate-file <file>",
    path: "identity.issuer.tls.crtPEM",
    text: "PEM of the issuer's certificate",
    isFile: true,
  },
  {
    flag: "--identity-issuer-key-file <file>",
    path: "identity.issuer.tls.keyPEM",
    text: "PEM of the issuer's key",
    isFile: true,
  },
];

export function addInstallFlags(command: Command, isUpgrade = false): Command {
  const flags = isUpgrade ? VALUE_FLAGS : [...INSTALL_ONLY_FLAGS, ...VALUE_FLAGS];
  for (const { flag, text } of flags) command.option(flag, text);
  command
    .option("--ha", "replicas, anti-affinity, disruption budgets, a webhook that fails closed", false)
    .option("--registry <registry>", "registry of all images; LINKERD_DOCKER_REGISTRY by default")
    .option("--enable-endpoint-slices [boolean]", "follow EndpointSlices", "true")
    .option("--disable-heartbeat", "accepted for compatibility: there is no heartbeat", false);
  addAnnotationFlags(command, PROXY_FLAGS);
  return command;
}
