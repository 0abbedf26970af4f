/**
 * `deno task build`: makes what is generated rather than written (WebAssembly, protobuf codecs, bundles) under
 * `dist/` and `proto/gen/`. Incremental: a step runs only when the bytes of its inputs changed since it last succeeded,
 * so every other task calls this first and pays about 20 ms when there is nothing to do.
 *
 * usage: deno run -A tools/build.ts [--force] [step ...]
 */
import { createHash } from "node:crypto";
import { dirname, fromFileUrl } from "./build/paths.ts";
import { exists } from "./command.ts";
import { protoStep } from "./build/proto.ts";
import { wasmStep } from "./build/wasm.ts";
import { bundleSteps } from "./build/bundles.ts";
import { dashboardStep } from "./build/dashboard.ts";
import type { BuildStep } from "./build/step.ts";

const root = dirname(dirname(fromFileUrl(import.meta.url)));
const steps: BuildStep[] = [wasmStep, protoStep, dashboardStep, ...bundleSteps];

/** All files below `path` (or `path` itself), sorted, without tests and generated folders. */
function filesBelow(path: string): string[] {
  const info = Deno.statSync(path);
  if (info.isFile) return [path];
  const found: string[] = [];
  for (const entry of Deno.readDirSync(path)) {
    if (entry.name === "gen" || entry.name === "node_modules" || entry.name.endsWith("_test.ts")) continue;
    found.push(...filesBelow(`${path}/${entry.name}`));
  }
  return found.sort();
}

/** A digest over the names and bytes of a step's inputs: what decides whether it must run again. */
function digestOf(inputs: readonly string[]): string {
  const hash = createHash("sha256");
  for (const input of inputs) {
    for (const file of filesBelow(`${root}/${input}`)) {
      hash.update(file.slice(root.length)).update("\0").update(Deno.readFileSync(file)).update("\0");
    }
  }
  return hash.digest("hex");
}

function readDigest(stamp: string): string {
  return exists(stamp) ? Deno.readTextFileSync(stamp) : "";
}

const wanted = Deno.args.filter((argument) => !argument.startsWith("-"));
const isForced = Deno.args.includes("--force");
const unknown = wanted.find((name) => !steps.some((step) => step.name === name));
if (unknown !== undefined) {
  console.error(`build: no step ${unknown}; there are ${steps.map((step) => step.name).join(", ")}`);
  Deno.exit(2);
}
Deno.mkdirSync(`${root}/dist/.stamps`, { recursive: true });
for (const step of steps) {
  if (wanted.length > 0 && !wanted.includes(step.name)) continue;
  const stamp = `${root}/dist/.stamps/${step.name}`;
  const digest = digestOf(step.inputs);
  const isFresh = readDigest(stamp) === digest && step.outputs.every((output) => exists(`${root}/${output}`));
  if (isFresh && !isForced) continue;
  const started = performance.now();
  await step.run(root);
  Deno.writeTextFileSync(stamp, digest);
  console.error(`build: ${step.name} ${((performance.now() - started) / 1000).toFixed(1)} s`);
}
