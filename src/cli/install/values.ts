/** From flags and files to an installation's values. Later wins: defaults, --ha, flags, --values, --set. */
import { loadIssuer } from "../../control/identity/trust.ts";
import { parse } from "../../kube/yaml.ts";
import { parseGoDuration } from "../../mesh/duration.ts";
import { mergeValues, type PartialValues, type Values } from "../../mesh/values.ts";
import type { Environment } from "../environment.ts";
import { usageFailure } from "../failure.ts";
import { nearest } from "../nearest.ts";
import { optionName, PROXY_FLAGS } from "../proxy_flags.ts";
import { withProxyFlags } from "../proxy_settings.ts";
import { INSTALL_ONLY_FLAGS, VALUE_FLAGS } from "./flags.ts";
import { mergeFile, setValue, setValues } from "./set_values.ts";

/** The options of `linkerd install` and `linkerd upgrade` that become values; the flags' own are looked up by name. */
export interface ValueOptions extends Readonly<Record<string, unknown>> {
  readonly ha: boolean;
  readonly set: readonly string[];
  readonly setString: readonly string[];
  readonly setFile: readonly string[];
  readonly values: readonly string[];
  readonly registry?: string;
  readonly enableEndpointSlices: string | boolean;
}

/** What `--ha` changes (config.md §6). */
const controller = { cpu: { request: "100m", limit: "" }, memory: { request: "50Mi", limit: "250Mi" } };
export const HIGH_AVAILABILITY: PartialValues = {
  highAvailability: true,
  controllerReplicas: 3,
  enablePodAntiAffinity: true,
  enablePodDisruptionBudget: true,
  webhookFailurePolicy: "Fail",
  controllerResources: controller,
  proxy: {
    resources: { cpu: { request: "100m", limit: "" }, memory: { request: "20Mi", limit: "250Mi" } },
  },
};

function readFile(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw usageFailure(
      "file-unreadable",
      `${path} cannot be read: ${error instanceof Error ? error.message : error}`,
    );
  }
}

/** A file of values. @throws MeshFailure */
export function parseFile(path: string): unknown {
  const text = readFile(path);
  try {
    return parse(text) ?? {};
  } catch (error) {
    const message = (error as Error).message.split("\n")[0]!.replace(/:$/, "");
    throw usageFailure("values-invalid", `${path}: ${message}`, "mend the file and run the command again");
  }
}

/** `cr.io/team/proxy` with another registry: the last part of the name stays. */
export function imageAt(registry: string, image: string): string {
  return `${registry.replace(/\/+$/, "")}/${image.slice(image.lastIndexOf("/") + 1)}`;
}

function withRegistry(values: Values, registry: string | undefined): Values {
  if (registry === undefined || registry === "") return values;
  return mergeValues(values, {
    controllerImage: imageAt(registry, values.controllerImage),
    proxy: { image: { name: imageAt(registry, values.proxy.image.name) } },
    debugContainer: { image: { name: imageAt(registry, values.debugContainer.image.name) } },
  });
}

/** The values that flags and files ask for over `base`. Credentials are neither checked nor made. @throws MeshFailure */
export function valuesOf(base: Values, options: ValueOptions, environment: Environment): Values {
  const warn = (text: string) => environment.tell(`‼ ${text}\n`);
  let values = options.ha ? mergeValues(base, HIGH_AVAILABILITY) : base;
  values = withRegistry(values, options.registry ?? environment.variable("LINKERD_DOCKER_REGISTRY"));
  for (const { flag, path, value, isFile } of [...INSTALL_ONLY_FLAGS, ...VALUE_FLAGS]) {
    const given = options[optionName(flag)];
    if (given === undefined || given === false) continue;
    const text = value ?? (isFile ? readFile(String(given)) : String(given));
    values = setValue(values, `${path}=${text}`);
  }
  if (options["clusterDomain"] !== undefined && options["identityTrustDomain"] === undefined) {
    values = { ...values, identityTrustDomain: values.clusterDomain };
  }
  if (String(options.enableEndpointSlices) === "false") values = { ...values, enableEndpointSlices: false };
  values = withProxyFlags(values, PROXY_FLAGS, options);
  for (const file of options.values) values = mergeFile(values, parseFile(file), file, warn);
  for (const argument of options.set) values = setValues(values, argument, false, warn);
  for (const argument of options.setString) values = setValues(values, argument, true, warn);
  for (const argument of options.setFile) {
    const equals = argument.indexOf("=");
    values = setValue(
      values,
      equals < 1 ? argument : `${argument.slice(0, equals)}=${readFile(argument.slice(equals + 1))}`,
      true,
      warn,
    );
  }
  validate(values);
  return values;
}

