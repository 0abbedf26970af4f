/**
 * `linkerd identity`: as whom proxies present themselves, and until when.
 *
 * It is what a proxy says of itself through the API server's pod proxy. The certificate itself is shown by a TLS
 * handshake alone, which that path does not carry: serial numbers and chains cannot be had this way, and the output
 * says so.
 */
import type { KubeClient } from "../../kube/client.ts";
import type { Pod } from "../../kube/kinds.ts";
import { type Column, formatJson, formatTable } from "../../mesh/table.ts";
import type { Environment } from "../environment.ts";
import { describeFailure } from "../failure.ts";
import type { GlobalOptions } from "../global_options.ts";
import { getAdmin, meshedPods, podsOf, proxyAdminPort } from "./pods.ts";

const TIMEOUT_MS = 10_000;
const NAME = "LINKERD2_PROXY_IDENTITY_LOCAL_NAME";

interface ProxyIdentity {
  readonly namespace: string;
  readonly pod: string;
  readonly identity?: string;
  /** ISO 8601. */
  readonly expires?: string;
  readonly refreshed?: string;
  readonly error?: string;
}

/** The value of a gauge without labels; undefined when it is not there. */
export function gauge(metrics: string, name: string): number | undefined {
  const found = new RegExp(`^${name}(?:\\{[^}]*\\})? ([0-9.e+]+)$`, "m").exec(metrics)?.[1];
  return found === undefined ? undefined : Number(found);
}

function time(seconds: number | undefined): string | undefined {
  return seconds === undefined || seconds === 0
    ? undefined
    : new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

async function identityOf(client: KubeClient, pod: Pod): Promise<ProxyIdentity> {
  const who = { namespace: pod.metadata!.namespace!, pod: pod.metadata!.name! }, port = proxyAdminPort(pod);
  try {
    const [metrics, environment] = await Promise.all([
      getAdmin(client, pod, port, "/metrics", TIMEOUT_MS),
      getAdmin(client, pod, port, `/env.json?${NAME}`, TIMEOUT_MS),
    ]);
    const identity = (JSON.parse(environment) as Record<string, string | null>)[NAME];
    const expires = time(gauge(metrics, "(?:control_)?identity_cert_expiration_timestamp_seconds"));
    const refreshed = time(gauge(metrics, "(?:control_)?identity_cert_refresh_timestamp_seconds"));
    return {
      ...who,
      ...(identity ? { identity } : {}),
      ...(expires === undefined ? { error: "it has no certificate yet" } : { expires }),
      ...(refreshed === undefined ? {} : { refreshed }),
    };
  } catch (error) {
    return { ...who, error: describeFailure(error).detail };
  }
}

const COLUMNS: readonly Column<ProxyIdentity>[] = [
  { title: "POD", value: ({ pod }) => pod },
  { title: "IDENTITY", value: ({ identity }) => identity },
  { title: "CERTIFIED", value: ({ refreshed }) => refreshed },
  { title: "EXPIRES", value: ({ expires, error }) => expires ?? error?.split("\n")[0] },
];

export async function identity(
  names: readonly string[],
  options: { readonly namespace?: string; readonly selector?: string; readonly output: string },
  global: GlobalOptions,
  environment: Environment,
): Promise<number> {
  const connection = await environment.connect(global), { client } = connection;
  try {
    const namespace = options.namespace ?? connection.namespace;
    const pods = names.length === 0
      ? await meshedPods(client, namespace, options.selector)
      : (await Promise.all(names.map((name) => podsOf(client, name, namespace)))).flat();
    const all = await Promise.all(pods.map((pod) => identityOf(client, pod)));
    if (options.output === "json") environment.print(formatJson(all));
    else if (all.length === 0) environment.tell(`No pods with a proxy in namespace ${namespace}.\n`);
    else {
      environment.print(formatTable(COLUMNS, all));
      environment.tell(
        "As the proxies say it; their certificates themselves show only in a TLS handshake.\n",
      );
    }
    return all.some(({ error }) => error !== undefined) ? 1 : 0;
  } finally {
    connection.close();
  }
}
