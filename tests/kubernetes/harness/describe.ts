/** The state of a node and its pods in words: what has to be known of a test that failed on another machine. */
import { EVENTS, NODES, type Pod, PODS } from "../../../src/kube/kinds.ts";
import type { KubernetesCluster } from "./cluster.ts";

const LOG_LINES = 8, PROXY = "linkerd-proxy";

function conditions(list: readonly { type: string; status: string; message?: string }[] | undefined): string {
  return (list ?? []).map(({ type, status, message }) => `${type}=${status}${message ? ` (${message})` : ""}`)
    .join(", ");
}

async function logsOf({ client }: KubernetesCluster, { metadata, spec }: Pod): Promise<string[]> {
  const containers = [...spec?.initContainers ?? [], ...spec?.containers ?? []];
  return await Promise.all(containers.map(async ({ name }) => {
    const path = `/api/v1/namespaces/${metadata?.namespace}/pods/${metadata?.name}/log`;
    const response = await client.raw("GET", `${path}?container=${name}&tailLines=${LOG_LINES}`);
    return `  ${name}:\n${(await response.text()).trim().replace(/^/gm, "    ")}`;
  }));
}

/** What the proxies of these pods answered themselves, instead of an application. */
async function failedRequests({ client }: KubernetesCluster, { metadata, spec }: Pod): Promise<string[]> {
  if (!spec?.initContainers?.some(({ name }) => name === PROXY)) return [];
  const path = `/api/v1/namespaces/${metadata?.namespace}/pods/${metadata?.name}/log?container=${PROXY}`;
  const text = await (await client.raw("GET", path)).text();
  return text.split("\n").filter((line) => line.includes("request failed")).slice(-LOG_LINES).map((line) =>
    `    ${line}`
  );
}

/** Nodes, pods that are not ready with what they said last, what the others' proxies failed, warnings, and what the node's components said last. */
export async function describe(cluster: KubernetesCluster): Promise<string> {
  const { client, directory } = cluster, lines: string[] = [];
  try {
    for (const { metadata, status } of (await client.list(NODES)).items) {
      lines.push(`node ${metadata?.name}: ${conditions(status?.conditions)}`);
    }
    for (const pod of (await client.list(PODS)).items) {
      const { metadata, status } = pod;
      lines.push(
        `pod ${metadata?.namespace}/${metadata?.name}: ${status?.phase}: ${conditions(status?.conditions)}`,
      );
      const isReady = status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
      lines.push(...await (isReady ? failedRequests : logsOf)(cluster, pod));
    }
    for (
      const { type, lastTimestamp, reason, message, involvedObject } of (await client.list(EVENTS)).items
    ) {
      if (type !== "Warning") continue;
      lines.push(`${lastTimestamp} ${involvedObject.kind} ${involvedObject.name}: ${reason}: ${message}`);
    }
  } catch (error) {
    lines.push(`the cluster does not tell more: ${error}`);
  }
  for (const { name } of Deno.readDirSync(directory)) {
    if (!name.endsWith(".log")) continue;
    const last = Deno.readTextFileSync(`${directory}/${name}`).trim().split("\n").slice(-LOG_LINES);
    lines.push(`${name}:`, ...last.map((line) => `  ${line.slice(0, 300)}`));
  }
  return lines.join("\n");
}
