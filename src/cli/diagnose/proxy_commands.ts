/** `linkerd identity` and `linkerd diagnostics`, as the help shows them. */
import type { Describe } from "../commands.ts";
import { addNamespaceOption, outputOption } from "../options.ts";

export const PROXY_COMMANDS: readonly Describe[] = [
  (program, execute) => {
    addNamespaceOption(program.command("identity"))
      .description("as whom proxies present themselves, and until when")
      .argument("[pod...]", "pods, or KIND/NAME; all of the namespace when left out")
      .option("-l, --selector <labels>", "only pods with these labels")
      .addOption(outputOption("table", "json"))
      .action((pods, options) =>
        execute(async (...context) => (await import("./identity.ts")).identity(pods, options, ...context))
      );
  },
  (program, execute) => {
    const diagnostics = program.command("diagnostics").description(
      "what proxies and controllers say of themselves",
    );
    addNamespaceOption(diagnostics.command("proxy-metrics"))
      .description("the metrics of a resource's proxies, as Prometheus reads them")
      .argument("<resource>", "KIND/NAME, or a pod's name")
      .option("--obfuscate", "hide names of hosts, namespaces and identities behind hashes", false)
      .addOption(outputOption("text", "json"))
      .action((resource, options) =>
        execute(async (...context) =>
          (await import("./metrics.ts")).proxyMetrics(resource, options, ...context)
        )
      );
    diagnostics.command("controller-metrics")
      .description("the metrics of every container of the control plane")
      .option("-w, --wait <duration>", "how long to wait for an answer", "30s")
      .addOption(outputOption("text", "json"))
      .action((options) =>
        execute(async (...context) => (await import("./metrics.ts")).controllerMetrics(options, ...context))
      );
  },
];
