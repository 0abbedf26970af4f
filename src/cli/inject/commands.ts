/** `linkerd inject` and `linkerd uninject`, as the help shows them. */
import type { Describe } from "../commands.ts";
import { Option } from "commander";
import { outputOption } from "../options.ts";
import { addAnnotationFlags } from "../proxy_flags.ts";
import { OVERRIDE_FLAGS } from "./flags.ts";

const SOURCES = "files, directories, http(s) addresses, or - for standard input";

export const INJECT_COMMANDS: readonly Describe[] = [
  (program, execute) => {
    const command = program.command("inject").description("add the mesh's proxy to manifests")
      .argument("<source...>", SOURCES)
      .option("--manual", "write the proxy itself, not the annotation that asks for it", false)
      .option("--ignore-cluster", "do not read the installation's values from the cluster", false)
      .option("--ingress", "for ingress controllers: route by the request's host", false)
      .addOption(new Option("--disable-identity").hideHelp())
      .addOption(outputOption("yaml", "json"));
    addAnnotationFlags(command, OVERRIDE_FLAGS);
    command.action((sources, options) =>
      execute(async (...context) =>
        (await import("./command.ts")).runInject(sources, options as never, ...context)
      )
    );
  },
  (program, execute) => {
    program.command("uninject").description("take the mesh's proxy out of manifests")
      .argument("<source...>", SOURCES).addOption(outputOption("yaml", "json"))
      .action((sources, options) =>
        execute(async (...context) =>
          (await import("./command.ts")).runUninject(sources, options as never, ...context)
        )
      );
  },
];
