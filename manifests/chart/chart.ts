/**
 * The Helm charts of an installation, made from the same functions as what `linkerd install` prints.
 *
 * Values keep their names and defaults. What cannot be changed after the chart was made is refused by the chart itself,
 * with the command that makes another one.
 */
import { stringify } from "yaml";
import type { KubernetesObject } from "../../src/kube/resource.ts";
import { COMPONENT_LABEL } from "../../src/mesh/labels.ts";
import { CONFIG_MAP, ISSUER_SECRET, TRUST_ROOTS_CONFIG_MAP } from "../../src/mesh/names.ts";
import { mergeValues, type PartialValues, type Values, withoutSecrets } from "../../src/mesh/values.ts";
import { trustRootDigest } from "../../src/control/injector/inject.ts";
import { componentLabels } from "../control_plane_pod.ts";
import { YAML_OPTIONS } from "../yaml_options.ts";
import { renderCrds, renderInstall, toYaml } from "../render.ts";
import { type Choice, type Condition, type Replacement, Template } from "./template.ts";
import {
  at,
  leavesOf,
  mapValues,
  type Path,
  type Switch,
  type Tree,
  type ValuesMap,
  withValue,
} from "./values_map.ts";

export interface ChartFile {
  readonly path: string;
  readonly text: string;
}

const NAMESPACE = "marknamespacex", ANCHORS = "markanchorsx";
const RESOURCES = [["controllerResources", "markcontrollerx"], ["proxy.resources", "markproxyx"]] as const;

/** Its keys have dots of their own, and only the injector reads them. */
const TRACE_LABELS = "proxy.tracing.labels.";

/** Treated apart: the release has the namespace, and credentials have conditions of their own. */
function isSpecial(path: string): boolean {
  return ["namespace", "identityTrustAnchorsPEM", "identity.issuer.scheme", "identity.externalCA"].includes(
    path,
  ) ||
    path.startsWith("identity.issuer.tls") || path.startsWith(TRACE_LABELS) ||
    RESOURCES.some(([group]) => path.startsWith(group));
}

/** One replica alone is reached before it is ready: its own proxy asks it for its certificate. */
const ONE_REPLICA: Switch = {
  path: "controllerReplicas",
  on: 1,
  off: 2,
  expression: "eq (int .Values.controllerReplicas) 1",
};

const keyOf = ({ kind, metadata }: KubernetesObject) => `${kind} ${metadata?.name}`;

/** Without the namespace, which is Helm's to make, and what the templates write themselves. */
function render(values: Values): Map<string, KubernetesObject> {
  const own = [`ConfigMap ${CONFIG_MAP}`, `ConfigMap ${TRUST_ROOTS_CONFIG_MAP}`];
  return new Map(
    renderInstall(values).filter((one) => one.kind !== "Namespace" && !own.includes(keyOf(one)))
      .map((one) => [keyOf(one), one]),
  );
}

/** The values a chart starts from: an image's own version and policy are named, so that they can be changed. */
export function chartValues(values: Values): Values {
  const image = ({ version, pullPolicy }: { version: string; pullPolicy: string }) => ({
    version: version || values.linkerdVersion,
    pullPolicy: pullPolicy || values.imagePullPolicy,
  });
  return mergeValues(values, { proxy: { image: image(values.proxy.image) } });
}

const value = (path: string) => `.Values.${path}`;

function replacements(values: Values, { marks }: ValuesMap): Replacement[] {
  const types = new Map(leavesOf(values as unknown as Tree));
  return [
    { mark: NAMESPACE, expression: ".Release.Namespace", isNumber: false },
    {
      mark: trustRootDigest(ANCHORS),
      expression: "(.Values.identityTrustAnchorsPEM | sha256sum)",
      isNumber: false,
    },
    ...[...marks].map(([path, mark]) => {
      const isNumber = typeof types.get(path) === "number";
      return {
        mark,
        expression: isNumber ? `(${value(path)} | int64)` : `(${value(path)} | toString)`,
        isNumber,
      };
    }),
  ];
}

interface Conditional {
  readonly object: KubernetesObject;
  /** All of them must hold; empty for always. */
  readonly conditions: readonly string[];
  readonly keys: readonly Condition[];
  readonly choices: readonly Choice[];
}

type Stand = readonly [one: Switch, isOn: boolean];

const turned = (values: Values, one: Switch, isOn: boolean) =>
  withValue(values, one.path, isOn ? one.on : one.off);
const said = ([{ expression }, isOn]: Stand) => isOn ? `(${expression})` : `(not (${expression}))`;

