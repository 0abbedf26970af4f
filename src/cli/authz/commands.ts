/** `linkerd authz`, as the help shows it. */
import type { Describe } from "../commands.ts";
import { addNamespaceOption, outputOption } from "../options.ts";

export const AUTHZ_COMMANDS: readonly Describe[] = [
  (program, execute) => {
    addNamespaceOption(program.command("authz"))
      .description("which policies let requests in to a resource, and by which route")
      .argument("<resource>", "KIND/NAME, or a kind: deploy, po ...")
      .addOption(outputOption("table", "json"))
      .action((resource, options) =>
        execute(async (...context) =>
          (await import("./authorizations.ts")).listAuthorizations(resource, options, ...context)
        )
      );
  },
];
