/**
 * `--set a.b.c=value` and `--values FILE` over the installation's values, as Helm reads them. A path that means nothing
 * is an error that names the nearest one that does: a typo must not become a silent default.
 */
import { mergeValues, type PartialValues, type Values } from "../../mesh/values.ts";
import { usageFailure } from "../failure.ts";
import { distance, nearest } from "../nearest.ts";
import { isForeignValue } from "./foreign_values.ts";

type Tree = { [key: string]: unknown };
type Step = string | number;
/** Told of values that have no effect here. */
export type Warn = (text: string) => void;

const SEE =
  "see the values there are, and their defaults, with `linkerd install --ignore-cluster | grep -A200 values:`";

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

interface Leaf {
  readonly steps: readonly string[];
  readonly value: unknown;
}

function leaves(tree: Tree, above: readonly string[] = []): Leaf[] {
  return Object.entries(tree).flatMap(([key, value]) => {
    const steps = [...above, key];
    return isTree(value) && Object.keys(value).length > 0 ? leaves(value, steps) : [{ steps, value }];
  });
}

function pathsOf(values: Values): string[] {
  return leaves(values as unknown as Tree).map(({ steps }) => steps.join("."));
}

/** `a.b[0].c` → a, b, 0, c. A dot after a backslash belongs to the key. */
function stepsOf(path: string): Step[] {
  return path.split(/(?<!\\)\./).flatMap((part) => {
    const [, key = "", indices = ""] = /^(.*?)((?:\[\d+\])*)$/.exec(part)!;
    const numbers = [...indices.matchAll(/\d+/g)].map(([digits]) => Number(digits));
    return [key.replaceAll("\\.", "."), ...numbers];
  });
}

/** Where a path leads: a value that is there, a place inside a list or open map, where anything goes, or nowhere. */
function look(values: Values, steps: readonly Step[]): { at: unknown } | "open" | "nowhere" {
  let at: unknown = values;
  for (const step of steps) {
    if (Array.isArray(at) || (isTree(at) && Object.keys(at).length === 0)) return "open";
    if (!isTree(at) || at[step] === undefined) return isOpen(steps) ? "open" : "nowhere";
    at = at[step];
  }
  return { at };
}

/** Label selectors, and what is said of every pod in traces, may have keys that the defaults have not. */
function isOpen(steps: readonly Step[]): boolean {
  return steps.some((step) => step === "namespaceSelector" || step === "objectSelector") ||
    (steps.length === 4 && steps.slice(0, 3).join(".") === "proxy.tracing.labels");
}

function put(at: unknown, steps: readonly Step[], value: unknown): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) return value;
  if (typeof step === "number") {
    const list: unknown[] = Array.isArray(at) ? [...at] : [];
    list[step] = put(list[step], rest, value);
    return list;
  }
  const tree: Tree = isTree(at) ? { ...at } : {};
  tree[step] = put(tree[step], rest, value);
  return tree;
}

const unescape = (text: string) => text.replaceAll("\\,", ",");

/** Helm's guess where nothing says what is wanted. */
function guess(text: string): unknown {
  if (text === "true" || text === "false") return text === "true";
  if (text === "null") return null;
  return /^(0|-?[1-9]\d*)$/.test(text) ? Number(text) : text;
}

function typed(text: string, like: unknown, path: string): unknown {
  if (typeof like === "string") return text;
  if (typeof like === "number" && text.trim() !== "" && Number.isFinite(Number(text))) return Number(text);
  if (typeof like === "boolean" && (text === "true" || text === "false")) return text === "true";
  if (Array.isArray(like) && /^\{.*\}$/s.test(text)) {
    return text.slice(1, -1).split(/(?<!\\),/).map((item) => unescape(item.trim())).filter((item) =>
      item !== ""
    );
  }
  const wanted = Array.isArray(like)
    ? "a list: write {one,two}, or use --values FILE"
    : isTree(like)
    ? `a value but a group of ${Object.keys(like).join(", ")}: name one of them, or use --values FILE`
    : `a ${typeof like}`;
  throw usageFailure("value-invalid", `--set ${path}: "${text}" is not ${wanted}`, SEE);
}

