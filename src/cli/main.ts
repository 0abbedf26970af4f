/**
 * The `linkerd` command. Commands are described here and loaded when they are run: start-up stays far below 100 ms.
 * Exit codes: 0 done, 1 failed, 2 wrong usage.
 */
import { Command, CommanderError } from "commander";
import { formatJson } from "../mesh/table.ts";
import { formatMeshError, MeshFailure, toMeshError } from "../mesh/error.ts";
import { COMMANDS } from "./commands.ts";
import type { GlobalOptions } from "./global_options.ts";
import { addGlobalOptions } from "./global_options.ts";

function isJsonWanted(args: readonly string[]): boolean {
  return args.some((argument, index) =>
    argument === "-ojson" || argument === "--output=json" ||
    ((argument === "-o" || argument === "--output") && args[index + 1] === "json")
  );
}

/** Runs a command line. @returns the exit code */
export async function runCli(args: readonly string[]): Promise<number> {
  const program = new Command("linkerd")
    .description("A service mesh for Kubernetes and laptops: mutual TLS, golden metrics, policy, balancing.")
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureHelp({ sortSubcommands: true });
  addGlobalOptions(program);
  let code = 0;
  for (const describe of COMMANDS) {
    describe(program, async (run) => {
      const done = await run(program.opts<GlobalOptions>());
      if (typeof done === "number") code = done;
    });
  }
  try {
    await program.parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    // Whoever read our output has seen enough (`linkerd install | head`): nothing is wrong.
    if (error instanceof Deno.errors.BrokenPipe) return 0;
    const record = toMeshError(error);
    if (isJsonWanted(args)) console.log(formatJson({ error: record }).trimEnd());
    else console.error(formatMeshError(record));
    return error instanceof MeshFailure && record.source === "usage" ? 2 : 1;
  }
}

if (import.meta.main) Deno.exit(await runCli(Deno.args));
