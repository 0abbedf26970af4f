/** What was done to each object, for standard error, in Linkerd's words. */
import type { SkipReason } from "../../control/injector/decide.ts";
import type { Manifest } from "./documents.ts";
import type { Named } from "./workload.ts";

/** What is worth a warning about an object. */
export type Concern = SkipReason | "udp" | "needs_manual";

export interface Report {
  readonly kind: string;
  readonly name: string;
  readonly outcome: "injected" | "annotated" | "skipped" | "uninjected";
  readonly concern?: Concern;
  /** Settings of the object that are passed over. */
  readonly warnings: readonly string[];
}

export function nameOf(manifest: Manifest): { kind: string; name: string } {
  const { kind, metadata } = manifest as Named;
  return { kind: (kind ?? "").toLowerCase(), name: metadata?.name ?? metadata?.generateName ?? "" };
}

/** A warning about the objects that raise a concern, and the line that `--verbose` shows when none does. */
const CONCERNS: readonly (readonly [Concern[], (names: string) => string, string])[] = [
  [
    ["host_network_enabled"],
    (names) => `"hostNetwork: true" detected in ${names}`,
    "pods do not use host networking",
  ],
  [
    ["sidecar_already_exists"],
    (names) => `known 3rd party sidecar detected in ${names}`,
    "pods do not have a 3rd party proxy or initContainer already injected",
  ],
  [
    ["injection_disable_annotation_present"],
    (names) => `"linkerd.io/inject: disabled" annotation set on ${names}`,
    "pods are not annotated to disable injection",
  ],
  [
    ["annotation_at_workload_invalid"],
    (names) => `"linkerd.io/inject" is neither enabled, ingress nor disabled on ${names}`,
    "annotations about injection are valid",
  ],
  [
    ["needs_manual"],
    (names) => `parts of the control plane need --manual: ${names}`,
    "no parts of the control plane are injected",
  ],
  [
    ["udp"],
    (names) => `${names} ${names.includes(", ") ? "use" : "uses"} "protocol: UDP", which is not proxied`,
    "pod specs do not include UDP ports",
  ],
  [
    ["disabled_automount_service_account_token_account"],
    (names) => `"automountServiceAccountToken: false" detected in ${names}`,
    'pods do not have automountServiceAccountToken set to "false" or service account token projection is enabled',
  ],
];

/** Warnings first, then a line for each object. */
export function formatReports(reports: readonly Report[], isVerbose = false): string {
  const warnings: string[] = [];
  for (const [concerns, warn, passed] of CONCERNS) {
    const names = reports.filter(({ concern }) => concern !== undefined && concerns.includes(concern))
      .map(({ kind, name }) => `${kind}/${name}`);
    if (names.length > 0) warnings.push(`‼ ${warn(names.join(", "))}\n`);
    else if (isVerbose) warnings.push(`√ ${passed}\n`);
  }
  for (const { kind, name, warnings: own } of reports) {
    for (const warning of own) warnings.push(`‼ ${kind}/${name}: ${warning}\n`);
  }
  if (reports.every(({ outcome }) => outcome === "skipped")) warnings.push("‼ no supported objects found\n");
  else if (isVerbose) warnings.push("√ at least one resource can be injected or annotated\n");
  const lines = reports.map(({ kind, name, outcome }) =>
    kind === "" ? 'document missing "kind" field, skipped\n' : `${kind} "${name}" ${outcome}\n`
  );
  return [...warnings, ...(warnings.length > 0 ? ["\n"] : []), ...lines].join("");
}

/** Uninjection has nothing to warn of. */
export function formatOutcomes(reports: readonly Report[]): string {
  return reports.map(({ kind, name, outcome }) =>
    kind === "" ? 'document missing "kind" field, skipped\n' : `${kind} "${name}" ${outcome}\n`
  ).join("");
}
