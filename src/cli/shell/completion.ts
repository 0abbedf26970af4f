/**
 * What may come next on a command line: read off the program's own description, so that no list is kept twice.
 *
 * Names of the cluster (namespaces) and of the kubeconfig (contexts) are asked for only where one is to be completed,
 * and for a second at most: a completion that hangs is worse than none. Results go to standard output by way of
 * `console.log`, as @bomb.sh/tab writes them.
 */
import {
  type ArgumentHandler,
  type Command as Target,
  type OptionHandler,
  RootCommand,
  script,
} from "@bomb.sh/tab";
import type { Argument, Command, Option } from "commander";
import { RESOURCE_KINDS } from "../../mesh/api.ts";
import { formatJson } from "../../mesh/table.ts";
import type { Environment } from "../environment.ts";
import type { GlobalOptions } from "../global_options.ts";

const LOOKUP_MS = 1_000;

/** The library prints what it makes: caught here, so that it may go out as JSON too. */
function scriptFor(shell: string): string {
  const lines: string[] = [], { log } = console;
  console.log = (line: string) => lines.push(line);
  try {
    script(shell, "linkerd", "linkerd");
  } finally {
    console.log = log;
  }
  return lines.join("\n") + "\n";
}

export function printScript(
  shell: string,
  options: { readonly output: string },
  environment: Environment,
): Promise<void> {
  const text = scriptFor(shell);
  environment.print(options.output === "json" ? formatJson({ shell, script: text }) : text);
  return Promise.resolve();
}

/** Names to complete with, by what stands in the angle brackets of a flag or argument. */
type Names = Readonly<Record<string, readonly string[]>>;

function handlerOf(name: string, choices: readonly string[] | undefined, names: Names) {
  const values = choices ?? names[name] ?? [];
  return ((complete) => {
    for (const value of values) complete(value, "");
  }) satisfies OptionHandler & ArgumentHandler;
}

/** `-n, --namespace <namespace>` → `namespace`. */
function valueName(option: Option): string {
  return /[<[]([^>\].]+)/.exec(option.flags)?.[1] ?? "";
}

function addOptions(target: Target, command: Command, names: Names): void {
  for (const option of command.createHelp().visibleOptions(command)) {
    const long = option.long?.slice(2), short = option.short?.slice(1);
    if (long === undefined) continue;
    if (!option.required && !option.optional) target.option(long, option.description, short);
    else {target.option(
        long,
        option.description,
        handlerOf(valueName(option), option.argChoices, names),
        short,
      );}
  }
}

function argumentHandler(argument: Argument, names: Names) {
  return handlerOf(argument.name(), argument.argChoices, names);
}

function addCommands(root: RootCommand, command: Command, path: string, names: Names): void {
  for (const child of command.createHelp().visibleCommands(command)) {
    const full = path === "" ? child.name() : `${path} ${child.name()}`;
    const target = root.command(full, child.description());
    addOptions(target, child, names);
    for (const argument of child.registeredArguments) {
      target.argument(argument.name(), argumentHandler(argument, names), argument.variadic);
    }
    addCommands(root, child, full, names);
  }
}

/** The program as @bomb.sh/tab knows one. */
export function completionTree(program: Command, names: Names): RootCommand {
  const root = new RootCommand();
  addOptions(root, program, names);
  addCommands(root, program, "", names);
  return root;
}

async function namespaces(global: GlobalOptions, environment: Environment): Promise<string[]> {
  const [connection, { NAMESPACES }] = await Promise.all([
    environment.connect(global),
    import("../../kube/kinds.ts"),
  ]);
  try {
    const { items } = await connection.client.list(NAMESPACES);
    return items.map(({ metadata }) => metadata?.name ?? "");
  } finally {
    connection.close();
  }
}

async function contexts(global: GlobalOptions): Promise<string[]> {
  const { readKubeConfig } = await import("../../kube/config.ts");
  return ((await readKubeConfig(global.kubeconfig)).contexts ?? []).map(({ name }) => name);
}

/** What `find` knows within a second; nothing when it fails, since there is no place to say so. */
async function looked(find: () => Promise<string[]>, environment: Environment): Promise<string[]> {
  return await Promise.race([
    find().catch(() => []),
    environment.sleep(LOOKUP_MS).then(() => []),
  ]);
}

/** @param words the command line after `linkerd`, the word to complete last (empty for a new one) */
export async function complete(
  program: Command,
  words: readonly string[],
  global: GlobalOptions,
  environment: Environment,
): Promise<void> {
  const flag = words.at(-2) ?? "";
  const codes = words[0] === "explain" ? Object.keys((await import("../explain/explain.ts")).CODES) : [];
  const names: Names = {
    resource: RESOURCE_KINDS,
    kind: RESOURCE_KINDS,
    code: codes,
    ...(/^(-n|-L|--([a-z]+-)?namespace)$/.test(flag)
      ? { namespace: await looked(() => namespaces(global, environment), environment) }
      : {}),
    ...(flag === "--context" ? { name: await looked(() => contexts(global), environment) } : {}),
  };
  completionTree(program, names).parse([...words]);
}
