/** `linkerd version`: of this program, of the control plane, of the proxies. Source: cli.md §2.9. */
import { VERSION } from "../../mesh/version.ts";
import type { Environment } from "../environment.ts";
import type { GlobalOptions } from "../global_options.ts";

export interface VersionOptions {
  readonly client: boolean;
  readonly short: boolean;
  readonly proxy: boolean;
  readonly namespace?: string;
  readonly output: "text" | "json";
}

interface Versions {
  readonly client: string;
  /** `unavailable` when the cluster does not say it in time. */
  readonly server?: string;
  /** Pods by the version of their proxy. */
  readonly proxies?: Readonly<Record<string, number>>;
  /** Why the server's is unavailable. */
  readonly reason?: string;
}

const TIMEOUT_MS = 5_000;

/** `linkerd/cli 0.1.0` → `0.1.0`. */
function versionIn(createdBy: string | undefined): string | undefined {
  return createdBy?.split(" ").at(-1);
}

async function askCluster(
  options: VersionOptions,
  global: GlobalOptions,
  environment: Environment,
): Promise<Versions> {
  const [{ PODS }, { CREATED_BY_ANNOTATION, PROXY_VERSION_ANNOTATION }, labels] = await Promise.all([
    import("../../kube/kinds.ts"),
    import("../../mesh/annotations.ts"),
    import("../../mesh/labels.ts"),
  ]);
  const { client, close } = await environment.connect(global);
  try {
    const controlPlane = await client.list(PODS, {
      namespace: global.linkerdNamespace,
      labelSelector: labels.COMPONENT_LABEL,
    });
    const server = controlPlane.items.map(({ metadata }) =>
      versionIn(metadata?.annotations?.[CREATED_BY_ANNOTATION])
    ).find((version) => version !== undefined);
    const base: Versions = server === undefined
      ? { client: VERSION, server: "unavailable", reason: `no control plane in ${global.linkerdNamespace}` }
      : { client: VERSION, server };
    if (!options.proxy) return base;
    const proxies: Record<string, number> = {};
    const { items } = await client.list(PODS, {
      labelSelector: labels.CONTROL_PLANE_NS_LABEL,
      ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
    });
    for (const { metadata } of items) {
      const version = metadata?.annotations?.[PROXY_VERSION_ANNOTATION] ?? "unknown";
      proxies[version] = (proxies[version] ?? 0) + 1;
    }
    return { ...base, proxies };
  } finally {
    close();
  }
}

async function read(
  options: VersionOptions,
  global: GlobalOptions,
  environment: Environment,
): Promise<Versions> {
  if (options.client) return { client: VERSION };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, refuse) => {
    timer = setTimeout(
      () => refuse(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)),
      TIMEOUT_MS,
    );
  });
  try {
    return await Promise.race([askCluster(options, global, environment), timeout]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { client: VERSION, server: "unavailable", reason };
  } finally {
    clearTimeout(timer);
  }
}

export async function version(
  options: VersionOptions,
  global: GlobalOptions,
  environment: Environment,
): Promise<void> {
  const versions = await read(options, global, environment);
  if (options.output === "json") return environment.print(`${JSON.stringify(versions, null, 2)}\n`);
  if (options.short) {
    const numbers = [versions.client, ...(versions.server === undefined ? [] : [versions.server])];
    return environment.print(`${numbers.join("\n")}\n`);
  }
  const lines = [`Client version: ${versions.client}`];
  if (versions.server !== undefined) lines.push(`Server version: ${versions.server}`);
  if (versions.proxies !== undefined) {
    const counts = Object.entries(versions.proxies).sort();
    lines.push("Proxy versions:", ...counts.map(([name, pods]) => `\t${name} (${pods} pods)`));
  }
  environment.print(`${lines.join("\n")}\n`);
  if (versions.reason !== undefined && global.verbose) environment.tell(`${versions.reason}\n`);
}
