/**
 * Where the configuration comes from. The kubelet writes a changed ConfigMap into a pod within a minute or so, and gives
 * even a new pod an old one while its own watch is broken; whoever upgrades and rolls an application at once would get
 * the old proxy. So the ConfigMaps are watched, and the files serve until the watch has begun.
 */
import type { KubeClient } from "../../kube/client.ts";
import { type Informer, startInformer } from "../../kube/informer.ts";
import { CONFIG_MAPS, type ConfigMap } from "../../kube/kinds.ts";
import { CONFIG_MAP, TRUST_ROOTS_CONFIG_MAP, TRUST_ROOTS_KEY } from "../../mesh/names.ts";
import type { ConfigSource } from "./configuration.ts";

export function mountedFiles(valuesPath: string, anchorsPath: string): ConfigSource {
  return {
    name: valuesPath,
    stamp: () => `${modified(valuesPath)} ${modified(anchorsPath)}`,
    texts: async () => ({
      values: await Deno.readTextFile(valuesPath),
      anchors: await readIfThere(anchorsPath),
    }),
  };
}

function modified(path: string): string {
  try {
    const { mtime, ino, size } = Deno.statSync(path);
    return `${mtime?.getTime()}/${ino}/${size}`;
  } catch {
    return "none"; // Reading it will say why.
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Both ConfigMaps, each watched by its name. Has texts once both have been asked for. */
export function watchedConfigMaps(client: KubeClient, namespace: string): ConfigSource & { stop(): void } {
  const watch = (name: string): Informer<ConfigMap> =>
    startInformer(client, CONFIG_MAPS, { namespace, fieldSelector: `metadata.name=${name}` });
  const values = watch(CONFIG_MAP), anchors = watch(TRUST_ROOTS_CONFIG_MAP);
  let isSynced = false;
  Promise.all([values.synced, anchors.synced]).then(() => isSynced = true);
  const now = () => [values.get(namespace, CONFIG_MAP), anchors.get(namespace, TRUST_ROOTS_CONFIG_MAP)];
  return {
    name: `ConfigMap ${namespace}/${CONFIG_MAP}`,
    stamp() {
      const [one, other] = now();
      if (!isSynced || one === undefined) return undefined;
      return `${one.metadata?.resourceVersion} ${other?.metadata?.resourceVersion}`;
    },
    texts() {
      const [one, other] = now();
      return Promise.resolve({ values: one?.data?.values ?? "", anchors: other?.data?.[TRUST_ROOTS_KEY] });
    },
    stop() {
      values.stop();
      anchors.stop();
    },
  };
}