function put(object: unknown, path: Path, inner: unknown): void {
  (at(object, path.slice(0, -1)) as Tree)[path.at(-1)!] = structuredClone(inner);
}

/** What an object hangs on: the switches that add or take it, once these stand so that it is there. */
function standsOf(key: string, switches: readonly Switch[], marked: Values): Stand[] | undefined {
  const stands: Stand[] = [];
  const asTold = () => stands.reduce((values, [one, isOn]) => turned(values, one, isOn), marked);
  const isThere = (values: Values) => render(values).has(key);
  if (!isThere(marked)) {
    for (const one of switches) {
      const isOn = [true, false].find((each) => isThere(turned(marked, one, each)));
      if (isOn !== undefined) stands.push([one, isOn]);
    }
    if (stands.length === 0) return undefined;
  }
  for (const one of switches) {
    if (stands.some(([known]) => known === one)) continue;
    const [on, off] = [true, false].map((isOn) => isThere(turned(asTold(), one, isOn)));
    if (on !== off) stands.push([one, on!]);
  }
  return stands;
}

/** Every object there can be, with the switches that it, its keys and its leaves hang on. */
function conditionals(marked: Values, { switches }: ValuesMap): Conditional[] {
  const all = new Map<string, KubernetesObject>(render(marked)), adding = new Set<Switch>();
  for (const [one, differences] of switches) {
    if (differences.every(({ path }) => path !== undefined)) continue;
    adding.add(one);
    for (const isOn of [true, false]) {
      for (const [key, object] of render(turned(marked, one, isOn))) if (!all.has(key)) all.set(key, object);
    }
  }
  return [...all].map(([key, first]) => {
    const stands = standsOf(key, [...adding], marked) ?? [];
    const here = stands.reduce((values, [one, isOn]) => turned(values, one, isOn), marked);
    const object = structuredClone(render(here).get(key) ?? first);
    const keys: Condition[] = [], choices: Choice[] = [];
    for (const [one, differences] of switches) {
      const [on, off] = [true, false].map((isOn) => render(turned(here, one, isOn)).get(key));
      for (const { path, isOn } of differences.filter((difference) => difference.object === key)) {
        if (path === undefined || (isOn === undefined && (on === undefined || off === undefined))) continue;
        if (isOn === undefined) {
          choices.push({ path, expression: one.expression, on: at(on, path), off: at(off, path) });
        } else {
          put(object, path, at(isOn ? on : off, path));
          keys.push({ path, expression: said([one, isOn]) });
        }
      }
    }
    return { object, conditions: stands.map(said), keys, choices };
  });
}

function helpers(values: Values, fixed: readonly string[]): string {
  const types = new Map(leavesOf(values as unknown as Tree));
  const refusals = fixed.map((path) => {
    const text =
      `${path} is fixed when the chart is made: make one with linkerd install --output-chart DIR --set ${path}=...`;
    return `{{- if ne (toJson ${value(path)}) ${JSON.stringify(JSON.stringify(types.get(path)))} }}{{ fail ${
      JSON.stringify(text)
    } }}{{ end }}`;
  });
  return `{{- define "linkerd.resources" -}}
{{- $resources := dict -}}
{{- range $bound := list "limit" "request" -}}
{{- $quantities := dict -}}
{{- range $name, $bounds := $ -}}{{- with index $bounds $bound -}}{{- $_ := set $quantities $name (toString .) -}}{{- end -}}{{- end -}}
{{- if $quantities -}}{{- $_ := set $resources (printf "%ss" $bound) $quantities -}}{{- end -}}
{{- end -}}
{{- toJson $resources -}}
{{- end -}}
{{- define "linkerd.config" -}}
{{- $values := deepCopy (omit .Values "global") -}}
{{- $_ := set $values "namespace" .Release.Namespace -}}
{{- $_ := set $values.identity.issuer "tls" (dict "crtPEM" "" "keyPEM" "") -}}
{{- toYaml $values -}}
{{- end -}}
{{- define "linkerd.checks" -}}
${refusals.join("\n")}
{{- if and .Values.proxy.tracing.enabled (not .Values.proxy.tracing.collector.endpoint) }}{{ fail "proxy.tracing.collector.endpoint is needed where proxy.tracing.enabled" }}{{ end }}
{{- end -}}
`;
}

