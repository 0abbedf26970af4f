/**
 * The way to a controller's gRPC port: --api-addr where it is given, or else `kubectl port-forward`, which every user of
 * a cluster has. KUBECTL names another one.
 */
import { MeshFailure } from "../../mesh/error.ts";
import type { Environment } from "../environment.ts";
import type { GlobalOptions } from "../global_options.ts";

export interface ControllerAddress {
  /** `host:port` */
  readonly address: string;
  close(): Promise<void>;
}

function unreachable(detail: string): MeshFailure {
  return new MeshFailure({
    code: "controller-unreachable",
    source: "cluster",
    detail,
    remedy: "see with `linkerd check` whether the control plane runs; where kubectl cannot forward ports, " +
      "give the address of linkerd-destination's port with --api-addr",
  });
}

/** @param port of the Deployment linkerd-destination @throws MeshFailure with what kubectl said */
export async function controllerAddress(
  port: number,
  global: GlobalOptions,
  environment: Pick<Environment, "variable">,
): Promise<ControllerAddress> {
  if (global.apiAddr !== undefined) return { address: global.apiAddr, close: () => Promise.resolve() };
  const flags = [
    ...(global.kubeconfig === undefined ? [] : ["--kubeconfig", global.kubeconfig]),
    ...(global.context === undefined ? [] : ["--context", global.context]),
    ...(global.as === undefined ? [] : ["--as", global.as]),
    ...(global.asGroup ?? []).flatMap((group) => ["--as-group", group]),
  ];
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(environment.variable("KUBECTL") || "kubectl", {
      args: [
        ...flags,
        "-n",
        global.linkerdNamespace,
        "port-forward",
        "deploy/linkerd-destination",
        `:${port}`,
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw unreachable("kubectl, which forwards the controller's port, is not on the PATH");
  }
  const complaint = new Response(child.stderr).text();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  for (;;) {
    const { done, value } = await lines.read();
    if (done) throw unreachable((await complaint).trim() || "kubectl ended without forwarding a port");
    said += value;
    const found = /Forwarding from (127\.0\.0\.1:\d+)/.exec(said)?.[1];
    if (found === undefined) continue;
    const rest = (async () => {
      while (!(await lines.read()).done); // it tells of every connection
    })();
    return {
      address: found,
      close: async () => {
        child.kill();
        await Promise.all([child.status, complaint, rest]);
      },
    };
  }
}
