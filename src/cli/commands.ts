/** All commands, in the order of the help. A description costs nothing; its file is loaded when it is run. */
import type { Command } from "commander";
import { INJECT_COMMANDS } from "./inject_commands.ts";
import { MESH_COMMANDS } from "./mesh_commands.ts";
import type { GlobalOptions } from "./global_options.ts";

/** What a command does, once it is loaded; a number is its exit code. */
export type Run = (options: GlobalOptions) => Promise<number | void>;
/** Adds a command to the program; its action hands `Run` to `execute`. */
export type Describe = (program: Command, execute: (run: Run) => Promise<void>) => void;

export const COMMANDS: readonly Describe[] = [
  ...MESH_COMMANDS,
  ...INJECT_COMMANDS,
  (program, execute) => {
    const local = program.command("local").description("a whole cluster on this machine, without Kubernetes");
    local.command("up").description(
      "start the cluster with the mesh in it; ends with Ctrl-C or `linkerd local down`",
    )
      .option("--api-port <port>", "port on loopback of the Kubernetes API", "0")
      .option("--dashboard-port <port>", "port on loopback of the dashboard", "0")
      .option("--no-mesh", "start without the control plane")
      .action((options) => execute(async () => (await import("./local/up.ts")).up(options)));
    local.command("down").description("end the cluster and everything in it")
      .action(() => execute(async () => (await import("./local/down.ts")).down()));
    local.command("status").description("what runs")
      .option("-o, --output <format>", "table or json", "table")
      .action((options) => execute(async () => (await import("./local/status.ts")).status(options)));
    local.command("logs").description("print the log of a pod's container")
      .argument("<pod>").option("-n, --namespace <namespace>", "its namespace", "default")
      .option("-c, --container <name>", "its container").option("-f, --follow", "go on as lines come", false)
      .action((pod, options) => execute(async () => (await import("./local/logs.ts")).logs(pod, options)));
  },
  (program, execute) => {
    program.command("demo").description("start a laptop cluster with the mesh and a demo shop, and watch it")
      .option("--once", "end when every workload is meshed and has served 500 requests", false)
      .option("--dashboard-port <port>", "port on loopback of the dashboard", "0")
      .option("-o, --output <format>", "table or json", "table")
      .action((options) => execute(async () => (await import("./local/demo.ts")).demo(options)));
  },
];
