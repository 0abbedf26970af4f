/**
 * Label selectors, as text (`app=web,tier!=db,env in (a, b)`) and as the object used in specs.
 *
 * Source: k8s.io/apimachinery/pkg/labels; the object form is `metav1.LabelSelector`.
 */
import type { LabelSelector } from "./resource.ts";

export type Labels = Record<string, string>;

interface Requirement {
  key: string;
  operator: "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt";
  values: readonly string[];
}

/** True for an object whose labels meet every requirement. */
export type LabelMatcher = (labels: Labels | undefined) => boolean;

function meets(requirement: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
  switch (requirement.operator) {
    case "In":
      return value !== undefined && requirement.values.includes(value);
    case "NotIn":
      return value === undefined || !requirement.values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return value !== undefined && Number(value) > Number(requirement.values[0]);
    case "Lt":
      return value !== undefined && Number(value) < Number(requirement.values[0]);
  }
}

const NO_LABELS: Labels = {};

function matcher(requirements: readonly Requirement[]): LabelMatcher {
  if (requirements.length === 0) return () => true;
  return (labels = NO_LABELS) => requirements.every((requirement) => meets(requirement, labels));
}

/**
 * The matcher of a spec's selector.
 *
 * @param selector `undefined` matches nothing, `{}` everything, as in Kubernetes
 */
export function matchLabelSelector(selector: LabelSelector | undefined): LabelMatcher {
  if (selector === undefined || selector === null) return () => false;
  const requirements: Requirement[] = Object.entries(selector.matchLabels ?? {})
    .map(([key, value]) => ({ key, operator: "In", values: [value] }));
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    requirements.push({ key, operator: operator as Requirement["operator"], values: values ?? [] });
  }
  return matcher(requirements);
}

/** The matcher of a plain map, as Services have one; an empty or missing map matches nothing. */
export function matchLabelMap(map: Labels | undefined): LabelMatcher {
  const entries = Object.entries(map ?? {});
  if (entries.length === 0) return () => false;
  return (labels = NO_LABELS) => entries.every(([key, value]) => labels[key] === value);
}

const KEY = /^([A-Za-z0-9][-A-Za-z0-9_.]*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

/**
 * Parses the text form.
 *
 * @throws SyntaxError naming the part that does not parse
 */
export function parseLabelSelector(text: string): LabelMatcher {
  return matcher(parseRequirements(text));
}

function parseRequirements(text: string): Requirement[] {
  const requirements: Requirement[] = [];
  for (const part of splitOutsideParentheses(text)) {
    const piece = part.trim();
    if (piece === "") continue;
    requirements.push(parseRequirement(piece));
  }
  return requirements;
}

function parseRequirement(piece: string): Requirement {
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(piece);
  if (set !== null) {
    const values = set[3]!.split(",").map((value) => value.trim());
    return { key: checkKey(set[1]!, piece), operator: set[2] === "in" ? "In" : "NotIn", values };
  }
  if (piece.startsWith("!")) {
    return { key: checkKey(piece.slice(1).trim(), piece), operator: "DoesNotExist", values: [] };
  }
  const pair = /^([^=!<>\s]+)\s*(==|=|!=|>|<)\s*([^=!<>\s]*)$/.exec(piece);
  if (pair !== null) {
    const operators = { "=": "In", "==": "In", "!=": "NotIn", ">": "Gt", "<": "Lt" } as const;
    return {
      key: checkKey(pair[1]!, piece),
      operator: operators[pair[2] as keyof typeof operators],
      values: [pair[3]!],
    };
  }
  return { key: checkKey(piece, piece), operator: "Exists", values: [] };
}

function checkKey(key: string, piece: string): string {
  if (!KEY.test(key)) throw new SyntaxError(`unable to parse requirement: "${piece}"`);
  return key;
}

function splitOutsideParentheses(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === "(") depth++;
    else if (character === ")") depth--;
    else if (character === "," && depth === 0) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

/** The text form of a spec's selector: what `?labelSelector=` takes. */
export function formatLabelSelector(selector: LabelSelector): string {
  const parts = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    if (operator === "Exists") parts.push(key);
    else if (operator === "DoesNotExist") parts.push(`!${key}`);
    else parts.push(`${key} ${operator === "In" ? "in" : "notin"} (${(values ?? []).join(",")})`);
  }
  return parts.join(",");
}
