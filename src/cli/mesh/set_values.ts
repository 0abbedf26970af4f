/**
 * `--set a.b.c=value` and `--values FILE` over the installation's values. A path that means nothing is an error that
 * names the nearest one that does: a typo must not become a silent default.
 */
import { MeshFailure } from "../../mesh/error.ts";
import { mergeValues, type PartialValues, type Values } from "../../mesh/values.ts";

type Tree = { [key: string]: unknown };

function usage(code: string, detail: string, remedy: string): MeshFailure {
  return new MeshFailure({ code, source: "usage", detail, remedy });
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** All paths to leaves. */
function paths(tree: Tree, prefix = ""): string[] {
  return Object.entries(tree).flatMap(([key, value]) =>
    isTree(value) && Object.keys(value).length > 0 ? paths(value, `${prefix}${key}.`) : [`${prefix}${key}`]
  );
}

/** Levenshtein distance: insertions, deletions and substitutions that make one text the other. */
export function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, substituted));
    }
    row = next;
  }
  return row[b.length]!;
}

export function nearest(name: string, candidates: readonly string[]): string | undefined {
  return [...candidates].sort((a, b) => distance(name, a) - distance(name, b))[0];
}

function valueAt(values: Values, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => isTree(at) ? at[key] : undefined, values);
}

function typed(text: string, like: unknown, path: string): unknown {
  if (typeof like === "string") return text;
  if (typeof like === "number" && text.trim() !== "" && Number.isFinite(Number(text))) return Number(text);
  if (typeof like === "boolean" && (text === "true" || text === "false")) return text === "true";
  const wanted = Array.isArray(like) || isTree(like)
    ? "a list or group: use --values FILE"
    : `a ${typeof like}`;
  throw usage(
    "value-invalid",
    `--set ${path}: "${text}" is not ${wanted}`,
    "see the value's default with `linkerd install -o json`",
  );
}

/** Applies one `path=value`. @throws MeshFailure for a path or value that does not fit */
export function setValue(values: Values, assignment: string, isText = false): Values {
  const equals = assignment.indexOf("=");
  if (equals < 1) {
    throw usage(
      "set-invalid",
      `--set ${assignment}: it is not path=value`,
      "for example --set controllerReplicas=3",
    );
  }
  const path = assignment.slice(0, equals), text = assignment.slice(equals + 1), keys = path.split(".");
  const current = valueAt(values, keys);
  if (current === undefined) {
    const near = nearest(path, paths(values as unknown as Tree));
    throw usage("value-unknown", `--set ${path}: there is no such value`, `did you mean ${near}?`);
  }
  const value = isText && typeof current === "string" ? text : typed(text, current, path);
  const change = keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
  return mergeValues(values, change as PartialValues);
}

/** Checks that a values file names only what there is, then merges it. @throws MeshFailure */
export function mergeFile(values: Values, change: unknown, file: string): Values {
  if (!isTree(change)) {
    throw usage("values-invalid", `${file}: it is not a map of values`, "see `linkerd install -o json`");
  }
  for (const path of paths(change)) {
    const keys = path.split(".");
    // Below a list or an open map (selectors, resources) anything goes.
    for (let depth = 1; depth <= keys.length; depth++) {
      const at = valueAt(values, keys.slice(0, depth));
      if (at !== undefined && isTree(at) && Object.keys(at).length > 0) continue;
      if (at !== undefined) break;
      const near = nearest(path, paths(values as unknown as Tree));
      throw usage("value-unknown", `${file}: there is no value ${path}`, `did you mean ${near}?`);
    }
  }
  return mergeValues(values, change as PartialValues);
}
