/**
 * Strategic merge patch: like a merge patch, but lists whose items have a key (containers by name, ports by number)
 * are merged item by item; directives (`$patch`, `$setElementOrder`, `$retainKeys`, `$deleteFromPrimitiveList`)
 * say what cannot be said by values.
 *
 * Source: k8s.io/apimachinery/pkg/util/strategicpatch.
 */
import { cloneJson, equalJson, type Fields, getOwn, isFields, setOwn } from "../object.ts";
import { fieldSchema, resolve, type Schema } from "../schema/schema.ts";

const ORDER = "$setElementOrder/";
const DELETE_PRIMITIVES = "$deleteFromPrimitiveList/";
const RETAIN = "$retainKeys";
const DIRECTIVE = "$patch";

/** @param schema of the target; undefined merges like a merge patch */
export function applyStrategicMerge(schema: Schema | undefined, target: Fields, patch: Fields): Fields {
  const directive = patch[DIRECTIVE];
  if (directive === "replace") return withoutDirectives(patch) as Fields;
  if (directive === "delete") return {};
  const shape = schema === undefined ? {} : resolve(schema);
  const result = { ...target };
  const retain = patch[RETAIN];
  if (Array.isArray(retain)) {
    for (const key of Object.keys(result)) {
      if (!retain.includes(key)) delete result[key];
    }
  }
  for (const key of Object.keys(patch)) {
    if (key === DIRECTIVE || key === RETAIN || key.startsWith(ORDER)) continue;
    if (key.startsWith(DELETE_PRIMITIVES)) {
      const field = key.slice(DELETE_PRIMITIVES.length);
      const gone = patch[key] as unknown[];
      const list = getOwn(result, field);
      if (Array.isArray(list)) {
        setOwn(result, field, list.filter((item) => !gone.some((each) => equalJson(each, item))));
      }
      continue;
    }
    const value = patch[key];
    if (value === null) {
      delete result[key];
      continue;
    }
    setOwn(
      result,
      key,
      mergeField(fieldSchema(shape, key), getOwn(result, key), value, patch[ORDER + key]),
    );
  }
  // An order alone, without a change of the list, reorders it.
  for (const key of Object.keys(patch)) {
    if (!key.startsWith(ORDER)) continue;
    const field = key.slice(ORDER.length);
    const list = getOwn(result, field);
    if (patch[field] === undefined && Array.isArray(list)) {
      const mergeKey = mergeKeyOf(fieldSchema(shape, field));
      setOwn(result, field, reorder(list, list, patch[key], mergeKey));
    }
  }
  return result;
}

function mergeKeyOf(schema: Schema | undefined): string | undefined {
  return schema?.["x-kubernetes-patch-merge-key"];
}

function mergeField(
  schema: Schema | undefined,
  current: unknown,
  value: unknown,
  order: unknown,
): unknown {
  const strategy = schema?.["x-kubernetes-patch-strategy"] ?? "";
  if (isFields(value)) {
    if (strategy.includes("replace")) return withoutDirectives(value);
    return applyStrategicMerge(schema, isFields(current) ? current : {}, value);
  }
  if (!Array.isArray(value)) return value;
  if (!strategy.includes("merge")) return withoutDirectives(value);
  const list = Array.isArray(current) ? current : [];
  const mergeKey = mergeKeyOf(schema);
  if (mergeKey === undefined) {
    const added = value.filter((item) => !list.some((each) => equalJson(each, item)));
    return reorder([...list, ...added], list, order, undefined);
  }
  return mergeByKey(schema?.items, list, value, mergeKey, order);
}

function mergeByKey(
  items: Schema | undefined,
  list: readonly unknown[],
  patch: readonly unknown[],
  mergeKey: string,
  order: unknown,
): unknown[] {
  const isReplaced = patch.some((item) =>
    isFields(item) && item[DIRECTIVE] === "replace" && item[mergeKey] === undefined
  );
  if (isReplaced) {
    return patch.filter((item) => !(isFields(item) && item[DIRECTIVE] === "replace")).map(withoutDirectives);
  }
  let result = [...list];
  for (const item of patch) {
    if (!isFields(item)) continue;
    const at = result.findIndex((each) => isFields(each) && equalJson(each[mergeKey], item[mergeKey]));
    if (item[DIRECTIVE] === "delete") {
      result = result.filter((_, index) => index !== at);
    } else if (at === -1) result.push(applyStrategicMerge(items, {}, item));
    else result[at] = applyStrategicMerge(items, result[at] as Fields, item);
  }
  return reorder(result, list, order, mergeKey);
}

/** Puts the listed items in their order; others stay before the item they stood before. */
function reorder(
  merged: unknown[],
  before: readonly unknown[],
  order: unknown,
  mergeKey: string | undefined,
): unknown[] {
  if (!Array.isArray(order)) return merged;
  const identity = (item: unknown) =>
    JSON.stringify(mergeKey !== undefined && isFields(item) ? item[mergeKey] : item);
  const wanted = order.map(identity);
  const place = new Map(before.map((item, index) => [identity(item), index]));
  const listed = merged.filter((item) => wanted.includes(identity(item)))
    .sort((left, right) => wanted.indexOf(identity(left)) - wanted.indexOf(identity(right)));
  const result = [...listed];
  for (const item of merged) {
    if (wanted.includes(identity(item))) continue;
    const own = place.get(identity(item)) ?? Infinity;
    const at = result.findIndex((each) => (place.get(identity(each)) ?? -1) > own);
    if (at === -1) result.push(item);
    else result.splice(at, 0, item);
  }
  return result;
}

function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.filter((item) => !(isFields(item) && item[DIRECTIVE] === "delete")).map(withoutDirectives);
  }
  if (!isFields(value)) return cloneJson(value);
  const result: Fields = {};
  for (const [key, child] of Object.entries(value)) {
    if (key.startsWith("$") || child === null) continue;
    setOwn(result, key, withoutDirectives(child));
  }
  return result;
}
