/**
 * Which of an installation's values go where in its objects, found out by rendering with marks in their places.
 *
 * The manifests are functions, a chart is text: so each value is replaced by a mark, one after the other, and what comes
 * out is compared with what came out before. A mark that turns up wherever the value did can be a template; a switch
 * that only adds or takes objects or keys can be a condition; a value that nothing but the injector reads is free; and
 * what changes the objects in any other way is fixed when the chart is made.
 */
import type { KubernetesObject } from "../../src/kube/resource.ts";
import type { Values } from "../../src/mesh/values.ts";

export type Tree = { [key: string]: unknown };
export type Path = readonly (string | number)[];
/** Renders the objects of some values, by the kind and name of each. */
export type Render = (values: Values) => Map<string, KubernetesObject>;

/** What a value that is either on or off does to the objects. */
export interface Switch {
  /** The value's path. */
  readonly path: string;
  readonly on: unknown;
  readonly off: unknown;
  /** As Helm asks whether it is on. */
  readonly expression: string;
}

/** Something that differs as a switch stands: a whole object, a key of one, or a leaf. */
export interface Difference {
  readonly object: string;
  /** Inside of the object; undefined for all of it. */
  readonly path?: Path;
  /** Where it is there one way only: which. */
  readonly isOn?: boolean;
}

export interface ValuesMap {
  /** Values that have a mark, and the mark. */
  readonly marks: ReadonlyMap<string, string | number>;
  readonly switches: ReadonlyMap<Switch, readonly Difference[]>;
  readonly fixed: readonly string[];
}

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What stands at a path; undefined where nothing does. */
export function at(object: unknown, path: Path): unknown {
  return path.reduce((inner, step) => (inner as Tree | undefined)?.[step], object);
}

/** Every value that is no group of values, by its path. */
export function leavesOf(tree: Tree, above = ""): [path: string, value: unknown][] {
  return Object.entries(tree).flatMap(([key, value]) => {
    const path = above === "" ? key : `${above}.${key}`;
    return isTree(value) && Object.keys(value).length > 0 ? leavesOf(value, path) : [[path, value]];
  });
}

export function withValue(values: Values, path: string, value: unknown): Values {
  // By way of text: a structured clone would keep groups that are one object together.
  const copy = JSON.parse(JSON.stringify(values)) as Tree, steps = path.split("."), last = steps.pop()!;
  (at(copy, steps) as Tree)[last] = value;
  return copy as unknown as Values;
}

const NUMBER_BASE = 7_340_000;

/** Whether `marked` is `plain` with a mark in the value's place, everywhere that they differ. */
function isMarkedCopy(plain: unknown, marked: unknown, value: unknown, mark: string | number): boolean {
  if (Object.is(plain, marked)) return true;
  if (typeof plain === "string" && typeof marked === "string") {
    return marked.includes(String(mark)) && marked.replaceAll(String(mark), String(value)) === plain;
  }
  if (typeof plain === "number" || typeof marked === "number") return plain === value && marked === mark;
  if (typeof plain !== "object" || typeof marked !== "object" || plain === null || marked === null) {
    return false;
  }
  const keys = Object.keys(plain);
  return keys.length === Object.keys(marked).length &&
    keys.every((key) =>
      Object.hasOwn(marked, key) && isMarkedCopy((plain as Tree)[key], (marked as Tree)[key], value, mark)
    );
}

/** Keys that one tree has more than the other, and leaves that are others; undefined where lists differ in length. */
function differences(off: unknown, on: unknown, path: Path, object: string): Difference[] | undefined {
  if (JSON.stringify(off) === JSON.stringify(on)) return [];
  if (Array.isArray(off) && Array.isArray(on)) {
    if (off.length !== on.length) return undefined;
    return joined(off.map((one, index) => differences(one, on[index], [...path, index], object)));
  }
  if (!isTree(off) || !isTree(on)) {
    return [off, on].some((one) => typeof one === "object") ? undefined : [{ object, path }];
  }
  return joined([...new Set([...Object.keys(off), ...Object.keys(on)])].map((key) => {
    const at = [...path, key];
    if (!Object.hasOwn(off, key)) return [{ object, path: at, isOn: true }];
    if (!Object.hasOwn(on, key)) return [{ object, path: at, isOn: false }];
    return differences(off[key], on[key], at, object);
  }));
}

function joined(parts: (Difference[] | undefined)[]): Difference[] | undefined {
  return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
}

function allDifferences(
  off: Map<string, KubernetesObject>,
  on: Map<string, KubernetesObject>,
): Difference[] | undefined {
  return joined([...new Set([...off.keys(), ...on.keys()])].map((object) => {
    const [left, right] = [off.get(object), on.get(object)];
    if (left === undefined) return [{ object, isOn: true }];
    if (right === undefined) return [{ object, isOn: false }];
    return differences(left, right, [], object);
  }));
}

function tryRender(render: Render, values: Values): ReturnType<Render> | undefined {
  try {
    return render(values);
  } catch {
    return undefined; // a mark in the place of a value that is read while rendering: that value is fixed
  }
}

/**
 * @param skipped values that the chart knows how to treat by itself
 * @param thresholds values beside the booleans that switch keys on and off
 */
export function mapValues(
  values: Values,
  render: Render,
  skipped: (path: string) => boolean,
  thresholds: readonly Switch[],
): ValuesMap {
  const base = render(values), fixed: string[] = [], taken = new Set<string>();
  const marks = new Map<string, string | number>(), switches = new Map<Switch, readonly Difference[]>();
  const leaves = leavesOf(values as unknown as Tree).filter(([path]) => !skipped(path));
  for (const threshold of thresholds) {
    const [off, on] = [threshold.off, threshold.on].map((one) =>
      render(withValue(values, threshold.path, one))
    );
    switches.set(threshold, allDifferences(off!, on!)!.filter(({ isOn }) => isOn !== undefined));
  }
  for (const [index, [path, value]] of leaves.entries()) {
    if (typeof value === "boolean") {
      const [off, on] = [false, true].map((one) => tryRender(render, withValue(values, path, one)));
      const found = off === undefined || on === undefined ? undefined : allDifferences(off, on);
      const places = found?.map(({ object, path }) => JSON.stringify([object, path])) ?? [];
      // Two switches at one place would have to know of each other.
      if (found === undefined || places.some((place) => taken.has(place))) fixed.push(path);
      else if (found.length > 0) {
        switches.set({ path, on: true, off: false, expression: `.Values.${path}` }, found);
        for (const place of places) taken.add(place);
      }
      continue;
    }
    const mark = typeof value === "string"
      ? `mark${index}x`
      : typeof value === "number"
      ? NUMBER_BASE + index
      : ["mark"];
    const marked = tryRender(render, withValue(values, path, mark));
    const isCopy = marked !== undefined && marked.size === base.size && !Array.isArray(mark) &&
      [...base].every(([key, object]) =>
        marked.has(key) && isMarkedCopy(object, marked.get(key), value, mark)
      );
    const isFree = marked !== undefined && JSON.stringify([...marked]) === JSON.stringify([...base]);
    if (isCopy && !isFree) marks.set(path, mark as string | number);
    else if (!isFree) fixed.push(path);
  }
  return { marks, switches, fixed };
}