const CHOICES: readonly (readonly [string, (values: Values) => string, readonly string[]])[] = [
  ["webhookFailurePolicy", (values) => values.webhookFailurePolicy, ["Ignore", "Fail"]],
  ["imagePullPolicy", (values) => values.imagePullPolicy, ["Always", "IfNotPresent", "Never"]],
  ["controllerLogLevel", (values) => values.controllerLogLevel, [
    "panic",
    "fatal",
    "error",
    "warn",
    "info",
    "debug",
    "trace",
  ]],
  ["controllerLogFormat", (values) => values.controllerLogFormat, ["plain", "json"]],
  ["identity.issuer.scheme", (values) => values.identity.issuer.scheme, [
    "linkerd.io/tls",
    "kubernetes.io/tls",
  ]],
  ["proxy.defaultInboundPolicy", (values) => values.proxy.defaultInboundPolicy, [
    "all-unauthenticated",
    "all-authenticated",
    "cluster-unauthenticated",
    "cluster-authenticated",
    "deny",
    "audit",
  ]],
];

const DURATIONS: readonly (readonly [string, (values: Values) => string])[] = [
  ["identity.issuer.issuanceLifetime", (values) => values.identity.issuer.issuanceLifetime],
  ["identity.issuer.clockSkewAllowance", (values) => values.identity.issuer.clockSkewAllowance],
  ["metricsApi.scrapeInterval", (values) => values.metricsApi.scrapeInterval],
  ["metricsApi.retention", (values) => values.metricsApi.retention],
];

/** Values whose mistakes would only show in a pod that does not start. @throws MeshFailure naming the value */
function validate(values: Values): void {
  const refuse = (path: string, value: unknown, remedy: string) => {
    throw usageFailure("value-invalid", `${path}: ${JSON.stringify(value)} is no value for it`, remedy);
  };
  for (const [path, read, choices] of CHOICES) {
    const value = read(values);
    if (choices.includes(value)) continue;
    refuse(path, value, `did you mean ${nearest(value, choices)}? It is one of ${choices.join(", ")}`);
  }
  for (const [path, read] of DURATIONS) {
    const value = read(values);
    if (!((parseGoDuration(value) ?? 0) > 0)) {
      refuse(path, value, "it takes a duration such as 24h0m0s or 20s");
    }
  }
  const { enabled, collector: { endpoint, meshIdentity } } = values.proxy.tracing;
  if (enabled && !/^[^:/\s]+:[0-9]{1,5}$/.test(endpoint)) {
    refuse("proxy.tracing.collector.endpoint", endpoint, "it takes host:port, such as jaeger.tracing:4317");
  }
  if ((meshIdentity.serviceAccountName === "") !== (meshIdentity.namespace === "")) {
    refuse("proxy.tracing.collector.meshIdentity", meshIdentity, "it takes both a name and its namespace");
  }
  if (!Number.isInteger(values.controllerReplicas) || values.controllerReplicas < 1) {
    refuse("controllerReplicas", values.controllerReplicas, "it takes a whole number, at least 1");
  }
}

/** Whether the values name no credentials at all. */
export function lacksCredentials(values: Values): boolean {
  const { scheme, tls } = values.identity.issuer;
  return scheme === "linkerd.io/tls" && values.identityTrustAnchorsPEM === "" && tls.crtPEM === "" &&
    tls.keyPEM === "";
}

/** Credentials that were handed in must belong together and count now. @throws MeshFailure with the reason */
export function checkCredentials(values: Values, now: number): void {
  const { scheme, tls } = values.identity.issuer;
  if (scheme !== "linkerd.io/tls" || tls.crtPEM === "" || values.identityTrustAnchorsPEM === "") return;
  try {
    loadIssuer({
      certificatePem: tls.crtPEM,
      keyPem: tls.keyPEM,
      anchorsPem: values.identityTrustAnchorsPEM,
      now,
    });
  } catch (error) {
    throw usageFailure(
      "credentials-invalid",
      `these credentials cannot be used: ${error instanceof Error ? error.message : error}`,
      "the issuer must be a P-256 authority with its own key, signed by one of the trust anchors, and valid now",
    );
  }
}
