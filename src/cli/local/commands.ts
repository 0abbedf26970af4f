/** `linkerd local …` and `linkerd demo`: a whole cluster on this machine. */
import type { Describe } from "../commands.ts";
import { outputOption } from "../options.ts";

export const LOCAL_COMMANDS: readonly Describe[] = [
  (program, execute) => {
    const local = program.command("local").description("a whole cluster on this machine, without Kubernetes");
    local.command("up").description(
      "start the cluster with the mesh in it; ends with Ctrl-C or `linkerd local down`",
    )
      .option("--api-port <port>", "port on loopback of the Kubernetes API", "0")
      .option("--dashboard-port <port>", "port on loopback of the dashboard", "0")
      .option("--no-mesh", "start without the control plane")
      .addOption(outputOption("text", "json"))
      .action((options) => execute(async () => (await import("./up.ts")).up(options)));
    local.command("down").description("end the cluster and everything in it")
      .addOption(outputOption("text", "json"))
      .action((options) => execute(async () => (await import("./down.ts")).down(options)));
    local.command("status").description("what runs").addOption(outputOption("table", "json"))
      .action((options) => execute(async () => (await import("./status.ts")).status(options)));
    local.command("logs").description("print the log of a pod's container")
      .argument("<pod>").option("-n, --namespace <namespace>", "its namespace", "default")
      .option("-c, --container <name>", "its container").option("-f, --follow", "go on as lines come", false)
      .addOption(outputOption("text", "json"))
      .action((pod, options) => execute(async () => (await import("./logs.ts")).logs(pod, options)));
  },
  (program, execute) => {
    program.command("demo").description("start a laptop cluster with the mesh and a demo shop, and watch it")
      .option("--once", "end when every workload is meshed and has served 500 requests", false)
      .option("--dashboard-port <port>", "port on loopback of the dashboard", "0")
      .addOption(outputOption("table", "json"))
      .action((options) => execute(async () => (await import("./demo.ts")).demo(options)));
  },
];
