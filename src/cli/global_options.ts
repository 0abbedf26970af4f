/** Flags that every command takes, with Linkerd's names and defaults (cli.md §1.1). */
import type { Command } from "commander";
import { CONTROL_PLANE_NAMESPACE } from "../mesh/names.ts";

export interface GlobalOptions {
  readonly linkerdNamespace: string;
  readonly cniNamespace: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly as?: string;
  readonly asGroup?: readonly string[];
  readonly apiAddr?: string;
  readonly verbose: boolean;
}

/** The environment's value counts only where the flag is not given. */
function defaultNamespace(): string {
  return Deno.env.get("LINKERD_NAMESPACE") || CONTROL_PLANE_NAMESPACE;
}

export function addGlobalOptions(program: Command): void {
  program
    .option("-L, --linkerd-namespace <namespace>", "namespace of the control plane", defaultNamespace())
    .option("--cni-namespace <namespace>", "namespace of the CNI plugin", "linkerd-cni")
    .option("--kubeconfig <file>", "kubeconfig to use")
    .option("--context <name>", "context of the kubeconfig to use")
    .option("--as <user>", "user to impersonate")
    .option("--as-group <group...>", "groups to impersonate")
    .option(
      "--api-addr <address>",
      "talk to this address of the control plane instead of going through the cluster",
    )
    .option("--verbose", "say more on standard error", false);
}
