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
    const asked = (name: string) =>
      diagnostics.command(name)
        .option("--destination-pod <pod>", "accepted for compatibility: any pod answers alike")
        .option("--token <token>", "who asks, as a proxy says it: JSON with ns, nodeName and pod");
    asked("endpoints").alias("ep").description("where the control plane sends requests for an authority")
      .argument("<authority...>", "host and port, for example web.shop.svc.cluster.local:80")
      .addOption(outputOption("table", "json"))
      .action((authorities, options) =>
        execute(async (...context) =>
          (await import("./discovery.ts")).endpoints(authorities, options as never, ...context)
        )
      );
    asked("profile").description("what the control plane says of an address, as JSON")
      .argument("<address>", "a Service's or a pod's address, or a name, with its port")
      .addOption(outputOption("json"))
      .action((address, options) =>
        execute(async (...context) =>
          (await import("./discovery.ts")).destinationProfile(address, options as never, ...context)
        )
      );
    addNamespaceOption(asked("policy")).description("who may connect to a pod, or how a service is called")
      .argument("<resource>", "po/NAME or svc/NAME").argument("<port>")
      .addOption(outputOption("yaml", "json"))
      .action((resource, port, options) =>
        execute(async (...context) =>
          (await import("./discovery.ts")).policy(resource, port, options as never, ...context)
        )
      );
  },
];
