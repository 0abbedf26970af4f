/** Every resource served right now, built-in and custom, found by path or by kind. */
import { builtinDefinitions } from "./builtin.ts";
import type { ResourceDefinition } from "./definition.ts";

export class Registry {
  readonly #byPath = new Map<string, ResourceDefinition>();
  readonly #byKind = new Map<string, ResourceDefinition>();
  readonly #byResource = new Map<string, ResourceDefinition>();
  /** Rises with every change: what discovery and OpenAPI documents are cached by. */
  generation = 0;

  constructor() {
    for (const definition of builtinDefinitions()) this.add(definition);
  }

  add(definition: ResourceDefinition): void {
    const { group, version, plural, kind } = definition;
    this.#byPath.set(`${group}/${version}/${plural}`, definition);
    this.#byKind.set(`${group}/${version}/${kind}`, definition);
    if (version === definition.storageVersion) this.#byResource.set(definition.resource, definition);
    this.generation++;
  }

  remove(definition: ResourceDefinition): void {
    const { group, version, plural, kind, resource } = definition;
    this.#byPath.delete(`${group}/${version}/${plural}`);
    if (this.#byKind.get(`${group}/${version}/${kind}`) === definition) {
      this.#byKind.delete(`${group}/${version}/${kind}`);
    }
    if (this.#byResource.get(resource) === definition) this.#byResource.delete(resource);
    this.generation++;
  }

  find(group: string, version: string, plural: string): ResourceDefinition | undefined {
    return this.#byPath.get(`${group}/${version}/${plural}`);
  }

  /** By `apiVersion` and `kind` as objects and owner references carry them. */
  findKind(apiVersion: string, kind: string): ResourceDefinition | undefined {
    return this.#byKind.get(`${apiVersion.includes("/") ? "" : "/"}${apiVersion}/${kind}`);
  }

  /** In its storage version. */
  stored(resource: string): ResourceDefinition | undefined {
    return this.#byResource.get(resource);
  }

  all(): Iterable<ResourceDefinition> {
    return this.#byPath.values();
  }

  /** One definition per stored resource. */
  storedResources(): Iterable<ResourceDefinition> {
    return [...this.#byResource.values()].filter(({ isStored }) => isStored);
  }

  groups(): string[] {
    return [...new Set([...this.all()].map(({ group }) => group))];
  }

  /** Of a group, the preferred first. */
  versions(group: string): string[] {
    const versions = [...this.all()].filter((each) => each.group === group).map(({ version }) => version);
    return [...new Set(versions)].sort(compareVersions);
  }

  inGroupVersion(group: string, version: string): ResourceDefinition[] {
    return [...this.all()].filter((each) => each.group === group && each.version === version);
  }
}

/** Kubernetes' order: v2 before v1, v1 before v1beta1, beta before alpha, the rest by name. */
export function compareVersions(left: string, right: string): number {
  const a = rank(left);
  const b = rank(right);
  for (let index = 0; index < a.length; index++) {
    if (a[index] !== b[index]) return b[index]! - a[index]!;
  }
  return left < right ? -1 : left > right ? 1 : 0;
}

function rank(version: string): [number, number, number] {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (match === null) return [-1, 0, 0];
  const stability = match[2] === undefined ? 2 : match[2] === "beta" ? 1 : 0;
  return [stability, Number(match[1]), Number(match[3] ?? 0)];
}
