/**
 * The self-contained JavaScript that images, pods and the packaged CLI run: one folder per program under dist/, with
 * shared chunks, so that what a role does not need is not loaded. A bundle starts in half the time of its sources.
 */
import { bodyFile, makeLean } from "./lean.ts";
import { type BuildStep, runDeno } from "./step.ts";

/** Programs that are one file: started in every pod, so that every file read and every byte counts. */
const SINGLE: Readonly<Record<string, { entry: string; inputs: readonly string[] }>> = {
  proxy: {
    entry: "src/proxy/main.ts",
    inputs: ["src/proxy", "src/wasm", "src/linux", "src/mesh", "asm", "proto", "deno.json"],
  },
  demo: { entry: "src/local/demo/shop.ts", inputs: ["src/local/demo", "deno.json"] },
  init: { entry: "src/init/main.ts", inputs: ["src/init", "src/linux", "deno.json"] },
  validator: { entry: "src/init/validator.ts", inputs: ["src/init", "deno.json"] },
  await: { entry: "src/init/await.ts", inputs: ["src/init", "deno.json"] },
  cni: {
    entry: "src/cni/main.ts",
    inputs: ["src/cni", "src/init", "src/kube", "src/mesh", "src/linux", "deno.json"],
  },
  "cni-plugin": {
    entry: "src/cni/plugin.ts",
    inputs: ["src/cni", "src/init", "src/kube", "src/mesh", "src/linux", "deno.json"],
  },
  sleep: { entry: "src/init/sleep.ts", inputs: ["src/init", "deno.json"] },
};

/** Libraries that a program of one file asks for in the middle of its work, and mostly never: CommonJS. */
const REQUIRED: Readonly<Record<string, { entry: string; inputs: readonly string[] }>> = {
  regex: {
    entry: "src/proxy/route/regex_library.ts",
    inputs: ["src/proxy/route/regex_library.ts", "deno.json"],
  },
};

/** Programs that load their parts when they need them. */
const SPLIT: Readonly<Record<string, { entry: string; inputs: readonly string[] }>> = {
  controller: {
    entry: "src/control/main.ts",
    inputs: [
      "src/control",
      "src/kube",
      "src/mesh",
      "src/linux",
      "src/dashboard",
      "routes",
      "islands",
      "proto",
      "manifests",
      "deno.json",
    ],
  },
  node: {
    entry: "src/local/node.ts",
    inputs: ["src/local", "src/kube", "src/mesh", "src/linux", "src/init", "deno.json"],
  },
  linkerd: {
    entry: "src/cli/main.ts",
    inputs: [
      "src/cli",
      "src/local",
      "src/kube",
      "src/mesh",
      "src/linux",
      "src/init",
      "src/control",
      "manifests",
      "proto",
      "deno.json",
    ],
  },
};

/** The program in every pod. */
const LEAN: ReadonlySet<string> = new Set(["proxy"]);

function requiredStep(name: string, entry: string, inputs: readonly string[]): BuildStep {
  const output = `dist/${name}.cjs`;
  return {
    name: `bundle-${name}`,
    inputs: [...inputs, "tools/build/bundles.ts"],
    outputs: [output],
    async run(root) {
      const flags = ["--quiet", "--platform", "deno", "--minify", "--format", "cjs"];
      await runDeno(root, ["bundle", ...flags, "--output", output, entry]);
    },
  };
}

function bundleStep(name: string, entry: string, inputs: readonly string[], isSplit: boolean): BuildStep {
  const output = isSplit ? `dist/${name}` : `dist/${name}.js`;
  return {
    name: `bundle-${name}`,
    inputs: [...inputs, "tools/build/bundles.ts", "tools/build/lean.ts"],
    outputs: [output, ...(LEAN.has(name) ? [`dist/${bodyFile(name)}`] : [])],
    async run(root) {
      if (isSplit) await removeFolder(`${root}/${output}`); // chunks are named by their content: old ones would stay
      const where = isSplit ? ["--code-splitting", "--outdir", output] : ["--output", output];
      const minify = isSplit ? [] : ["--minify"];
      await runDeno(root, ["bundle", "--quiet", "--platform", "deno", ...minify, ...where, entry]);
      if (isSplit) await loadLate(`${root}/${output}`);
      if (LEAN.has(name)) makeLean(`${root}/dist`, name);
    },
  };
}

/**
 * Loads node:fs and node:child_process when they are first used. The parser of command lines imports both for programs
 * that start others by name, which ours does not, and they take 15 of the 90 ms of `linkerd version --client`.
 */
async function loadLate(directory: string): Promise<void> {
  for await (const { name } of Deno.readDir(directory)) {
    const path = `${directory}/${name}`, text = await Deno.readTextFile(path);
    const late = text.replace(
      /^import (\w+) from ("node:(?:fs|child_process)");$/gm,
      "const $1 = new Proxy({}, { get: (_, name) => globalThis.process.getBuiltinModule($2)[name] });",
    );
    if (late !== text) await Deno.writeTextFile(path, late);
  }
}

export const bundleSteps: readonly BuildStep[] = [
  ...Object.entries(SINGLE).map(([name, { entry, inputs }]) => bundleStep(name, entry, inputs, false)),
  ...Object.entries(REQUIRED).map(([name, { entry, inputs }]) => requiredStep(name, entry, inputs)),
  ...Object.entries(SPLIT).map(([name, { entry, inputs }]) => bundleStep(name, entry, inputs, true)),
];

async function removeFolder(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
