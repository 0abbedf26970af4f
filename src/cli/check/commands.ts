/** `linkerd check`, as the help shows it. */
import type { Describe } from "../commands.ts";
import { addNamespaceOption, outputOption } from "../options.ts";

export const CHECK_COMMANDS: readonly Describe[] = [
  (program, execute) => {
    addNamespaceOption(program.command("check"))
      .description("say whether the mesh is well, and if not, why")
      .option("--pre", "only what must hold before an installation", false)
      .option("--crds", "only the resource definitions", false)
      .option("--proxy", "the data plane too; -n restricts it to a namespace", false)
      .option("--cni", "only the CNI plugin", false)
      .option("--linkerd-cni-enabled", "with --pre: the CNI plugin must be there", false)
      .option("--wait <duration>", "how long to wait for what may still come about", "5m0s")
      .addOption(outputOption("table", "short", "json"))
      .addHelpText(
        "after",
        `
Examples:
  linkerd check --pre              may the mesh be installed here?
  linkerd check                    is the control plane well?
  linkerd check --proxy -n shop    are the proxies of a namespace?
  linkerd check --cni              is the CNI plugin on every node, and in its chain?
`,
      )
      .action((options) =>
        execute(async (...context) => (await import("./check.ts")).check(options, ...context))
      );
  },
];
