/** Runs the benchmark of the smallest pieces in a process of its own and makes a table of it. */
import { table } from "./report.ts";

interface BenchReport {
  readonly benches: readonly {
    readonly name: string;
    readonly results: readonly {
      readonly ok?: { readonly min: number; readonly avg: number; readonly p75: number };
    }[];
  }[];
}

/** Nanoseconds of one call; the benchmarks whose names end in `(x1000)` make a thousand of them. */
function perCall(name: string, nanoseconds: number): string {
  const calls = Number(/\(x(\d+)\)$/.exec(name)?.[1] ?? 1);
  return (nanoseconds / calls).toFixed(1);
}

/**
 * The fastest of some hundred batches is what the code takes while nobody else has the processor: beside others on the
 * same core the mean is up to twice as much.
 * @returns a Markdown table of nanoseconds for each call
 * @throws when the benchmark fails
 */
export async function microTable(): Promise<string> {
  const path = new URL("../micro.ts", import.meta.url).pathname;
  const args = ["bench", "-A", "--json", path];
  const result = await new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "piped" }).output();
  if (!result.success) throw new Error(`bench/micro.ts: ${new TextDecoder().decode(result.stderr)}`);
  const output = new TextDecoder().decode(result.stdout);
  const { benches } = JSON.parse(output.slice(output.indexOf("{"))) as BenchReport;
  const rows = benches.flatMap(({ name, results }) => {
    const ok = results[0]?.ok;
    return ok === undefined
      ? []
      : [[name.replace(/ \(x\d+\)$/, ""), ...[ok.min, ok.avg, ok.p75].map((one) => perCall(name, one))]];
  });
  return table(["call", "fastest (ns)", "mean (ns)", "p75 (ns)"], rows);
}
