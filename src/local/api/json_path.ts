/**
 * The part of JSONPath that printer columns and scale paths use: `.spec.names[0].kind`,
 * `.metadata.labels['app\.kubernetes\.io/name']`, `.items[*].name`, `.conditions[?(@.type=="Ready")].status`.
 */
import { getOwn, isFields } from "./object.ts";

type Step =
  | { type: "field"; name: string }
  | { type: "index"; index: number }
  | { type: "all" }
  | { type: "filter"; path: string; operator: "==" | "!="; value: string };

const parsed = new Map<string, Step[] | undefined>();

/** @returns undefined when the path does not parse */
export function parseJsonPath(text: string): Step[] | undefined {
  if (parsed.has(text)) return parsed.get(text);
  const steps = parse(text);
  parsed.set(text, steps);
  return steps;
}

const FILTER = /^\[\?\(\s*@((?:\.[\w-]+)+)\s*(==|!=)\s*(?:"([^"]*)"|'([^']*)'|([\w.]+))\s*\)\]/;

function parse(text: string): Step[] | undefined {
  let rest = text.replace(/^\{/, "").replace(/\}$/, "").replace(/^\$/, "");
  if (rest !== "" && !rest.startsWith(".") && !rest.startsWith("[")) rest = `.${rest}`;
  const steps: Step[] = [];
  while (rest !== "") {
    let match: RegExpExecArray | null;
    if (rest === ".") break;
    if ((match = /^\[(\d+)\]/.exec(rest)) !== null) steps.push({ type: "index", index: Number(match[1]) });
    else if ((match = /^\.?\[\*\]|^\.\*/.exec(rest)) !== null) steps.push({ type: "all" });
    else if ((match = /^\['((?:[^'\\]|\\.)*)'\]|^\["((?:[^"\\]|\\.)*)"\]/.exec(rest)) !== null) {
      steps.push({ type: "field", name: unescape(match[1] ?? match[2] ?? "") });
    } else if ((match = FILTER.exec(rest)) !== null) {
      steps.push({
        type: "filter",
        path: match[1]!,
        operator: match[2] as "==" | "!=",
        value: match[3] ?? match[4] ?? match[5] ?? "",
      });
    } else if ((match = /^\.((?:[^.[\\]|\\.)+)/.exec(rest)) !== null) {
      steps.push({ type: "field", name: unescape(match[1]!) });
    } else return undefined;
    rest = rest.slice(match[0].length);
  }
  return steps;
}

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/g, "$1");
}

/** Every value a path leads to. */
export function queryPath(root: unknown, text: string): unknown[] {
  const steps = parseJsonPath(text);
  if (steps === undefined) return [];
  let values: unknown[] = [root];
  for (const step of steps) {
    values = values.flatMap((value) => follow(value, step));
    if (values.length === 0) break;
  }
  return values;
}

function follow(value: unknown, step: Step): unknown[] {
  if (step.type === "field") {
    const child = isFields(value) ? getOwn(value, step.name) : undefined;
    return child === undefined || child === null ? [] : [child];
  }
  if (step.type === "all") {
    return Array.isArray(value) ? value : isFields(value) ? Object.values(value) : [];
  }
  if (!Array.isArray(value)) return [];
  if (step.type === "index") return step.index < value.length ? [value[step.index]] : [];
  return value.filter((item) => {
    const isEqual = String(queryPath(item, step.path)[0] ?? "") === step.value;
    return step.operator === "==" ? isEqual : !isEqual;
  });
}

/** The first value a path leads to. */
export function getPath(root: unknown, text: string): unknown {
  return queryPath(root, text)[0];
}

/** Sets a value at a path of plain fields, making objects on the way. */
export function setPath(root: Record<string, unknown>, text: string, value: unknown): void {
  const steps = parseJsonPath(text) ?? [];
  let holder = root;
  for (const [index, step] of steps.entries()) {
    if (step.type !== "field") return;
    if (index === steps.length - 1) holder[step.name] = value;
    else {
      const child = getOwn(holder, step.name);
      const next = isFields(child) ? child : {};
      holder[step.name] = next;
      holder = next;
    }
  }
}
