/** `linkerd inject` and `linkerd uninject`, as `linkerd help` shows them. */
import type { Describe } from "./commands.ts";
import { OVERRIDE_FLAGS } from "./inject/flags.ts";

export const INJECT_COMMANDS: readonly Describe[] = [
  (program, execute) => {
    const command = program.command("inject").description("add the mesh's proxy to manifests")
      .argument("<source...>", "files, directories, http(s) addresses, or - for standard input")
      .option("--manual", "write the proxy itself, not the annotation that asks for it", false)
      .option("--ignore-cluster", "do not read the installation's values from the cluster", false)
      .option("--ingress", "for ingress controllers: route by the request's host", false)
      .option("-o, --output <format>", "yaml or json", "yaml");
    for (const [flag, , text] of OVERRIDE_FLAGS) command.option(`--${flag}`, text);
    command.action((sources, options) =>
      execute(async (global) => (await import("./inject/command.ts")).runInject(sources, options, global))
    );
  },
  (program, execute) => {
    program.command("uninject").description("take the mesh's proxy out of manifests")
      .argument("<source...>", "files, directories, http(s) addresses, or - for standard input")
      .option("-o, --output <format>", "yaml or json", "yaml")
      .action((sources, options) =>
        execute(async () => (await import("./inject/command.ts")).runUninject(sources, options))
      );
  },
];
