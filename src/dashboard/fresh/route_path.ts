/**
 * File names as paths, after Fresh: `index` is the folder, `[name]` a segment, `[...rest]` all that follow, and a
 * folder in parentheses is left out.
 */

export interface RoutePattern {
  /** `/namespaces/:namespace/:rest*` */
  readonly text: string;
  readonly segments: readonly Segment[];
}

interface Segment {
  readonly kind: "exact" | "one" | "rest";
  readonly text: string;
}

/** @param file below routes/, with its ending */
export function routePattern(file: string): RoutePattern {
  const parts = file.replace(/\.[a-z]+$/, "").split("/").filter((part) => !/^\(.*\)$/.test(part));
  if (parts.at(-1) === "index") parts.pop();
  const segments = parts.map((part): Segment => {
    const rest = /^\[\.\.\.(\w+)\]$/.exec(part)?.[1];
    if (rest !== undefined) return { kind: "rest", text: rest };
    const one = /^\[(\w+)\]$/.exec(part)?.[1];
    return one === undefined ? { kind: "exact", text: part } : { kind: "one", text: one };
  });
  const spell = { exact: "", one: ":", rest: ":" } as const;
  const text = segments.map(({ kind, text }) => `/${spell[kind]}${text}${kind === "rest" ? "*" : ""}`).join(
    "",
  );
  return { text: text === "" ? "/" : text, segments };
}

const RANK = { exact: 0, one: 1, rest: 2 } as const;

/** Orders patterns so that the first that matches is the most exact. */
export function comparePatterns(left: RoutePattern, right: RoutePattern): number {
  const length = Math.max(left.segments.length, right.segments.length);
  for (let at = 0; at < length; at++) {
    const [a, b] = [left.segments[at], right.segments[at]];
    if (a === undefined || b === undefined) return a === undefined ? -1 : 1;
    if (a.kind !== b.kind) return RANK[a.kind] - RANK[b.kind];
  }
  return left.text < right.text ? -1 : 1;
}

/** @returns the values of the segments, decoded; undefined where the path does not match or is badly encoded */
export function matchPattern(pattern: RoutePattern, pathname: string): Record<string, string> | undefined {
  const given = pathname.split("/").filter((part, at, parts) =>
    part !== "" || (at > 0 && at < parts.length - 1)
  );
  const values: Record<string, string> = {};
  for (const [at, segment] of pattern.segments.entries()) {
    const part = segment.kind === "rest" ? given.slice(at).join("/") : given[at];
    if (part === undefined || part === "") return undefined;
    if (segment.kind === "exact" && part !== segment.text) return undefined;
    if (segment.kind !== "exact") {
      const decoded = decode(part);
      if (decoded === undefined) return undefined;
      values[segment.text] = decoded;
    }
    if (segment.kind === "rest") return values;
  }
  return given.length === pattern.segments.length ? values : undefined;
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined; // a stray `%`: such a path names nothing
  }
}

/** Folders of a file from routes/ down: `a/b/c.tsx` → ``, `a`, `a/b`. */
export function foldersOf(file: string): string[] {
  const parts = file.split("/").slice(0, -1);
  return ["", ...parts.map((_, at) => parts.slice(0, at + 1).join("/"))];
}
