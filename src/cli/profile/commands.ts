/** `linkerd profile`, as the help shows it. */
import type { Describe } from "../commands.ts";
import { addNamespaceOption, outputOption } from "../options.ts";

export const PROFILE_COMMANDS: readonly Describe[] = [
  (program, execute) => {
    addNamespaceOption(program.command("profile"))
      .description("print a ServiceProfile: routes of a service, with what is known of each")
      .argument("<service>")
      .option("--template", "one to fill in by hand", false)
      .option("--open-api <file>", "from an OpenAPI description; - for standard input")
      .option("--proto <file>", "from a .proto file; - for standard input")
      .option("--ignore-cluster", "do not ask the cluster for its domain", false)
      .addOption(outputOption("yaml", "json"))
      .action((service, options) =>
        execute(async (...context) => (await import("./profile.ts")).profile(service, options, ...context))
      );
  },
];
