/** What the server serves, as clients discover it: /api, /apis, and each group's version; also all in one answer. */
import { groupVersion, type ResourceDefinition } from "../registry/definition.ts";
import type { Registry } from "../registry/registry.ts";

const VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

export function coreVersions(serverAddress: string): unknown {
  return {
    kind: "APIVersions",
    versions: ["v1"],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }],
  };
}

function groupOf(registry: Registry, name: string): Record<string, unknown> {
  const versions = registry.versions(name).map((version) => ({
    groupVersion: `${name}/${version}`,
    version,
  }));
  return { name, versions, preferredVersion: versions[0] };
}

export function groupList(registry: Registry): unknown {
  return {
    kind: "APIGroupList",
    apiVersion: "v1",
    groups: registry.groups().filter((name) => name !== "").map((name) => groupOf(registry, name)),
  };
}

/** @returns undefined when there is no such group */
export function group(registry: Registry, name: string): unknown {
  if (registry.versions(name).length === 0) return undefined;
  return { kind: "APIGroup", apiVersion: "v1", ...groupOf(registry, name) };
}

interface SubresourceEntry {
  name: string;
  kind: string;
  group?: string;
  version?: string;
  verbs: readonly string[];
}

function subresourcesOf(definition: ResourceDefinition): SubresourceEntry[] {
  return [
    ...(definition.hasStatus
      ? [{ name: "status", kind: definition.kind, verbs: ["get", "patch", "update"] }]
      : []),
    ...(definition.scale === undefined ? [] : [{
      name: "scale",
      kind: "Scale",
      group: "autoscaling",
      version: "v1",
      verbs: ["get", "patch", "update"],
    }]),
    ...definition.otherSubresources,
  ];
}

function verbsOf(definition: ResourceDefinition): string[] {
  return definition.isStored ? VERBS : ["create"];
}

/** @returns undefined when there is no such version */
export function resourceList(registry: Registry, name: string, version: string): unknown {
  const definitions = registry.inGroupVersion(name, version);
  if (definitions.length === 0) return undefined;
  const resources = definitions.flatMap((definition) => [
    {
      name: definition.plural,
      singularName: definition.singular,
      namespaced: definition.isNamespaced,
      kind: definition.kind,
      verbs: verbsOf(definition),
      ...(definition.shortNames.length === 0 ? {} : { shortNames: definition.shortNames }),
      ...(definition.categories.length === 0 ? {} : { categories: definition.categories }),
      storageVersionHash: "",
    },
    ...subresourcesOf(definition).map((each) => ({
      name: `${definition.plural}/${each.name}`,
      singularName: "",
      namespaced: definition.isNamespaced,
      ...(each.group === undefined ? {} : { group: each.group, version: each.version }),
      kind: each.kind,
      verbs: each.verbs,
    })),
  ]);
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: groupVersion({ group: name, version }),
    resources,
  };
}

/** Aggregated discovery v2, of the core group (/api) or of all others (/apis). */
export function aggregated(registry: Registry, isCore: boolean): unknown {
  const names = registry.groups().filter((name) => (name === "") === isCore);
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: "apidiscovery.k8s.io/v2",
    metadata: {},
    items: names.map((name) => ({
      metadata: name === "" ? { creationTimestamp: null } : { name, creationTimestamp: null },
      versions: registry.versions(name).map((version) => ({
        version,
        freshness: "Current",
        resources: registry.inGroupVersion(name, version).map((definition) => ({
          resource: definition.plural,
          responseKind: { group: definition.group, version, kind: definition.kind },
          scope: definition.isNamespaced ? "Namespaced" : "Cluster",
          singularResource: definition.singular,
          verbs: verbsOf(definition),
          ...(definition.shortNames.length === 0 ? {} : { shortNames: definition.shortNames }),
          ...(definition.categories.length === 0 ? {} : { categories: definition.categories }),
          ...(subresourcesOf(definition).length === 0 ? {} : {
            subresources: subresourcesOf(definition).map((each) => ({
              subresource: each.name,
              responseKind: {
                group: each.group ?? definition.group,
                version: each.version ?? version,
                kind: each.kind,
              },
              verbs: each.verbs,
            })),
          }),
        })),
      })),
    })),
  };
}
