/** `linkerd install` and its kin, as the help shows them. */
import type { Describe } from "../commands.ts";
import { addValueOptions, duration, outputOption } from "../options.ts";
import { CNI_FLAGS } from "./cni_flags.ts";
import { addInstallFlags } from "./flags.ts";

const WAIT = [
  "--wait <duration>",
  "with --apply: how long to wait until it is ready",
  duration,
  120_000,
] as const;

export const INSTALL_COMMANDS: readonly Describe[] = [
  (program, execute) => {
    const command = program.command("install")
      .description("print the control plane for `kubectl apply -f -`, or apply it")
      .option("--crds", "only the resource definitions", false)
      .option("--apply", "apply to the cluster, definitions first, and wait until it is ready", false)
      .option(...WAIT)
      .option(
        "--ignore-cluster",
        "do not look at the cluster: neither its API's ports nor what is there",
        false,
      )
      .option(
        "--output-chart <directory>",
        "write Helm charts instead; the flags' values are their defaults",
      );
    addInstallFlags(command);
    addValueOptions(command).addOption(outputOption("yaml", "json"))
      .action((options) =>
        execute(async (...context) => (await import("./install.ts")).install(options as never, ...context))
      );
  },
  (program, execute) => {
    const command = program.command("upgrade")
      .description("print the control plane of this version with the installation's values, or apply it")
      .option("--crds", "only the resource definitions", false)
      .option("--apply", "apply to the cluster, definitions first, and wait until it is ready", false)
      .option(...WAIT)
      .option("--from-manifests <file>", "values of what `linkerd install` printed once; no cluster is asked")
      .option("--force", "accepted for compatibility: proxies take new anchors without a restart", false);
    addInstallFlags(command, true);
    addValueOptions(command).addOption(outputOption("yaml", "json"))
      .action((options) =>
        execute(async (...context) => (await import("./upgrade.ts")).upgrade(options as never, ...context))
      );
  },
  (program, execute) => {
    const command = program.command("install-cni")
      .description(
        "print the CNI plugin, which spares meshed pods an init container with rights over their network",
      )
      .option("--registry <registry>", "registry of the image; LINKERD_DOCKER_REGISTRY by default");
    for (const { flag, text } of CNI_FLAGS) command.option(flag, text);
    addValueOptions(command).addOption(outputOption("yaml", "json"))
      .action((options) =>
        execute(async (...context) =>
          (await import("./install_cni.ts")).installCni(options as never, ...context)
        )
      );
  },
  (program, execute) => {
    program.command("uninstall").description(
      "print what to delete to be rid of the control plane, or delete it",
    )
      .option("-f, --force", "although extensions or meshed pods are left", false)
      .option("--apply", "delete it", false)
      .addOption(outputOption("yaml", "json"))
      .action((options) =>
        execute(async (...context) => (await import("./uninstall.ts")).uninstall(options, ...context))
      );
    program.command("prune").description("print objects of the installation that this version has no use for")
      .addOption(outputOption("yaml", "json"))
      .action((options) =>
        execute(async (...context) => (await import("./uninstall.ts")).prune(options, ...context))
      );
  },
];
