/** `linkerd stat`, `edges` and statistics by route, as the help shows them; under `viz` too, where Linkerd has them. */
import type { Command } from "commander";
import type { Describe, Run } from "../commands.ts";
import { addNamespaceOption, outputOption } from "../options.ts";
import { addDashboard } from "../dashboard/commands.ts";
import { addTaps } from "../tap/commands.ts";

function addStatistics(parent: Command, execute: (run: Run) => Promise<void>): void {
  addNamespaceOption(parent.command("stat"))
    .description("success rate, requests per second and latency of resources")
    .argument("<resource...>", "kinds, KIND/NAME, KIND NAME..., or all")
    .option("-A, --all-namespaces", "in all namespaces", false)
    .option("-t, --time-window <window>", "how far to look back: 10s to 6h", "1m")
    .option("-l, --selector <labels>", "only pods with these labels")
    .option("--to <resource>", "only traffic to this resource: KIND/NAME")
    .option("--to-namespace <namespace>", "its namespace; that of the resources by default")
    .option("--from <resource>", "only traffic from this resource: KIND/NAME")
    .option("--from-namespace <namespace>", "its namespace; that of the resources by default")
    .addOption(outputOption("table", "wide", "json"))
    .addHelpText(
      "after",
      `
Examples:
  linkerd stat deploy -n shop            every deployment of a namespace
  linkerd stat deploy/web sts -n shop    several
  linkerd stat ns                        whole namespaces
  linkerd stat srv authzpolicy -n shop   what Servers refused, and what policies let in
  linkerd stat deploy -n shop --to svc/catalog -t 10m
`,
    )
    .action((resources, options) =>
      execute(async (...context) => (await import("./stat.ts")).stat(resources, options, ...context))
    );
  addNamespaceOption(parent.command("edges")).description("who talks to whom, and whether by mutual TLS")
    .argument("<kind>", "of both ends: deploy, sts, po, ns ...")
    .option("-A, --all-namespaces", "in all namespaces", false)
    .option("-t, --time-window <window>", "how far to look back: 10s to 6h", "1m")
    .addOption(outputOption("table", "wide", "json"))
    .action((kind, options) =>
      execute(async (...context) => (await import("./edges.ts")).edges(kind, options, ...context))
    );
}

type RouteStatistics = keyof typeof import("./routes.ts");

function addRouteStatistics(
  parent: Command,
  execute: (run: Run) => Promise<void>,
  name: string,
  description: string,
  statistics: RouteStatistics,
): void {
  addNamespaceOption(parent.command(name)).description(description)
    .argument("<resource...>", "kinds of workloads, KIND/NAME, KIND NAME...")
    .option("-A, --all-namespaces", "in all namespaces", false)
    .option("-t, --time-window <window>", "how far to look back: 10s to 6h", "1m")
    .option("-l, --selector <labels>", "only pods with these labels")
    .addOption(outputOption("table", "json"))
    .action((words, options) =>
      execute(async (...context) => (await import("./routes.ts"))[statistics](words, options, ...context))
    );
}

function addByRoute(parent: Command, execute: (run: Run) => Promise<void>): void {
  const inbound = "what servers admitted by which route: success rate, requests per second, latency";
  addRouteStatistics(parent, execute, "stat-inbound", inbound, "statInbound");
  const outbound = "what clients asked for by which route and of which backend, with timeouts and retries";
  addRouteStatistics(parent, execute, "stat-outbound", outbound, "statOutbound");
}

function addProfileRoutes(parent: Command, execute: (run: Run) => Promise<void>): void {
  addNamespaceOption(parent.command("routes"))
    .description("success rate, requests per second and latency by route of ServiceProfiles")
    .argument("<resource...>", "kinds of workloads, KIND/NAME, KIND NAME...")
    .option("-t, --time-window <window>", "how far to look back: 10s to 6h", "1m")
    .option("-l, --selector <labels>", "only pods with these labels")
    .option("--to <service>", "only traffic to this Service, as its clients see it: svc/NAME")
    .option("--to-namespace <namespace>", "its namespace; that of the resources by default")
    .addOption(outputOption("table", "wide", "json"))
    .addHelpText(
      "after",
      `
Examples:
  linkerd routes deploy/web -n shop                          what it was asked, by route
  linkerd routes deploy/web -n shop --to svc/cart -o wide    what it asked, retries apart
`,
    )
    .action((words, options) =>
      execute(async (...context) =>
        (await import("./profile_routes.ts")).profileRoutes(words, options, ...context)
      )
    );
}

export const STAT_COMMANDS: readonly Describe[] = [
  addStatistics,
  addByRoute,
  addProfileRoutes,
  (program, execute) => {
    const viz = program.command("viz", { hidden: true }).description(
      "stat, edges, stat-inbound, stat-outbound, routes, authz, tap, top and list, where Linkerd has them",
    );
    addStatistics(viz, execute);
    addByRoute(viz, execute);
    addProfileRoutes(viz, execute);
    const authz = "requests by the authorization that let them in, and those that none did";
    addRouteStatistics(viz, execute, "authz", authz, "authorizations");
    addTaps(viz, execute);
    addDashboard(viz, execute);
  },
];
