/** A port of one of the control plane's components, on this machine: one ready pod of it, by way of the API server. */
import { PODS } from "../kube/kinds.ts";
import { forwardPort } from "../kube/port_forward.ts";
import { MeshFailure } from "../mesh/error.ts";
import { COMPONENT_LABEL } from "../mesh/labels.ts";
import { isReady } from "./check/pod_health.ts";
import type { Environment } from "./environment.ts";
import type { GlobalOptions } from "./global_options.ts";

export interface Forwarded {
  /** `host:port` */
  readonly address: string;
  /** Why a connection failed, in the words of API server or kubelet; undefined when none did. */
  complaint(): string | undefined;
  close(): Promise<void>;
}

/** @param listen where on this machine; a free port of loopback when left out @throws MeshFailure when no pod is ready */
export async function forwardComponent(
  component: string,
  port: number,
  global: GlobalOptions,
  environment: Pick<Environment, "connect">,
  listen: { readonly hostname: string; readonly port: number } = { hostname: "127.0.0.1", port: 0 },
): Promise<Forwarded> {
  const { client, close } = await environment.connect(global), namespace = global.linkerdNamespace;
  try {
    const { items } = await client.list(PODS, {
      namespace,
      labelSelector: `${COMPONENT_LABEL}=${component}`,
    });
    const pod = items.find(isReady);
    if (pod === undefined) {
      throw new MeshFailure({
        code: "controller-unreachable",
        source: "cluster",
        detail: `no pod of ${component} is ready in namespace ${namespace}`,
        remedy: "see what is wrong with linkerd check, or name the control plane's namespace with -L",
      });
    }
    const forward = forwardPort(client, { namespace, pod: pod.metadata!.name!, port }, listen);
    return {
      address: `${listen.hostname}:${forward.port}`,
      complaint: () => forward.complaint,
      async close() {
        await forward.close();
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}
