/**
 * The `linkerd` command. Commands are described here and loaded when they are run: start-up stays far below 100 ms.
 * Exit codes: 0 done, 1 failed, 2 wrong usage.
 */
import { Command, CommanderError, type Option } from "commander";
import { formatMeshError, type MeshError } from "../mesh/error.ts";
import { formatJson } from "../mesh/table.ts";
import { COMMANDS } from "./commands.ts";
import { type Environment, SYSTEM } from "./environment.ts";
import { findExtension } from "./extension.ts";
import { describeFailure, usageFailure } from "./failure.ts";
import { addGlobalOptions, type GlobalOptions } from "./global_options.ts";

function isJsonWanted(args: readonly string[]): boolean {
  return args.some((argument, index) =>
    argument === "-ojson" || argument === "-o=json" || argument === "--output=json" ||
    ((argument === "-o" || argument === "--output") && args[index + 1] === "json")
  );
}

/** As commander has it, without the defaults that go without saying: no, and none. */
function optionDescription(option: Option): string {
  const notes = [
    ...(option.argChoices === undefined ? [] : [`choices: ${option.argChoices.join(", ")}`]),
    ...(typeof option.defaultValue === "string" ? [`default: ${option.defaultValue}`] : []),
  ];
  return notes.length === 0 ? option.description : `${option.description} (${notes.join("; ")})`;
}

/** The whole program, described: what the help, the parser and the shells' completion read. */
export function createProgram(environment: Environment, finish: (code: number) => void = () => {}): Command {
  const program = new Command("linkerd")
    .description("A service mesh for Kubernetes and laptops: mutual TLS, golden metrics, policy, balancing.")
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => environment.print(text),
      writeErr: (text) => environment.tell(text),
      outputError: () => {}, // told once, in runCli
    })
    .configureHelp({ sortSubcommands: true, optionDescription });
  addGlobalOptions(program, environment);
  for (const describe of COMMANDS) {
    describe(program, async (run) => {
      const code = await run(program.opts<GlobalOptions>(), environment);
      if (typeof code === "number") finish(code);
    });
  }
  return program;
}

/** `error: unknown option '--x'\n(Did you mean --y?)` as a record. */
function usageError(error: CommanderError): MeshError {
  const [first = "", ...rest] = error.message.replace(/^error: /, "").split("\n");
  const meant = rest.join(" ").replace(/^\(|\)$/g, "").toLowerCase();
  const code = error.code.replace(/^commander\./, "").replace(
    /[A-Z]/g,
    (letter) => `-${letter.toLowerCase()}`,
  );
  return { code, source: "usage", detail: first, remedy: meant || "see what there is with --help" };
}

/** Runs a command line. @returns the exit code */
export async function runCli(args: readonly string[], environment: Environment = SYSTEM): Promise<number> {
  let code = 0;
  const program = createProgram(environment, (given) => code = given);
  const fail = (record: MeshError): number => {
    if (isJsonWanted(args)) environment.print(formatJson({ error: record }));
    else environment.tell(`${formatMeshError(record)}\n`);
    return record.source === "usage" ? 2 : 1;
  };
  try {
    const extension = extensionOf(program, args, environment);
    if (extension !== undefined) return await environment.run(extension, args.slice(1));
    await program.parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    // Whoever read our output has seen enough (`linkerd install | head`): nothing is wrong.
    if (error instanceof Deno.errors.BrokenPipe) return 0;
    if (!(error instanceof CommanderError)) return fail(describeFailure(error));
    if (error.exitCode === 0) return 0;
    // Help was printed, since a group was named without its command.
    return error.code === "commander.help" ? (args.length === 0 ? 0 : 2) : fail(usageError(error));
  }
}

/** @throws MeshFailure when flags come before an extension's name, which would not get them */
function extensionOf(
  program: Command,
  args: readonly string[],
  environment: Environment,
): string | undefined {
  const at = args.findIndex((argument) => !argument.startsWith("-"));
  const name = args[at];
  const isOwn = (word: string) =>
    word === "help" || program.commands.some((each) => each.name() === word || each.aliases().includes(word));
  if (name === undefined || isOwn(name) || args.some(isOwn)) return undefined;
  const extension = findExtension(name, environment.variable("PATH"));
  if (extension !== undefined && at > 0) {
    throw usageFailure(
      "flags-before-extension",
      `cannot accept flags before the extension's name: ${args.slice(0, at).join(" ")} ${name}`,
      `say linkerd ${name} ${args.slice(0, at).join(" ")}`,
    );
  }
  return extension;
}

if (import.meta.main) Deno.exit(await runCli(Deno.args));
