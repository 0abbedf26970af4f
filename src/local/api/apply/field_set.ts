/**
 * Sets of field paths, as trees in the form of `fieldsV1`: `f:name` a field, `k:{"name":"a"}` an item of a list with
 * keys, `v:"x"` an item of a set, `.` the node itself. An empty node is a leaf: the whole value below.
 *
 * Source: sigs.k8s.io/structured-merge-diff, fieldpath.
 */
import type { FieldsV1 } from "../object.ts";

export function isEmptySet(set: FieldsV1): boolean {
  for (const _ in set) return false;
  return true;
}

/** Paths in either. */
export function union(left: FieldsV1, right: FieldsV1): FieldsV1 {
  const result: FieldsV1 = { ...left };
  for (const key of Object.keys(right)) {
    const own = result[key];
    result[key] = own === undefined ? right[key]! : union(own, right[key]!);
  }
  return result;
}

/** Paths in both; a leaf of one matches everything the other has below it. */
export function intersect(left: FieldsV1, right: FieldsV1): FieldsV1 {
  const result: FieldsV1 = {};
  for (const key of Object.keys(left)) {
    const a = left[key]!;
    const b = right[key];
    if (b === undefined) continue;
    if (isEmptySet(a) || isEmptySet(b)) {
      result[key] = isEmptySet(a) ? b : a;
      continue;
    }
    const below = intersect(a, b);
    if (!isEmptySet(below)) result[key] = below;
  }
  return result;
}

/** Paths of `left` that are not in `right`; a leaf of `right` takes everything below it. */
export function subtract(left: FieldsV1, right: FieldsV1): FieldsV1 {
  const result: FieldsV1 = {};
  for (const key of Object.keys(left)) {
    const a = left[key]!;
    const b = right[key];
    if (b === undefined) {
      result[key] = a;
      continue;
    }
    if (isEmptySet(a) || isEmptySet(b)) continue;
    const below = subtract(a, b);
    if (!isEmptySet(below)) result[key] = below;
  }
  return result;
}

/** Paths of `left` that are not exactly in `right`: owning `.spec` is not owning `.spec.replicas`. */
export function without(left: FieldsV1, right: FieldsV1): FieldsV1 {
  const result: FieldsV1 = {};
  for (const key of Object.keys(left)) {
    const a = left[key]!;
    const b = right[key];
    if (b === undefined || (isEmptySet(a) !== isEmptySet(b))) {
      result[key] = a;
      continue;
    }
    if (isEmptySet(a)) continue;
    const below = without(a, b);
    if (!isEmptySet(below)) result[key] = below;
  }
  return result;
}

/** Every leaf as people write it: `.spec.containers[name="a"].image`. */
export function pathsOf(set: FieldsV1, prefix = ""): string[] {
  const paths: string[] = [];
  for (const key of Object.keys(set)) {
    if (key === ".") {
      paths.push(prefix);
      continue;
    }
    const path = prefix + partText(key);
    if (isEmptySet(set[key]!)) paths.push(path);
    else paths.push(...pathsOf(set[key]!, path));
  }
  return paths;
}

function partText(key: string): string {
  const value = key.slice(2);
  switch (key[0]) {
    case "k": {
      const keys = Object.entries(JSON.parse(value) as Record<string, unknown>);
      return `[${keys.map(([name, each]) => `${name}=${JSON.stringify(each)}`).join(",")}]`;
    }
    case "v":
      return `[=${value}]`;
    case "i":
      return `[${value}]`;
    default:
      return `.${value}`;
  }
}
