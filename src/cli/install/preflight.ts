/** What must hold before an installation, and what it takes from the cluster. Source: cli.md §2.6.3. */
import { Discovery } from "../../kube/apply.ts";
import { isNotFound } from "../../kube/client.ts";
import {
  CONFIG_MAPS,
  type ConfigMap,
  CUSTOM_RESOURCE_DEFINITIONS,
  SELF_SUBJECT_ACCESS_REVIEWS,
  SERVICES,
} from "../../kube/kinds.ts";
import type { KubernetesObject } from "../../kube/resource.ts";
import { MeshFailure } from "../../mesh/error.ts";
import { CONFIG_MAP } from "../../mesh/names.ts";
import type { Connection } from "../environment.ts";
import { otherOwner } from "./other_owner.ts";
import { isAtLeast, MINIMUM_KUBERNETES, readVersion } from "../kubernetes_version.ts";

/** @throws MeshFailure when the mesh is there already, or the cluster is too old */
export async function checkVacancy({ client }: Connection, namespace: string): Promise<void> {
  const version = await readVersion(client);
  if (!isAtLeast(version, MINIMUM_KUBERNETES)) {
    throw new MeshFailure({
      code: "kubernetes-too-old",
      source: "cluster",
      detail: `the cluster runs Kubernetes ${version}; ${MINIMUM_KUBERNETES} is the first that will do`,
      remedy: "upgrade the cluster",
    });
  }
  let config: ConfigMap;
  try {
    config = await client.get(CONFIG_MAPS, CONFIG_MAP, namespace);
  } catch (error) {
    if (isNotFound(error)) return;
    throw error;
  }
  const owner = otherOwner(config);
  throw new MeshFailure({
    code: "already-installed",
    source: "cluster",
    detail: owner === undefined
      ? `namespace ${namespace} has a control plane: ConfigMap ${CONFIG_MAP} is there`
      : `namespace ${namespace} has a control plane of ${owner.who}`,
    remedy: owner?.remedy ??
      "change it with `linkerd upgrade`, or render without looking with --ignore-cluster",
  });
}

/** @throws MeshFailure naming the definitions that the cluster does not have */
export async function checkDefinitions(
  { client }: Connection,
  definitions: readonly KubernetesObject[],
): Promise<void> {
  const { items } = await client.list(CUSTOM_RESOURCE_DEFINITIONS);
  const there = new Set(items.map(({ metadata }) => metadata?.name));
  const missing = definitions.map(({ metadata }) => metadata?.name ?? "").filter((name) => !there.has(name));
  if (missing.length === 0) return;
  throw new MeshFailure({
    code: "definitions-missing",
    source: "cluster",
    detail: `the cluster lacks resource definitions of the mesh: ${missing.join(", ")}`,
    remedy: "apply them first: linkerd install --crds | kubectl apply -f - (--apply does both)",
  });
}

/** The ports of the API server that no proxy must carry: of its Service and behind it. */
export async function apiServerPorts({ client }: Connection): Promise<string | undefined> {
  try {
    const service = await client.get(SERVICES, "kubernetes", "default");
    const ports = (service.spec?.ports ?? []).flatMap(({ port, targetPort }) => [port, Number(targetPort)]);
    const known = [...new Set(ports.filter((port) => port > 0))];
    return known.length === 0 ? undefined : known.join(",");
  } catch {
    return undefined; // may not be ours to read; the defaults hold for nearly every cluster
  }
}

/**
 * Whether this user may apply all of them, asked before the first is applied: an installation that stops in its middle is
 * worse than none. @throws MeshFailure naming what is not allowed
 */
export async function checkPermissions(
  { client }: Connection,
  objects: readonly KubernetesObject[],
): Promise<void> {
  const discovery = new Discovery(client);
  const kinds = new Map(objects.map(({ apiVersion = "", kind = "", metadata }) => {
    const namespace = metadata?.namespace;
    return [`${apiVersion} ${kind} ${namespace ?? ""}`, { apiVersion, kind, namespace }] as const;
  }));
  const refused = await Promise.all([...kinds.values()].map(async ({ apiVersion, kind, namespace }) => {
    const { group, plural } = await discovery.find(apiVersion, kind);
    const reviews = await Promise.all(
      ["create", "patch"].map((verb) =>
        client.create(SELF_SUBJECT_ACCESS_REVIEWS, {
          spec: {
            resourceAttributes: {
              verb,
              group,
              resource: plural,
              ...(namespace === undefined ? {} : { namespace }),
            },
          },
        })
      ),
    );
    const isAllowed = reviews.every(({ status }) => status?.allowed === true);
    return isAllowed ? undefined : group === "" ? plural : `${plural}.${group}`;
  }));
  const names = [...new Set(refused.filter((one) => one !== undefined))].sort();
  if (names.length === 0) return;
  throw new MeshFailure({
    code: "not-permitted",
    source: "cluster",
    detail: `this user may not create and patch ${names.join(", ")}; nothing was applied`,
    remedy: "ask for these rights, which cluster-admin has, or have somebody who has them apply what " +
      "linkerd install prints",
  });
}
