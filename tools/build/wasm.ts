/** asm/ -> dist/wasm/mesh.wasm, by the AssemblyScript compiler. */
import { type BuildStep, runDeno } from "./step.ts";
import { headerNameTable } from "./header_names.ts";
import { hpackTables } from "./hpack_tables.ts";

async function buildWasm(root: string): Promise<void> {
  Deno.mkdirSync(`${root}/asm/gen`, { recursive: true });
  Deno.mkdirSync(`${root}/dist/wasm`, { recursive: true });
  Deno.writeTextFileSync(`${root}/asm/gen/name_table.ts`, headerNameTable());
  Deno.writeTextFileSync(`${root}/asm/gen/hpack_tables.ts`, hpackTables());
  await runDeno(root, [
    "run",
    "-A",
    "npm:assemblyscript@0.28.20/asc",
    "asm/mesh.ts",
    "--outFile",
    "dist/wasm/mesh.wasm",
    "-O3",
    "--noAssert",
    "--runtime",
    "stub",
    "--importMemory",
    "--initialMemory",
    "1",
    "--enable",
    "simd",
  ]);
}

export const wasmStep: BuildStep = {
  name: "wasm",
  inputs: ["asm", "tools/build/wasm.ts", "tools/build/header_names.ts", "tools/build/hpack_tables.ts"],
  outputs: ["dist/wasm/mesh.wasm", "asm/gen/name_table.ts"],
  run: buildWasm,
};
