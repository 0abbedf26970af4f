/** How one kind is shown in a table. */
import type { StoredObject } from "../object.ts";

export interface ColumnDefinition {
  name: string;
  type: string;
  format: string;
  description: string;
  /** Above 0: only with `-o wide`. */
  priority: number;
}

export type Cell = string | number | boolean | null;

export interface Printer {
  columns: ColumnDefinition[];
  cells(object: StoredObject, now: Date): Cell[];
}

/** Shorthand for a printer's columns: `Ready`, `Restarts:integer`, `IP+` (wide only). */
export function columns(...shorthands: string[]): ColumnDefinition[] {
  return shorthands.map((shorthand) => {
    const isWide = shorthand.endsWith("+");
    const [name = "", type = "string"] = shorthand.replace(/\+$/, "").split(":");
    return {
      name,
      type,
      format: name === "Name" ? "name" : "",
      description: name === "Name" ? "Name must be unique within a namespace." : `${name} of the object.`,
      priority: isWide ? 1 : 0,
    };
  });
}
