/** Objects with marks in them, as a Helm template. */
import { stringify } from "yaml";
import { YAML_OPTIONS } from "../yaml_options.ts";
import { at, isTree, type Path, type Tree } from "./values_map.ts";

/** A mark's text, and the expression that stands for it: of text, or of a number. */
export interface Replacement {
  readonly mark: string | number;
  readonly expression: string;
  readonly isNumber: boolean;
}

/** A key that is there only under a condition. */
export interface Condition {
  readonly path: Path;
  readonly expression: string;
}

/** A leaf that is one thing or the other, as a condition says. */
export interface Choice {
  readonly path: Path;
  readonly expression: string;
  readonly on: unknown;
  readonly off: unknown;
}

/** Turns one object at a time into text; conditions are put into it beforehand. */
export class Template {
  readonly #replacements: readonly Replacement[];
  readonly #pattern: RegExp;
  readonly #places: string[] = [];
  readonly #whole: ReadonlyMap<string, string>;

  /** @param whole values that an expression takes the place of, by a mark anywhere in their JSON */
  constructor(replacements: readonly Replacement[], whole: ReadonlyMap<string, string> = new Map()) {
    // Longer marks first: one may begin like another.
    this.#replacements = [...replacements].sort((left, right) =>
      String(right.mark).length - String(left.mark).length
    );
    this.#pattern = new RegExp(`(${this.#replacements.map(({ mark }) => String(mark)).join("|")})`);
    this.#whole = whole;
  }

  #place(expression: string): string {
    this.#places.push(expression);
    return `place${this.#places.length - 1}place`;
  }

  /** A leaf as an expression; undefined for one without marks. */
  #expression(value: unknown): string | undefined {
    if (typeof value === "number") return this.#replacements.find(({ mark }) => mark === value)?.expression;
    if (typeof value !== "string") return undefined;
    const parts = value.split(this.#pattern);
    if (parts.length === 1) return undefined;
    const format = parts.map((part, index) => index % 2 === 1 ? "%s" : part.replaceAll("%", "%%")).join("");
    const values = parts.filter((_, index) => index % 2 === 1).map((mark) => {
      const found = this.#replacements.find((one) => String(one.mark) === mark)!;
      return found.isNumber ? `(${found.expression} | toString)` : found.expression;
    });
    return format === "%s" ? values[0]! : `(printf ${JSON.stringify(format)} ${values.join(" ")})`;
  }

  #leaf(value: unknown): unknown {
    const expression = this.#expression(value);
    return expression === undefined ? value : this.#place(`{{ ${expression} | toJson }}`);
  }

  #tree(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((one) => this.#tree(one));
    if (!isTree(value)) return this.#leaf(value);
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => {
        if (this.#pattern.test(key)) {
          throw new Error(`the key ${key} holds a value: the chart cannot have it`);
        }
        const whole = [...this.#whole].find(([mark]) => isNearest(inner, mark));
        return [key, whole === undefined ? this.#tree(inner) : this.#place(`{{ ${whole[1]} }}`)];
      }),
    );
  }

  /** The object with its conditional keys and choices. */
  text(object: unknown, conditions: readonly Condition[], choices: readonly Choice[]): string {
    const copy = this.#tree(object) as Tree;
    for (const { path, expression, on, off } of choices) {
      const [left, right] = [on, off].map((one) => this.#expression(one) ?? JSON.stringify(one));
      (at(copy, path.slice(0, -1)) as Tree)[path.at(-1)!] = this.#place(
        `{{ ternary ${left} ${right} ${expression} | toJson }}`,
      );
    }
    conditions.forEach(({ path }, index) => {
      const owner = at(copy, path.slice(0, -1)) as Tree, key = path.at(-1)!, value = owner[key];
      delete owner[key];
      Object.assign(owner, { [`when${index}when`]: 0, [key]: value, [`end${index}end`]: 0 });
    });
    const text = stringify(copy, YAML_OPTIONS);
    if (text.includes("{{")) throw new Error("a manifest holds what Helm would take for a template");
    return text
      .replace(
        /^\s*(?:- )?when(\d+)when: 0$/gm,
        (_, index: string) => `{{- if ${conditions[Number(index)]!.expression} }}`,
      )
      .replace(/^\s*end\d+end: 0$/gm, "{{- end }}")
      .replace(/place(\d+)place/g, (_, index: string) => this.#places[Number(index)]!);
  }
}

/** Whether a value holds a mark two levels below, as `resources: {requests: {cpu: mark}}` does. */
function isNearest(value: unknown, mark: string): boolean {
  return isTree(value) &&
    Object.values(value).some((inner) => isTree(inner) && Object.values(inner).includes(mark));
}
