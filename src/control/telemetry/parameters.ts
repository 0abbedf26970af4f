/** Parameters of a query string, as every path of the statistics API reads them. */
import { RESOURCE_KINDS, type StatKind, statKind } from "../../mesh/api.ts";
import { badRequest } from "./answers/context.ts";

/** Parameters by name, each read at most once; what is left over was misspelt. */
export class Parameters {
  readonly #values: Map<string, string>;
  readonly #known: string[] = [];
  constructor(url: URL) {
    this.#values = new Map([...url.searchParams].filter(([, value]) => value !== ""));
  }

  text(name: string): string | undefined {
    this.#known.push(name);
    const value = this.#values.get(name);
    this.#values.delete(name);
    return value;
  }

  kind(name: string): StatKind | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const kind = statKind(text);
    if (kind === undefined) {
      throw badRequest(
        "kind-unknown",
        `${name}=${text} is no kind`,
        `it is one of ${RESOURCE_KINDS.join(", ")}`,
      );
    }
    return kind;
  }

  required<T>(name: string, value: T | undefined): T {
    if (value === undefined) throw badRequest("parameter-missing", `the parameter ${name} is missing`);
    return value;
  }

  refuseOthers(): void {
    const [other] = this.#values.keys();
    if (other === undefined) return;
    throw badRequest(
      "parameter-unknown",
      `there is no parameter ${other}`,
      `known: ${this.#known.join(", ")}`,
    );
  }
}

/** Only the fields that are set. */
export function given<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
