/** `linkerd local logs POD`: a container's log, without kubectl. */
import { KubeError } from "../../kube/client.ts";
import { connectLocal } from "./state.ts";

export interface LogsOptions {
  readonly namespace: string;
  readonly container?: string;
  readonly follow: boolean;
}

export async function logs(pod: string, options: LogsOptions): Promise<void> {
  const cluster = connectLocal();
  try {
    const query = new URLSearchParams();
    if (options.container !== undefined) query.set("container", options.container);
    if (options.follow) query.set("follow", "true");
    const path = `/api/v1/namespaces/${encodeURIComponent(options.namespace)}/pods/${
      encodeURIComponent(pod)
    }/log`;
    const response = await cluster.client.raw("GET", `${path}?${query}`);
    if (!response.ok) throw KubeError.from(response.status, await response.text());
    await response.body?.pipeTo(Deno.stdout.writable, { preventClose: true });
  } finally {
    await cluster.stop();
  }
}
