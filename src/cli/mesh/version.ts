/** `linkerd version`: of this program, of the control plane, of the proxies. Source: cli.md §2. */
import { formatJson } from "../../mesh/table.ts";
import { VERSION } from "../../mesh/version.ts";
import type { GlobalOptions } from "../global_options.ts";

export interface VersionOptions {
  readonly client: boolean;
  readonly short: boolean;
  readonly proxy: boolean;
  readonly output: string;
}

interface Versions {
  readonly client: string;
  readonly server?: string;
  readonly proxies?: Readonly<Record<string, number>>;
}

async function read(options: VersionOptions, global: GlobalOptions): Promise<Versions> {
  if (options.client) return { client: VERSION };
  const [{ connect }, { CONFIG_MAPS, PODS }, { parse }] = await Promise.all([
    import("../connect.ts"),
    import("../../kube/kinds.ts"),
    import("../../kube/yaml.ts"),
  ]);
  const { client } = await connect(global);
  try {
    const config = await client.get(CONFIG_MAPS, "linkerd-config", global.linkerdNamespace).catch(() =>
      undefined
    );
    const values = parse(config?.data?.["values"] ?? "") as { linkerdVersion?: string } | null;
    const server = values?.linkerdVersion ?? "unavailable";
    if (!options.proxy) return { client: VERSION, server };
    const proxies: Record<string, number> = {};
    const { items } = await client.list(PODS, { labelSelector: "linkerd.io/control-plane-ns" });
    for (const pod of items) {
      const version = pod.metadata?.annotations?.["linkerd.io/proxy-version"] ?? "unknown";
      proxies[version] = (proxies[version] ?? 0) + 1;
    }
    return { client: VERSION, server, proxies };
  } finally {
    client.close();
  }
}

export async function version(options: VersionOptions, global: GlobalOptions): Promise<void> {
  const versions = await read(options, global);
  if (options.output === "json") return console.log(formatJson(versions).trimEnd());
  const lines = options.short
    ? [versions.client, ...(versions.server === undefined ? [] : [versions.server])]
    : [
      `Client version: ${versions.client}`,
      ...(versions.server === undefined ? [] : [`Server version: ${versions.server}`]),
    ];
  for (const [name, count] of Object.entries(versions.proxies ?? {})) {
    lines.push(`Proxy version: ${name} (${count} pods)`);
  }
  console.log(lines.join("\n"));
}
