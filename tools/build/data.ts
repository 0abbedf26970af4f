/** AssemblyScript source of a table in static memory. */
export function data(type: string, name: string, values: readonly number[]): string {
  return `export const ${name}: usize = memory.data<${type}>([${values.join(", ")}], 16);\n`;
}