function unknownValue(values: Values, where: string, path: string) {
  return usageFailure(
    "value-unknown",
    `${where}: there is no such value`,
    `did you mean ${nearest(path, pathsOf(values))}?`,
  );
}

/** Applies one `path=value`. @throws MeshFailure for a path or value that does not fit */
export function setValue(values: Values, assignment: string, isText = false, warn: Warn = () => {}): Values {
  const equals = assignment.indexOf("=");
  if (equals < 1) {
    throw usageFailure(
      "set-invalid",
      `--set ${assignment}: it is not path=value`,
      "for example --set controllerReplicas=3",
    );
  }
  const path = assignment.slice(0, equals).trim(), text = assignment.slice(equals + 1), steps = stepsOf(path);
  const found = look(values, steps);
  if (found === "nowhere") {
    if (!isForeignValue(path)) throw unknownValue(values, `--set ${path}`, path);
    warn(`--set ${path}: it has no effect here`);
    return values;
  }
  const value = found === "open"
    ? isText ? text : guess(text)
    : isText && typeof found.at === "string"
    ? text
    : typed(text, found.at, path);
  return put(values, steps, value) as Values;
}

/**
 * Applies a `--set` argument, which may hold several assignments between commas. What follows a comma and names no
 * value belongs to the text before it (`proxy.logLevel=warn,linkerd=debug`), unless it looks like a misspelt one.
 */
export function setValues(values: Values, argument: string, isText = false, warn?: Warn): Values {
  const assignments: string[] = [];
  for (const piece of argument.split(/(?<!\\),(?![^{]*\})/)) {
    const path = piece.split("=", 1)[0]!.trim(), last = assignments.length - 1;
    const isAssignment = piece.includes("=") &&
      (look(values, stepsOf(path)) !== "nowhere" || isForeignValue(path) || isNearMiss(values, path));
    if (last < 0 || isAssignment) assignments.push(piece);
    else assignments[last] += `,${piece}`;
  }
  return assignments.reduce((done, one) => setValue(done, unescape(one), isText, warn), values);
}

function isNearMiss(values: Values, path: string): boolean {
  const near = nearest(path, pathsOf(values));
  return near !== undefined && distance(path, near) <= Math.max(1, near.length / 4);
}

/** What a values file says at `path`, as what `like` is: numbers and booleans may stand for text. @throws MeshFailure */
function fitted(value: unknown, like: unknown, where: string): unknown {
  if (typeof value === typeof like && Array.isArray(value) === Array.isArray(like)) return value;
  if (typeof like === "string" && (typeof value === "number" || typeof value === "boolean")) {
    return String(value);
  }
  const wanted = Array.isArray(like) ? "a list" : isTree(like) ? "a group of values" : `a ${typeof like}`;
  throw usageFailure("value-invalid", `${where}: ${JSON.stringify(value)} is not ${wanted}`, SEE);
}

/**
 * Checks that a values file names only what there is, by values of its kind, then merges it. Null leaves a default as it
 * is. @throws MeshFailure
 */
export function mergeFile(values: Values, change: unknown, file: string, warn: Warn = () => {}): Values {
  if (!isTree(change)) throw usageFailure("values-invalid", `${file}: it is not a map of values`, SEE);
  let known: Tree = structuredClone(change);
  for (const { steps, value } of leaves(change)) {
    const path = steps.join("."), where = `${file}: ${path}`, found = look(values, steps);
    if (found === "nowhere") {
      if (!isForeignValue(path)) throw unknownValue(values, where, path);
      warn(`${where} has no effect here`);
    }
    if (found === "nowhere" || value === null) remove(known, steps);
    else if (found !== "open") known = put(known, steps, fitted(value, found.at, where)) as Tree;
  }
  return mergeValues(values, known as PartialValues);
}

function remove(tree: Tree, [step, ...rest]: readonly string[]): void {
  const inner = tree[step!];
  if (rest.length === 0) delete tree[step!];
  else if (isTree(inner)) {
    remove(inner, rest);
    if (Object.keys(inner).length === 0) delete tree[step!];
  }
}
