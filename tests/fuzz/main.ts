/**
 * `deno task fuzz`: feeds the parsers with inputs that are nearly right, and stops at the first fault.
 *
 * usage: deno task fuzz [--runs N] [--seed S] [--target NAME]
 * An input that shows a fault is kept in tests/fuzz/seeds/ (and so tested by `deno task test` from then on).
 */
import { createHash } from "node:crypto";
import { dirname, fromFileUrl } from "../../tools/build/paths.ts";
import { Random, toBytes } from "./random.ts";
import type { Target } from "./target.ts";
import { targets } from "./targets.ts";

const SEEDS = `${dirname(fromFileUrl(import.meta.url))}/seeds`;

function option(name: string): string | undefined {
  const index = Deno.args.indexOf(`--${name}`);
  return index < 0 ? undefined : Deno.args[index + 1];
}

function faultOf(target: Target, input: string): string | undefined {
  try {
    target.check(toBytes(input));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Leaves out what the fault does not need. */
function shrink(target: Target, input: string): string {
  let shortest = input;
  for (let size = Math.ceil(input.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < shortest.length;) {
      const candidate = shortest.slice(0, at) + shortest.slice(at + size);
      if (faultOf(target, candidate) === undefined) at += size;
      else shortest = candidate;
    }
  }
  return shortest;
}

function report(target: Target, run: number, input: string): never {
  const shortest = shrink(target, input);
  const hash = createHash("sha256").update(toBytes(shortest)).digest("hex").slice(0, 12);
  const path = `${SEEDS}/${target.name}-${hash}.bin`;
  Deno.mkdirSync(SEEDS, { recursive: true });
  Deno.writeFileSync(path, toBytes(shortest));
  console.error(`${target.name}, run ${run}: ${faultOf(target, shortest)}`);
  console.error(JSON.stringify(shortest));
  console.error(`kept as ${path}`);
  Deno.exit(1);
}

const runs = Number(option("runs") ?? 20_000);
const seed = Number(option("seed") ?? Date.now() % 2 ** 31);
const wanted = option("target");
const chosen = targets().filter(({ name }) => wanted === undefined || name === wanted);
if (chosen.length === 0 || !Number.isInteger(runs) || !Number.isInteger(seed)) {
  console.error(
    `usage: deno task fuzz [--runs N] [--seed S] [--target ${targets().map(({ name }) => name).join("|")}]`,
  );
  Deno.exit(2);
}
for (const target of chosen) {
  const started = performance.now();
  for (let run = 0; run < runs; run++) {
    const input = target.generate(new Random(Math.imul(seed, 0x9e3779b1) + run));
    if (faultOf(target, input) !== undefined) report(target, run, input);
  }
  const seconds = (performance.now() - started) / 1000;
  console.log(`${target.name}: ${runs} runs from seed ${seed}, no fault, ${seconds.toFixed(1)} s`);
}
