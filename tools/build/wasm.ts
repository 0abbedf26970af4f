/** asm/ -> dist/wasm/*.wasm, by the AssemblyScript compiler. */
import { type BuildStep, runDeno } from "./step.ts";
import { headerNameTable } from "./header_names.ts";
import { hpackTables } from "./hpack_tables.ts";

const FLAGS = ["-O3", "--noAssert", "--runtime", "stub", "--importMemory", "--initialMemory", "1"];
/** A module says which kind of memory it imports, so there is one for each. */
const KINDS = [
  { file: "mesh.wasm", flags: ["--enable", "simd,relaxed-simd"] },
  {
    file: "mesh_shared.wasm",
    flags: ["--enable", "simd,relaxed-simd,threads", "--sharedMemory", "--maximumMemory", "65536"],
  },
] as const;

async function buildWasm(root: string): Promise<void> {
  Deno.mkdirSync(`${root}/asm/gen`, { recursive: true });
  Deno.mkdirSync(`${root}/dist/wasm`, { recursive: true });
  Deno.writeTextFileSync(`${root}/asm/gen/name_table.ts`, headerNameTable());
  Deno.writeTextFileSync(`${root}/asm/gen/hpack_tables.ts`, hpackTables());
  await Promise.all(KINDS.map(({ file, flags }) => {
    const output = ["--outFile", `dist/wasm/${file}`];
    return runDeno(root, [
      "run",
      "-A",
      "npm:assemblyscript@0.28.20/asc",
      "asm/mesh.ts",
      ...output,
      ...FLAGS,
      ...flags,
    ]);
  }));
}

export const wasmStep: BuildStep = {
  name: "wasm",
  inputs: [
    "asm",
    "tools/build/wasm.ts",
    "tools/build/header_names.ts",
    "tools/build/hpack_tables.ts",
    "tools/build/huffman.ts",
    "tools/build/coded_texts.ts",
    "tools/build/data.ts",
  ],
  outputs: ["dist/wasm/mesh.wasm", "dist/wasm/mesh_shared.wasm", "asm/gen/name_table.ts"],
  run: buildWasm,
};
