/** `linkerd diagnostics proxy-metrics` and `controller-metrics`: what proxies and controllers count, as they say it. */
import type { KubeClient } from "../../kube/client.ts";
import { type Pod, PODS } from "../../kube/kinds.ts";
import { parseGoDuration } from "../../mesh/duration.ts";
import { COMPONENT_LABEL } from "../../mesh/labels.ts";
import { PROXY_CONTAINER } from "../../mesh/names.ts";
import { formatJson } from "../../mesh/table.ts";
import type { Environment } from "../environment.ts";
import { describeFailure, usageFailure } from "../failure.ts";
import type { GlobalOptions } from "../global_options.ts";
import { type AdminPort, adminPorts, getAdmin, podsOf, proxyAdminPort } from "./pods.ts";

const TIMEOUT_MS = 30_000;

interface Dump {
  readonly pod: string;
  readonly container: string;
  readonly metrics?: string;
  readonly error?: string;
}

async function dump(
  client: KubeClient,
  pod: Pod,
  { container, port }: AdminPort,
  timeoutMs: number,
): Promise<Dump> {
  const name = pod.metadata!.name!;
  try {
    return { pod: name, container, metrics: await getAdmin(client, pod, port, "/metrics", timeoutMs) };
  } catch (error) {
    return { pod: name, container, error: describeFailure(error).detail };
  }
}

/** Labels that tell of customers and hosts. */
const TELLING = ["authority", "client_id", "server_id", "target_addr", "dst_service", "dst_namespace"];

/** Replaces telling labels' values by hashes: the same value has the same hash, so that series stay apart. */
export async function obfuscate(text: string): Promise<string> {
  const pattern = new RegExp(`([{,](?:${TELLING.join("|")})=")((?:[^"\\\\]|\\\\.)*)"`, "g");
  const hashes = new Map<string, string>();
  for (const [, , value] of text.matchAll(pattern)) {
    if (hashes.has(value!)) continue;
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(value));
    hashes.set(
      value!,
      [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
    );
  }
  return text.replace(pattern, (_, before: string, value: string) => `${before}${hashes.get(value)}"`);
}

function printDumps(dumps: readonly Dump[], output: string, environment: Environment): number {
  if (output === "json") environment.print(formatJson(dumps));
  else {
    dumps.forEach(({ pod, container, metrics, error }, index) => {
      const head = `#\n# POD ${pod} (${index + 1} of ${dumps.length})\n# CONTAINER ${container}\n#\n`;
      environment.print(`${head}${metrics ?? `# ERROR ${error?.split("\n").join(" ")}\n`}`);
    });
  }
  return dumps.length > 0 && dumps.every(({ error }) => error !== undefined) ? 1 : 0;
}

export async function proxyMetrics(
  resource: string,
  options: { readonly namespace?: string; readonly obfuscate: boolean; readonly output: string },
  global: GlobalOptions,
  environment: Environment,
): Promise<number> {
  const { client, namespace, close } = await environment.connect(global);
  try {
    const pods = await podsOf(client, resource, options.namespace ?? namespace);
    const dumps = await Promise.all(
      pods.map((pod) =>
        dump(client, pod, { container: PROXY_CONTAINER, port: proxyAdminPort(pod) }, TIMEOUT_MS)
      ),
    );
    const shown = await Promise.all(
      dumps.map(async (one) =>
        options.obfuscate && one.metrics !== undefined
          ? { ...one, metrics: await obfuscate(one.metrics) }
          : one
      ),
    );
    return printDumps(shown, options.output, environment);
  } finally {
    close();
  }
}

export async function controllerMetrics(
  options: { readonly wait: string; readonly output: string },
  global: GlobalOptions,
  environment: Environment,
): Promise<number> {
  const timeoutMs = parseGoDuration(options.wait);
  if (timeoutMs === undefined || timeoutMs <= 0) {
    throw usageFailure(
      "duration-invalid",
      `--wait ${options.wait}: it is not a duration`,
      "write it like 30s",
    );
  }
  const { client, close } = await environment.connect(global);
  try {
    const where = { namespace: global.linkerdNamespace, labelSelector: COMPONENT_LABEL };
    const { items } = await client.list(PODS, where);
    const targets = items.filter(({ status }) => status?.phase === "Running")
      .flatMap((pod) => adminPorts(pod).map((port) => ({ pod, port })));
    return printDumps(
      await Promise.all(targets.map(({ pod, port }) => dump(client, pod, port, timeoutMs))),
      options.output,
      environment,
    );
  } finally {
    close();
  }
}
