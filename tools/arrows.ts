/**
 * The arrows between modules: prints them, and fails on one that points back (design: cli, dashboard, local → control
 * → kube, mesh; proxy → wasm, linux, mesh). Tests may import what they like.
 */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  cli: ["local", "control", "kube", "mesh", "manifests"],
  dashboard: ["mesh", "kube"],
  local: ["control", "kube", "mesh", "linux", "init", "manifests"],
  control: ["kube", "mesh", "dashboard", "linux"],
  manifests: ["control", "kube", "mesh"],
  kube: ["mesh"],
  mesh: [],
  proxy: ["wasm", "linux", "mesh"],
  init: ["linux", "mesh"],
  cni: ["init", "kube", "mesh", "linux"],
  wasm: ["linux"],
  linux: [],
};

const root = new URL("..", import.meta.url).pathname;

function* sources(directory: string): Generator<string> {
  for (const entry of Deno.readDirSync(directory)) {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory) yield* sources(path);
    else if (/\.tsx?$/.test(entry.name) && !/_test\.tsx?$/.test(entry.name)) yield path;
  }
}

/** `src/proxy/main.ts` → `proxy`; undefined for what is no module of the design. */
function moduleOf(path: string): string | undefined {
  const [first = "", second = ""] = path.slice(root.length).split("/");
  if (first === "manifests") return first;
  return first === "src" ? second : undefined;
}

const arrows = new Map<string, string>(), wrong: string[] = [];
for (const directory of [`${root}src`, `${root}manifests`]) {
  for (const file of sources(directory)) {
    const from = moduleOf(file);
    if (from === undefined || file.includes("/testing/") || /\/(cases|test_cluster)\.ts$/.test(file)) {
      continue;
    }
    for (const [, target = ""] of Deno.readTextFileSync(file).matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)) {
      const to = moduleOf(new URL(target, `file://${file}`).pathname);
      if (to === undefined || to === from) continue;
      arrows.set(`${from} → ${to}`, file.slice(root.length));
      if (!(ALLOWED[from] ?? []).includes(to)) wrong.push(`${file.slice(root.length)} imports ${target}`);
    }
  }
}
for (const arrow of [...arrows.keys()].sort()) console.log(arrow);
if (wrong.length > 0) {
  console.error(`\narrows that point back:\n${wrong.map((each) => `  ${each}`).join("\n")}`);
  Deno.exit(1);
}
