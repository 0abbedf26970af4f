/** `linkerd install`: prints the control plane's objects, or applies them with `--apply`. Source: cli.md §2.6. */
import {
  credentialValues,
  defaultValues,
  generateCredentials,
  mergeValues,
  renderCrds,
  renderInstall,
  toYaml,
} from "../../../manifests/render.ts";
import { applyObjects } from "../../kube/apply.ts";
import { parse } from "../../kube/yaml.ts";
import type { KubernetesObject } from "../../kube/resource.ts";
import { waitForWorkloads } from "../../local/workloads.ts";
import { MeshFailure } from "../../mesh/error.ts";
import { Progress } from "../../mesh/progress.ts";
import { formatJson } from "../../mesh/table.ts";
import type { PartialValues, Values } from "../../mesh/values.ts";
import { connect } from "../connect.ts";
import type { GlobalOptions } from "../global_options.ts";
import { mergeFile, setValue } from "./set_values.ts";

export interface InstallOptions {
  readonly crds: boolean;
  readonly apply: boolean;
  readonly output: string;
  readonly ha: boolean;
  readonly set: readonly string[];
  readonly setString: readonly string[];
  readonly setFile: readonly string[];
  readonly values: readonly string[];
  readonly identityTrustAnchorsFile?: string;
  readonly identityIssuerCertificateFile?: string;
  readonly identityIssuerKeyFile?: string;
  readonly identityTrustDomain?: string;
  readonly clusterDomain?: string;
  readonly controllerReplicas?: string;
  readonly controllerLogLevel?: string;
  readonly proxyLogLevel?: string;
  readonly defaultInboundPolicy?: string;
}

const READY_TIMEOUT_MS = 120_000;
/** What `--ha` changes (config.md §6). */
const HIGH_AVAILABILITY: PartialValues = {
  controllerReplicas: 3,
  enablePodAntiAffinity: true,
  enablePodDisruptionBudget: true,
  webhookFailurePolicy: "Fail",
};

function readFile(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    const detail = `${path} cannot be read: ${error instanceof Error ? error.message : error}`;
    throw new MeshFailure({ code: "file-unreadable", source: "usage", detail });
  }
}

/** The values that flags and files ask for, without generated credentials. @throws MeshFailure */
export function valuesOf(options: InstallOptions): Values {
  let values = options.ha ? mergeValues(defaultValues(), HIGH_AVAILABILITY) : defaultValues();
  for (const file of options.values) values = mergeFile(values, parse(readFile(file)) ?? {}, file);
  const flags: [string, string | undefined][] = [
    ["clusterDomain", options.clusterDomain],
    ["identityTrustDomain", options.identityTrustDomain ?? options.clusterDomain],
    ["controllerReplicas", options.controllerReplicas],
    ["controllerLogLevel", options.controllerLogLevel],
    ["proxy.logLevel", options.proxyLogLevel],
    ["proxy.defaultInboundPolicy", options.defaultInboundPolicy],
    [
      "identityTrustAnchorsPEM",
      options.identityTrustAnchorsFile && readFile(options.identityTrustAnchorsFile),
    ],
    [
      "identity.issuer.tls.crtPEM",
      options.identityIssuerCertificateFile && readFile(options.identityIssuerCertificateFile),
    ],
    ["identity.issuer.tls.keyPEM", options.identityIssuerKeyFile && readFile(options.identityIssuerKeyFile)],
  ];
  for (const [path, value] of flags) if (value !== undefined) values = setValue(values, `${path}=${value}`);
  for (const assignment of options.set) values = setValue(values, assignment);
  for (const assignment of options.setString) values = setValue(values, assignment, true);
  for (const assignment of options.setFile) {
    const [path = "", file = ""] = assignment.split("=");
    values = setValue(values, `${path}=${readFile(file)}`, true);
  }
  return values;
}

/** The objects to install. Credentials are generated when none are given; some of them alone are refused. */
export async function objectsOf(options: InstallOptions): Promise<KubernetesObject[]> {
  if (options.crds) return renderCrds();
  const values = valuesOf(options), { tls, scheme } = values.identity.issuer;
  const isBare = values.identityTrustAnchorsPEM === "" && tls.crtPEM === "" && tls.keyPEM === "";
  if (!isBare || scheme !== "linkerd.io/tls") return renderInstall(values);
  return renderInstall(mergeValues(values, credentialValues(await generateCredentials(values))));
}

export async function install(options: InstallOptions, global: GlobalOptions): Promise<void> {
  const objects = await objectsOf(options);
  if (!options.apply) {
    const text = options.output === "json"
      ? formatJson({ apiVersion: "v1", kind: "List", items: objects })
      : toYaml(objects);
    await Deno.stdout.write(new TextEncoder().encode(text));
    return;
  }
  const all = options.crds ? objects : [...renderCrds(), ...objects];
  const { client } = await connect(global), progress = new Progress();
  try {
    await progress.step("apply the control plane", (update) =>
      applyObjects(client, all, {
        fieldManager: "linkerd",
        onApplied: (_object, done, total) => update(`${done} of ${total} objects`),
      }));
    if (options.crds) return;
    await progress.step(
      "wait until it is ready",
      (update) =>
        waitForWorkloads(client, global.linkerdNamespace, {
          timeoutMs: READY_TIMEOUT_MS,
          onProgress: (ready, total) => update(`${ready} of ${total} ready`),
        }),
    );
  } finally {
    client.close();
  }
}
