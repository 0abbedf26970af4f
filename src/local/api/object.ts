/** Objects as the API stores them: plain JSON, never changed once stored. */
import type { KubernetesObject, ObjectMeta } from "../../kube/resource.ts";

/** One owner's fields of an object: an entry of `metadata.managedFields`. */
export interface ManagedFieldsEntry {
  manager: string;
  operation: "Apply" | "Update";
  apiVersion: string;
  time?: string;
  fieldsType: "FieldsV1";
  fieldsV1: FieldsV1;
  subresource?: string;
}

/** A set of field paths as a tree; see apply/field_set.ts. */
export interface FieldsV1 {
  [key: string]: FieldsV1;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export interface StoredMeta extends Writable<Omit<ObjectMeta, "managedFields">> {
  name: string;
  uid: string;
  resourceVersion: string;
  managedFields?: ManagedFieldsEntry[];
}

/** Any object in the store. Its own fields are read through a cast to the kind's type. */
export interface StoredObject extends Omit<KubernetesObject, "metadata"> {
  apiVersion: string;
  kind: string;
  metadata: StoredMeta;
  [field: string]: unknown;
}

/** An object on its way in: metadata may still lack what the server fills in. */
export interface IncomingObject {
  apiVersion: string;
  kind: string;
  metadata: Partial<StoredMeta>;
  [field: string]: unknown;
}

export type Fields = Record<string, unknown>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A deep copy of JSON data; several times faster than structuredClone on small objects. */
export function cloneJson<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(cloneJson) as T;
  const copy: Fields = {};
  for (const key of Object.keys(value)) {
    const child = (value as Fields)[key];
    if (child !== undefined) setOwn(copy, key, cloneJson(child));
  }
  return copy as T;
}

/** Sets a key that came from outside: `__proto__` becomes an ordinary field instead of the prototype. */
export function setOwn(target: Fields, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  } else target[key] = value;
}

/** Reads a key that came from outside: never what objects inherit. */
export function getOwn(source: Fields, key: string): unknown {
  return Object.hasOwn(source, key) ? source[key] : undefined;
}

/** Equality of JSON data; a field that is undefined counts as absent. */
export function equalJson(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false;
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item, index) => equalJson(item, right[index]));
  }
  for (const key of Object.keys(left)) {
    if (!equalJson((left as Fields)[key], getOwn(right as Fields, key))) return false;
  }
  for (const key of Object.keys(right)) {
    if ((right as Fields)[key] !== undefined && getOwn(left as Fields, key) === undefined) return false;
  }
  return true;
}

const texts = new WeakMap<object, string>();

/** The JSON text of a stored object, made once however many watchers it goes to. */
export function textOf(object: object): string {
  let text = texts.get(object);
  if (text === undefined) {
    text = JSON.stringify(object);
    texts.set(object, text);
  }
  return text;
}

/** A time as objects carry it: whole seconds. */
export function timeText(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
