/**
 * routes/ and islands/ -> dist/dashboard: what the dashboard's server imports instead of looking at the disk.
 *
 * Each island becomes a minified script of its own, what they share becomes chunks; scripts, style sheet and icon are
 * named by a digest of their content and kept as text in the module `assets.ts`, so that the server's bundle is whole
 * by itself. `manifest.ts` names routes, islands and assets (src/dashboard/fresh/manifest.ts).
 */
import { createHash } from "node:crypto";
import { type BuildStep, runDeno } from "./step.ts";

const OUTPUT = "dist/dashboard";
const STATIC = "src/dashboard/assets";
const TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

export const dashboardStep: BuildStep = {
  name: "dashboard",
  inputs: ["routes", "islands", "src/dashboard", "src/mesh", "deno.json", "tools/build/dashboard.ts"],
  outputs: [`${OUTPUT}/manifest.ts`, `${OUTPUT}/assets.ts`],
  async run(root) {
    const output = `${root}/${OUTPUT}`;
    await removeFolder(output);
    await Deno.mkdir(`${output}/entries`, { recursive: true });
    const routes = sourcesBelow(`${root}/routes`);
    const islands = sourcesBelow(`${root}/islands`).filter((file) => /^[A-Z]\w*\.tsx$/.test(file))
      .map((file) => file.replace(".tsx", ""));
    const scripts = await bundleIslands(root, islands);
    const assets = new Map<string, string>();
    const names = new Map<string, string>();
    const add = (name: string, body: string): string => {
      const digest = createHash("sha256").update(body).digest("hex").slice(0, 10);
      const [, stem, ending] = /^(.*)\.(\w+)$/.exec(name)!;
      const path = `/assets/${stem}-${digest}.${ending}`;
      assets.set(path, body);
      names.set(name, path);
      return path;
    };
    for (const file of Deno.readDirSync(`${root}/${STATIC}`)) {
      const body = await Deno.readTextFile(`${root}/${STATIC}/${file.name}`);
      add(file.name, file.name.endsWith(".css") ? shorterCss(body) : body);
    }
    // Chunks carry a digest in their names already, and are imported by that name.
    for (const [name, body] of scripts) {
      if (!islands.includes(name.replace(".js", ""))) assets.set(`/assets/${name}`, body);
    }
    const found = islands.map((name) => {
      const body = scripts.get(`${name}.js`);
      if (body === undefined) throw new Error(`islands/${name}.tsx: the bundler made no script of it`);
      const preloads = [...body.matchAll(/from"\.\/([\w.-]+\.js)"/g)].map((match) => `/assets/${match[1]}`);
      return { name, script: add(`${name}.js`, body), preloads };
    });
    await Deno.writeTextFile(`${output}/assets.ts`, assetsModule(assets));
    await Deno.writeTextFile(`${output}/manifest.ts`, manifestModule(routes, found, names));
    await removeFolder(`${output}/entries`);
  },
};

/** @returns the text of every script made, by its name */
async function bundleIslands(root: string, islands: readonly string[]): Promise<Map<string, string>> {
  const made = new Map<string, string>();
  if (islands.length === 0) return made;
  const entries = `${root}/${OUTPUT}/entries`;
  for (const name of islands) {
    const text = `import { hydrateIsland } from "../../../src/dashboard/fresh/client.ts";\n` +
      `import Island from "../../../islands/${name}.tsx";\nhydrateIsland(${JSON.stringify(name)}, Island);\n`;
    await Deno.writeTextFile(`${entries}/${name}.ts`, text);
  }
  await runDeno(root, [
    "bundle",
    "--quiet",
    ...["--platform", "browser", "--minify", "--code-splitting", "--outdir", `${entries}/out`],
    ...islands.map((name) => `${OUTPUT}/entries/${name}.ts`),
  ]);
  for (const file of sourcesBelow(`${entries}/out`)) {
    made.set(file.split("/").at(-1)!, await Deno.readTextFile(`${entries}/out/${file}`));
  }
  return made;
}

function assetsModule(assets: ReadonlyMap<string, string>): string {
  const entries = [...assets].map(([path, body]) => {
    const type = TYPES[path.split(".").at(-1)!];
    if (type === undefined) throw new Error(`${path}: no media type is known for it`);
    return `  ${JSON.stringify(path)}: { type: ${JSON.stringify(type)}, body: ${JSON.stringify(body)} },\n`;
  });
  return `export const assets = {\n${entries.join("")}};\n`;
}

function manifestModule(
  routes: readonly string[],
  islands: readonly { name: string; script: string; preloads: readonly string[] }[],
  names: ReadonlyMap<string, string>,
): string {
  const lines = [
    `import type { Manifest } from "../../src/dashboard/fresh/manifest.ts";`,
    `import { assets } from "./assets.ts";`,
    ...routes.map((file, at) => `import * as route${at} from ${JSON.stringify(`../../routes/${file}`)};`),
    ...islands.map(({ name }, at) =>
      `import island${at} from ${JSON.stringify(`../../islands/${name}.tsx`)};`
    ),
    "",
    "export const manifest: Manifest = {",
    "  assets,",
    `  names: ${JSON.stringify(Object.fromEntries(names))},`,
    "  routes: {",
    ...routes.map((file, at) => `    ${JSON.stringify(file)}: route${at},`),
    "  },",
    "  islands: [",
    ...islands.map((island, at) => `    { component: island${at}, ...${JSON.stringify(island)} },`),
    "  ],",
    "};",
    "",
  ];
  return lines.join("\n");
}

/** Paths of the modules below a folder, relative to it, without tests. */
function sourcesBelow(folder: string, prefix = ""): string[] {
  return [...Deno.readDirSync(`${folder}/${prefix}`)].flatMap((entry) => {
    const path = prefix + entry.name;
    if (entry.isDirectory) return sourcesBelow(folder, `${path}/`);
    return /\.(tsx?|js)$/.test(path) && !/_test\.tsx?$/.test(path) ? [path] : [];
  }).sort();
}

/** Without comments and indentation: the rest is left to compression. */
function shorterCss(text: string): string {
  return text.replace(/\/\*[^]*?\*\//g, "").replace(/\s*\n\s*/g, "\n").trim();
}

async function removeFolder(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