/** The objects whose texts are the user's: values without secrets, anchors and issuer. */
function credentialObjects(): string {
  const labels = (component: string) =>
    Object.entries(componentLabels({ namespace: "{{ .Release.Namespace }}" } as Values, component))
      .map(([name, text]) => `    ${name}: ${text}`).join("\n");
  const head = (kind: string, name: string, component: string) =>
    `apiVersion: v1\nkind: ${kind}\nmetadata:\n  name: ${name}\n  namespace: {{ .Release.Namespace }}\n  labels:\n${
      labels(component)
    }\n`;
  const issuer = (field: string, what: string) =>
    `{{ required "${what} is needed: identity.issuer.tls.${field}, or identity.issuer.scheme=kubernetes.io/tls where another tool writes the issuer's Secret" .Values.identity.issuer.tls.${field} | b64enc }}`;
  return `{{- include "linkerd.checks" . -}}
---
${head("ConfigMap", CONFIG_MAP, "controller")}data:
  values: {{ include "linkerd.config" . | toJson }}
{{- if not .Values.identity.externalCA }}
---
${head("ConfigMap", TRUST_ROOTS_CONFIG_MAP, "identity")}data:
  ca-bundle.crt: {{ required "trust anchors are needed: identityTrustAnchorsPEM, or identity.externalCA where another tool writes them" .Values.identityTrustAnchorsPEM | toJson }}
{{- end }}
{{- if eq .Values.identity.issuer.scheme "linkerd.io/tls" }}
---
${head("Secret", ISSUER_SECRET, "identity")}data:
  crt.pem: ${issuer("crtPEM", "the issuer's certificate")}
  key.pem: ${issuer("keyPEM", "the issuer's key")}
{{- end }}
`;
}

function componentOf({ metadata }: KubernetesObject): string {
  return metadata?.labels?.[COMPONENT_LABEL] ?? "others";
}

/** Templates of the control plane, a file for each component. */
function templates(values: Values): ChartFile[] {
  const plain = mergeValues(values, {
    namespace: NAMESPACE,
    identityTrustAnchorsPEM: ANCHORS,
    identity: { issuer: { scheme: "kubernetes.io/tls" } },
    controllerReplicas: 2, // neither a switch's one nor the other: it has a mark as well
  });
  const map = mapValues(plain, render, isSpecial, [ONE_REPLICA]);
  let marked = [...map.marks].reduce((before, [path, mark]) => withValue(before, path, mark), plain);
  for (const [group, mark] of RESOURCES) marked = withValue(marked, `${group}.cpu.request`, mark);
  const whole = new Map(
    RESOURCES.map(([group, mark]) => [mark, `include "linkerd.resources" ${value(group)}`]),
  );
  const template = new Template(replacements(plain, map), whole);
  const files = new Map<string, string>();
  for (const { object, conditions, keys, choices } of conditionals(marked, map)) {
    const text = `---\n${template.text(object, keys, choices)}`;
    const all = conditions.length === 1 ? conditions[0]! : `and ${conditions.join(" ")}`;
    const shown = conditions.length === 0 ? text : `{{- if ${all} }}\n${text}{{- end }}\n`;
    files.set(componentOf(object), (files.get(componentOf(object)) ?? "") + shown);
  }
  return [
    { path: "templates/_helpers.tpl", text: helpers(plain, map.fixed) },
    { path: "templates/config.yaml", text: credentialObjects() },
    ...[...files].map(([component, text]) => ({ path: `templates/${component}.yaml`, text })),
  ];
}

function about(name: string, description: string, version: string): string {
  return stringify({
    apiVersion: "v2",
    name,
    description,
    version,
    appVersion: version,
    type: "application",
    kubeVersion: ">=1.31.0-0",
  });
}

/**
 * Charts `linkerd-crds` and `linkerd-control-plane`, a folder each.
 *
 * @param highAvailability the values that `--ha` would change, for values-ha.yaml
 */
export function charts(given: Values, highAvailability: PartialValues): ChartFile[] {
  const values = chartValues(withoutSecrets(given)), { namespace: _, ...shown } = values;
  const inside = (folder: string, files: readonly ChartFile[]) =>
    files.map(({ path, text }) => ({ path: `${folder}/${path}`, text }));
  return [
    ...inside("linkerd-crds", [
      {
        path: "Chart.yaml",
        text: about("linkerd-crds", "Linkerd's resource definitions", values.linkerdVersion),
      },
      { path: "templates/crds.yaml", text: toYaml(renderCrds()) },
    ]),
    ...inside("linkerd-control-plane", [
      {
        path: "Chart.yaml",
        text: about("linkerd-control-plane", "Linkerd's control plane", values.linkerdVersion),
      },
      { path: "values.yaml", text: stringify(shown, YAML_OPTIONS) },
      {
        path: "values-ha.yaml",
        text: stringify(highAvailability, YAML_OPTIONS),
      },
      ...templates(values),
    ]),
  ];
}
