/** What the files of ConfigMap, Secret, downward API and projected volumes hold. Source: kubelet's volume plugins. */
import type { Volume } from "../../kube/kinds.ts";
import type { ProjectedFile, ProjectedFiles } from "./atomic_directory.ts";
import {
  containersOf,
  decodeBase64,
  fieldOf,
  type PodFacts,
  type References,
  resourceOf,
} from "./environment.ts";
import { Missing } from "./missing.ts";

const MODE = 0o644;
const encoder = new TextEncoder();
type Projected = NonNullable<Volume["projected"]>;
type Source = NonNullable<Projected["sources"]>[number];
type KeyToPath = NonNullable<NonNullable<Source["configMap"]>["items"]>;
type DownwardItems = NonNullable<NonNullable<Volume["downwardAPI"]>["items"]>;

/** A token a volume asks for. */
export interface TokenWish {
  readonly path: string;
  readonly audience?: string | undefined;
  readonly expirationSeconds: number;
}

/** One object in a volume, with what is wanted of it. */
export interface VolumeSource {
  readonly configMap?: { name?: string; items?: KeyToPath; optional?: boolean };
  readonly secret?: { name?: string; items?: KeyToPath; optional?: boolean };
  readonly downwardAPI?: { items?: DownwardItems };
  readonly serviceAccountToken?: TokenWish;
}

export interface Projection {
  readonly sources: readonly VolumeSource[];
  readonly defaultMode: number;
}

/** What a volume is filled from; undefined for volumes that are not filled. */
export function projectionOf(volume: Volume): Projection | undefined {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap !== undefined) {
    return { sources: [{ configMap }], defaultMode: configMap.defaultMode ?? MODE };
  }
  if (secret !== undefined) {
    const { secretName, items, optional, defaultMode = MODE } = secret;
    const source = {
      ...(secretName === undefined ? {} : { name: secretName }),
      ...(items === undefined ? {} : { items }),
      ...(optional === undefined ? {} : { optional }),
    };
    return { sources: [{ secret: source }], defaultMode };
  }
  if (downwardAPI !== undefined) {
    return { sources: [{ downwardAPI }], defaultMode: downwardAPI.defaultMode ?? MODE };
  }
  if (projected === undefined) return undefined;
  const sources = (projected.sources ?? []).map((source): VolumeSource => {
    const { serviceAccountToken: token, ...rest } = source;
    if (token === undefined) return rest;
    const { path, audience, expirationSeconds = 3600 } = token;
    return { serviceAccountToken: { path, audience, expirationSeconds } };
  });
  return { sources, defaultMode: projected.defaultMode ?? MODE };
}

/** Keys of an object as files: all of them, or those listed. @throws Missing */
function pickKeys(
  held: ReadonlyMap<string, Uint8Array>,
  items: KeyToPath | undefined,
  isOptional: boolean,
  mode: number,
  what: string,
): [string, ProjectedFile][] {
  if (items === undefined) return [...held].map(([key, content]) => [key, { content, mode }]);
  return items.flatMap((item) => {
    const content = held.get(item.key);
    if (content !== undefined) {
      return [[item.path, { content, mode: item.mode ?? mode }] as [string, ProjectedFile]];
    }
    if (isOptional) return [];
    throw new Missing(`${what} has no key ${JSON.stringify(item.key)}`);
  });
}

function objectFiles(source: VolumeSource, facts: PodFacts, references: References, mode: number) {
  const wanted = source.configMap ?? source.secret;
  if (wanted?.name === undefined) return [];
  const namespace = facts.pod.metadata?.namespace ?? "default", isOptional = wanted.optional ?? false;
  const what = `${source.configMap !== undefined ? "configmap" : "secret"} "${wanted.name}"`;
  const held = new Map<string, Uint8Array>();
  const object = source.configMap !== undefined
    ? references.configMap(namespace, wanted.name)
    : references.secret(namespace, wanted.name);
  if (object === undefined) {
    if (isOptional) return [];
    throw new Missing(`${what} not found`);
  }
  const texts = source.configMap !== undefined
    ? (object as { data?: Record<string, string> }).data
    : undefined;
  const binaries = source.configMap !== undefined
    ? (object as { binaryData?: Record<string, string> }).binaryData
    : (object as { data?: Record<string, string> }).data;
  for (const [key, value] of Object.entries(texts ?? {})) held.set(key, encoder.encode(value));
  for (const [key, value] of Object.entries(binaries ?? {})) held.set(key, decodeBase64(value));
  return pickKeys(held, wanted.items, isOptional, mode, what);
}

function downwardFiles(items: DownwardItems, facts: PodFacts, mode: number): [string, ProjectedFile][] {
  return items.map(({ path, fieldRef, resourceFieldRef, mode: own = mode }) => {
    const container = containersOf(facts.pod).find(({ name }) => name === resourceFieldRef?.containerName);
    const text = fieldRef !== undefined
      ? fieldOf(facts, fieldRef.fieldPath)
      : resourceFieldRef !== undefined
      ? resourceOf(facts, container, resourceFieldRef.resource, resourceFieldRef.divisor || "1")
      : undefined;
    if (text === undefined) {
      throw new Missing(`the downward API does not offer what ${JSON.stringify(path)} asks for`);
    }
    return [path, { content: encoder.encode(text), mode: own }];
  });
}

/**
 * The files of a volume.
 * @param tokens path → token, for those it asks for
 * @throws Missing when an object or key that is not optional is not there
 */
export function projectedFiles(
  { sources, defaultMode }: Projection,
  facts: PodFacts,
  references: References,
  tokens: ReadonlyMap<string, string>,
): ProjectedFiles {
  const files = new Map<string, ProjectedFile>();
  for (const source of sources) {
    const token = source.serviceAccountToken;
    const found = token !== undefined
      ? [[token.path, { content: encoder.encode(tokens.get(token.path) ?? ""), mode: defaultMode }] as const]
      : source.downwardAPI !== undefined
      ? downwardFiles(source.downwardAPI.items ?? [], facts, defaultMode)
      : objectFiles(source, facts, references, defaultMode);
    for (const [path, file] of found) files.set(path, file);
  }
  return files;
}
