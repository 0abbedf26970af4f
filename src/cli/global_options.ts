/** Flags that every command takes, with Linkerd's names and defaults (cli.md §1.1). */
import { type Command, InvalidArgumentError } from "commander";
import { CONTROL_PLANE_NAMESPACE } from "../mesh/names.ts";
import type { Environment } from "./environment.ts";
import { gather } from "./options.ts";

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

function namespace(text: string): string {
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text)) {
    throw new InvalidArgumentError("A namespace is made of lowercase letters, digits and dashes.");
  }
  return text;
}

export function addGlobalOptions(program: Command, environment: Pick<Environment, "variable">): void {
  // The environment's value counts only where the flag is not given.
  const controlPlane = environment.variable("LINKERD_NAMESPACE") || CONTROL_PLANE_NAMESPACE;
  program
    .option("-L, --linkerd-namespace <namespace>", "namespace of the control plane", namespace, controlPlane)
    .option("--cni-namespace <namespace>", "namespace of the CNI plugin", namespace, "linkerd-cni")
    .option("--kubeconfig <file>", "kubeconfig to use")
    .option("--context <name>", "context of the kubeconfig to use")
    .option("--as <user>", "user to impersonate")
    .option("--as-group <group>", "group to impersonate; repeatable", gather, [])
    .option(
      "--api-addr <address>",
      "talk to this address of the control plane instead of going through the cluster",
    )
    .option("--verbose", "say more on standard error", false);
}
