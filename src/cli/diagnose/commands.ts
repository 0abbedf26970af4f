/** `linkerd version` and its kin, as the help shows them. */
import type { Describe } from "../commands.ts";
import { addNamespaceOption, outputOption } from "../options.ts";

export const DIAGNOSE_COMMANDS: readonly Describe[] = [
  (program, execute) => {
    addNamespaceOption(program.command("version"))
      .description("versions of this program, the control plane and the proxies")
      .option("--client", "only this program's", false)
      .option("--short", "only the numbers", false)
      .option("--proxy", "the proxies' too", false)
      .addOption(outputOption("text", "json"))
      .action((options) =>
        execute(async (...context) => (await import("./version.ts")).version(options, ...context))
      );
  },
];
