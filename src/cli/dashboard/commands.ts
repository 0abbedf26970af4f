/** `linkerd dashboard`, as the help shows it; under `viz` too, where Linkerd has it. */
import type { Command } from "commander";
import type { Describe, Run } from "../commands.ts";

export function addDashboard(parent: Command, execute: (run: Run) => Promise<void>): void {
  parent.command("dashboard")
    .description("the dashboard of the cluster, on this machine, until it is interrupted")
    .option("--address <address>", "where to listen", "localhost")
    .option("-p, --port <port>", "on which port; 0 for one that is free", "50750")
    .option("--show <what>", "linkerd opens a browser, url only says where it is", "linkerd")
    .action((options) =>
      execute(async (...context) => (await import("./dashboard.ts")).dashboard(options, ...context))
    );
}

export const DASHBOARD_COMMANDS: readonly Describe[] = [addDashboard];
