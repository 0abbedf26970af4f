/** `linkerd tap`, `linkerd top` and `linkerd list`, as the help shows them; under `viz` too, where Linkerd has them. */
import type { Command } from "commander";
import type { Describe, Run } from "../commands.ts";
import { addNamespaceOption, duration, outputOption } from "../options.ts";

const TOP_SECONDS = 5;

/** What says which requests are wanted. */
function addFilters(command: Command): Command {
  return addNamespaceOption(command)
    .argument("<resource...>", "KIND, KIND/NAME or KIND NAME: whose requests")
    .option("-l, --selector <labels>", "only pods with these labels")
    .option("--to <resource>", "only requests to this resource: KIND/NAME")
    .option("--to-namespace <namespace>", "its namespace; that of the resource by default")
    .option("--max-rps <number>", "requests a second, over all pods together", "100")
    .option("--scheme <scheme>", "only requests with this scheme")
    .option("--method <method>", "only requests with this method")
    .option("--authority <authority>", "only requests with this authority")
    .option("--path <prefix>", "only requests whose path begins so");
}

export function addTaps(parent: Command, execute: (run: Run) => Promise<void>): void {
  addFilters(parent.command("tap"))
    .description("requests of a resource, one by one, as they pass its proxies")
    .addOption(outputOption("text", "wide", "json"))
    .addHelpText(
      "after",
      `
Examples:
  linkerd tap deploy/web -n shop                   what web asks, and is asked
  linkerd tap deploy/web -n shop --to deploy/cart  what it asks of cart
  linkerd tap ns/shop --method POST --path /pay    everywhere in a namespace
  linkerd tap deploy/web -n shop -o json           with headers, a JSON object a line
`,
    )
    .action((words, options) =>
      execute(async (...context) => (await import("./tap.ts")).tap(words, options, ...context))
    );
  addFilters(parent.command("top"))
    .description("what is asked most of a resource, and how long it takes")
    .option("--hide-sources", "do not tell who asks apart", false)
    .option(
      "--duration <duration>",
      "how long to count where nobody looks: in a pipe, and for JSON",
      duration,
      TOP_SECONDS * 1000,
    )
    .addOption(outputOption("table", "json"))
    .action((words, options) =>
      execute(async (...context) => (await import("./top.ts")).top(words, options, ...context))
    );
  addNamespaceOption(parent.command("list"))
    .description("which pods can be tapped, and why others cannot")
    .option("-A, --all-namespaces", "in all namespaces", false)
    .addOption(outputOption("text", "json"))
    .action((options) =>
      execute(async (...context) => (await import("./list.ts")).list(options, ...context))
    );
}

export const TAP_COMMANDS: readonly Describe[] = [addTaps];
