import { dirname, fromFileUrl } from "../../tools/build/paths.ts";
import { Random, toBytes } from "./random.ts";
import { targets } from "./targets.ts";

const SEEDS = `${dirname(fromFileUrl(import.meta.url))}/seeds`;
const RUNS = 1500;

for (const target of targets()) {
  const seeds = [...Deno.readDirSync(SEEDS)].map(({ name }) => name).filter((name) =>
    name.startsWith(`${target.name}-`)
  );
  for (const seed of seeds.sort()) {
    Deno.test(`the input that once showed a fault shows none: ${seed}`, () =>
      target.check(Deno.readFileSync(`${SEEDS}/${seed}`)));
  }
  Deno.test(`${RUNS} inputs of the fuzzer show no fault: ${target.name}`, () => {
    for (let run = 0; run < RUNS; run++) target.check(toBytes(target.generate(new Random(run))));
  });
}
