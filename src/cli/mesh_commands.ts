/** Commands about the mesh itself: install, stat, edges, version. */
import type { Describe } from "./commands.ts";

const gather = (value: string, before: string[]) => [...before, value];

export const MESH_COMMANDS: readonly Describe[] = [
  (program, execute) => {
    program.command("install").description("print the control plane for `kubectl apply -f -`, or apply it")
      .option("--crds", "only the resource definitions", false)
      .option("--apply", "apply to the cluster and wait until it is ready", false)
      .option("--ignore-cluster", "accepted for compatibility: printing never asks the cluster", false)
      .option("--ha", "replicas, anti-affinity, disruption budgets, a webhook that fails closed", false)
      .option("--set <path=value>", "set a value; repeatable", gather, [])
      .option("--set-string <path=value>", "set a value as text; repeatable", gather, [])
      .option("--set-file <path=file>", "set a value from a file; repeatable", gather, [])
      .option("-f, --values <file>", "values from a YAML file; repeatable", gather, [])
      .option("--identity-trust-anchors-file <file>", "PEM of the trust anchors")
      .option("--identity-issuer-certificate-file <file>", "PEM of the issuer's certificate")
      .option("--identity-issuer-key-file <file>", "PEM of the issuer's key")
      .option("--identity-trust-domain <domain>", "the trust domain; the cluster's domain by default")
      .option("--cluster-domain <domain>", "the cluster's DNS domain")
      .option("--controller-replicas <count>", "replicas of each component")
      .option("--controller-log-level <level>", "log level of the control plane")
      .option("--proxy-log-level <filter>", "log filter of the proxies")
      .option("--default-inbound-policy <policy>", "who may connect where no policy says it")
      .option("-o, --output <format>", "yaml or json", "yaml")
      .action((options) =>
        execute(async (global) => (await import("./mesh/install.ts")).install(options, global))
      );
  },
  (program, execute) => {
    program.command("stat").description("success rate, requests per second and latency of resources")
      .argument("<resource...>", "a kind, KIND/NAME, or KIND NAME")
      .option("-n, --namespace <namespace>", "namespace of the resource")
      .option("-A, --all-namespaces", "in all namespaces", false)
      .option("-t, --time-window <window>", "how far to look back, 10s to 6h", "1m")
      .option("-l, --selector <labels>", "only pods with these labels")
      .option("--to <resource>", "only traffic to this resource").option(
        "--to-namespace <namespace>",
        "its namespace",
      )
      .option("--from <resource>", "only traffic from this resource").option(
        "--from-namespace <namespace>",
        "its namespace",
      )
      .option("-o, --output <format>", "table, wide or json", "table")
      .action((resources, options) =>
        execute(async (global) => (await import("./mesh/stat.ts")).stat(resources, options, global))
      );
    program.command("edges").description("who talks to whom, and whether by mutual TLS")
      .argument("<kind>").option("-n, --namespace <namespace>", "namespace").option(
        "-A, --all-namespaces",
        "all",
        false,
      )
      .option("-o, --output <format>", "table or json", "table")
      .action((kind, options) =>
        execute(async (global) => (await import("./mesh/stat.ts")).edges(kind, options, global))
      );
  },
  (program, execute) => {
    program.command("version").description("versions of this program, the control plane and the proxies")
      .option("--client", "only this program's", false).option("--short", "only the numbers", false)
      .option("--proxy", "the proxies' too", false).option("-o, --output <format>", "text or json", "text")
      .action((options) =>
        execute(async (global) => (await import("./mesh/version.ts")).version(options, global))
      );
  },
];
