/** `linkerd local logs POD`: a container's log, without kubectl. */
import { KubeError } from "../../kube/client.ts";
import { readLines } from "../../kube/lines.ts";
import { connectLocal } from "./state.ts";

export interface LogsOptions {
  readonly namespace: string;
  readonly container?: string;
  readonly follow: boolean;
  readonly output: string;
}

/** `2026-01-02T03:04:05.6Z text` as a line of JSON each, as they come. */
async function printJson(lines: ReadableStream<Uint8Array>): Promise<void> {
  for await (const line of readLines(lines)) {
    const space = line.indexOf(" ");
    console.log(JSON.stringify({ time: line.slice(0, space), text: line.slice(space + 1) }));
  }
}

export async function logs(pod: string, options: LogsOptions): Promise<void> {
  const cluster = connectLocal();
  try {
    const query = new URLSearchParams();
    if (options.container !== undefined) query.set("container", options.container);
    if (options.follow) query.set("follow", "true");
    if (options.output === "json") query.set("timestamps", "true");
    const path = `/api/v1/namespaces/${encodeURIComponent(options.namespace)}/pods/${
      encodeURIComponent(pod)
    }/log`;
    const response = await cluster.client.raw("GET", `${path}?${query}`);
    if (!response.ok) throw KubeError.from(response.status, await response.text());
    if (response.body === null) return;
    if (options.output === "json") await printJson(response.body);
    else await response.body.pipeTo(Deno.stdout.writable, { preventClose: true });
  } finally {
    await cluster.stop();
  }
}
