/**
 * What an installation remembers for its upgrade: Secret linkerd-config-overrides, the values that differ from the
 * defaults. Installations without it (the laptop's) are read from linkerd-config, the anchors and the issuer's Secret.
 */
import { isNotFound, type KubeClient } from "../../kube/client.ts";
import { CONFIG_MAPS, type ConfigMap, type Secret, SECRETS } from "../../kube/kinds.ts";
import { parse, stringify } from "../../kube/yaml.ts";
import type { KubernetesObject } from "../../kube/resource.ts";
import { CONTROL_PLANE_NS_LABEL } from "../../mesh/labels.ts";
import { CONFIG_MAP, ISSUER_SECRET, TRUST_ROOTS_CONFIG_MAP, TRUST_ROOTS_KEY } from "../../mesh/names.ts";
import { defaultValues, mergeValues, type PartialValues, type Values } from "../../mesh/values.ts";
import { MeshFailure } from "../../mesh/error.ts";
import { usageFailure } from "../failure.ts";
import { otherOwner } from "./other_owner.ts";

export const OVERRIDES_SECRET = "linkerd-config-overrides";

function base64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));
}

function fromBase64(text: string | undefined): string {
  return new TextDecoder().decode(Uint8Array.from(atob(text ?? ""), (letter) => letter.charCodeAt(0)));
}

type Tree = { [key: string]: unknown };

/** The part of `after` that is not as in `before`. */
function difference(before: unknown, after: unknown): unknown {
  const isTree = (value: unknown): value is Tree =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isTree(before) || !isTree(after)) {
    return JSON.stringify(before) === JSON.stringify(after) ? undefined : after;
  }
  const changed = Object.entries(after).map(([key, value]) => [key, difference(before[key], value)] as const)
    .filter(([, value]) => value !== undefined);
  return changed.length === 0 ? undefined : Object.fromEntries(changed);
}

/** The version is left out: an upgrade brings its own. */
export function overridesSecret(values: Values): Secret {
  const { linkerdVersion: _, ...kept } = (difference(defaultValues(), values) ?? {}) as Tree;
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: OVERRIDES_SECRET,
      namespace: values.namespace,
      labels: { [CONTROL_PLANE_NS_LABEL]: values.namespace },
    },
    data: { [OVERRIDES_SECRET]: base64(stringify(kept, { lineWidth: 0 })) },
  };
}

async function optional<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** The objects that an installation is remembered by; undefined for what is not there. */
interface Remembered {
  readonly overrides: Secret | undefined;
  readonly config: ConfigMap | undefined;
  readonly anchors: ConfigMap | undefined;
  readonly issuer: Secret | undefined;
}

/** The values of the installation in a namespace, with its credentials. @throws MeshFailure when there is none */
export async function storedValues(client: KubeClient, namespace: string): Promise<Values> {
  const [overrides, config, anchors, issuer] = await Promise.all([
    optional(client.get(SECRETS, OVERRIDES_SECRET, namespace)),
    optional(client.get(CONFIG_MAPS, CONFIG_MAP, namespace)),
    optional(client.get(CONFIG_MAPS, TRUST_ROOTS_CONFIG_MAP, namespace)),
    optional(client.get(SECRETS, ISSUER_SECRET, namespace)),
  ]);
  const owner = config === undefined ? undefined : otherOwner(config);
  if (owner !== undefined) {
    throw new MeshFailure({
      code: "not-installed-here",
      source: "cluster",
      detail: `the control plane in namespace ${namespace} belongs to ${owner.who}`,
      remedy: owner.remedy,
    });
  }
  if (config !== undefined) return valuesFrom({ overrides, config, anchors, issuer });
  throw new MeshFailure({
    code: "not-installed",
    source: "cluster",
    detail: `there is no control plane in namespace ${namespace}: it has no ConfigMap ${CONFIG_MAP}`,
    remedy: "install one with `linkerd install --apply`, or name its namespace with --linkerd-namespace",
  });
}

/** The same, from the manifests that an installation was made with. @throws MeshFailure when they hold none */
export function manifestValues(objects: readonly KubernetesObject[], file: string): Values {
  const find = (kind: string, name: string) =>
    objects.find((object) => object.kind === kind && object.metadata?.name === name);
  const config = find("ConfigMap", CONFIG_MAP) as ConfigMap | undefined;
  if (config === undefined) {
    throw usageFailure(
      "manifests-incomplete",
      `${file} holds no ConfigMap ${CONFIG_MAP}: it is not what linkerd install printed`,
      "give a file that it printed, or leave --from-manifests out",
    );
  }
  return valuesFrom({
    overrides: find("Secret", OVERRIDES_SECRET) as Secret | undefined,
    config,
    anchors: find("ConfigMap", TRUST_ROOTS_CONFIG_MAP) as ConfigMap | undefined,
    issuer: find("Secret", ISSUER_SECRET) as Secret | undefined,
  });
}

function valuesFrom({ overrides, config, anchors, issuer }: Remembered): Values {
  const text = overrides === undefined
    ? config?.data?.["values"]
    : fromBase64(overrides.data?.[OVERRIDES_SECRET]);
  const { linkerdVersion: _, ...stored } = (parse(text ?? "") ?? {}) as PartialValues;
  const values = mergeValues(defaultValues(), stored);
  const { tls } = values.identity.issuer, bundle = anchors?.data?.[TRUST_ROOTS_KEY];
  return mergeValues(values, {
    ...(bundle === undefined ? {} : { identityTrustAnchorsPEM: bundle }),
    ...(tls.crtPEM !== "" || issuer?.data?.["crt.pem"] === undefined ? {} : {
      identity: {
        issuer: {
          tls: {
            crtPEM: fromBase64(issuer.data["crt.pem"]),
            keyPEM: fromBase64(issuer.data["key.pem"]),
          },
        },
      },
    }),
  });
}
