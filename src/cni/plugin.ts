/**
 * linkerd-cni, the plugin: at the end of a node's chain of CNI plugins it makes the connections of meshed pods pass
 * through their proxies, so that no container of a pod needs the right to change its network.
 *
 * It runs once per pod that is added, in tens of milliseconds: nothing is imported that it does not need.
 */
import { applyRules, rulesOf } from "../init/rules.ts";
import { UsageError } from "../init/options.ts";
import { isNotFound } from "../kube/client.ts";
import { loadKubeConfig } from "../kube/config.ts";
import { createHttpKubeClient } from "../kube/http_client.ts";
import { type Pod, PODS } from "../kube/kinds.ts";
import { inNamespaces, openNamespaceFile } from "../linux/namespace.ts";
import { explainNftables, openNftables } from "../linux/netlink/nftables/batch.ts";
import {
  CODE,
  parseArguments,
  parseConfig,
  type PluginConfig,
  PluginError,
  SUPPORTED_VERSIONS,
} from "./plugin_config.ts";
import { optionsFor, reasonToSkip } from "./pod_options.ts";

export interface Invocation {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly input: string;
  /** Undefined for a pod that is not there. Throws where that cannot be found out. */
  readonly readPod: (kubeconfig: string, namespace: string, name: string) => Promise<Pod | undefined>;
  /** Takes a line of log: the runtime keeps what a plugin writes to its error output. */
  readonly log: (line: string) => void;
}

const API_TIMEOUT_MS = 10_000;

/** Asks the API server. */
export async function readPod(kubeconfig: string, namespace: string, name: string): Promise<Pod | undefined> {
  const client = createHttpKubeClient(await loadKubeConfig({ path: kubeconfig }));
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`no answer within ${API_TIMEOUT_MS / 1000} s`)), API_TIMEOUT_MS);
  });
  try {
    return await Promise.race([client.get(PODS, name, namespace), late]);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
    client.close();
  }
}

/** The pod the runtime speaks of; otherwise why it is nobody's that the plugin has to look at. */
async function podOf(config: PluginConfig, { environment, readPod }: Invocation): Promise<Pod | string> {
  const words = parseArguments(environment["CNI_ARGS"] ?? "");
  const namespace = words.get("K8S_POD_NAMESPACE"), name = words.get("K8S_POD_NAME");
  if (namespace === undefined || name === undefined) return "it is no pod of Kubernetes";
  if (config.kubernetes.exclude_namespaces?.includes(namespace)) return `namespace ${namespace} is excluded`;
  try {
    return await readPod(config.kubernetes.kubeconfig, namespace, name) ??
      `Kubernetes knows no pod ${namespace}/${name}`;
  } catch (error) {
    throw new PluginError(
      CODE.tryAgain,
      `linkerd-cni could not read pod ${namespace}/${name}, and so not tell whether it is meshed`,
      error instanceof Error ? error.message : String(error),
    );
  }
}

function redirect(config: PluginConfig, pod: Pod, namespacePath: string): number {
  const options = optionsFor(config.linkerd, pod), rules = rulesOf(options);
  if (options.isSimulated) return rules.length;
  using namespace = openNamespaceFile(namespacePath, "net");
  inNamespaces({ enter: [namespace] }, () => {
    const connection = openNftables();
    try {
      applyRules(connection, rules, options.hasIPv6);
    } finally {
      connection.close();
    }
  });
  return rules.length;
}

async function add(config: PluginConfig, invocation: Invocation): Promise<unknown> {
  if (config.prevResult === undefined) {
    throw new PluginError(
      CODE.config,
      "linkerd-cni must stand behind another plugin: there is no prevResult",
    );
  }
  const namespace = invocation.environment["CNI_NETNS"];
  if (namespace === undefined || namespace === "") {
    throw new PluginError(CODE.environment, "CNI_NETNS is not set");
  }
  const pod = await podOf(config, invocation);
  const reason = typeof pod === "string" ? pod : reasonToSkip(pod);
  if (typeof pod === "string" || reason !== undefined) {
    invocation.log(`left alone: ${reason}`);
  } else {
    const name = `${pod.metadata?.namespace}/${pod.metadata?.name}`;
    try {
      const count = redirect(config, pod, namespace);
      invocation.log(`pod ${name} is redirected by ${count} rules`);
    } catch (error) {
      const details = error instanceof UsageError ? error.message : explainNftables(error);
      throw new PluginError(CODE.failed, `linkerd-cni could not redirect pod ${name}`, details);
    }
  }
  return { cniVersion: config.cniVersion, ...config.prevResult };
}

/** Does what the runtime asks. @returns what to print, nothing for nothing @throws PluginError */
async function obey(invocation: Invocation): Promise<unknown> {
  const command = invocation.environment["CNI_COMMAND"];
  switch (command) {
    case "VERSION":
      return { cniVersion: "1.1.0", supportedVersions: SUPPORTED_VERSIONS };
    case "ADD":
      return await add(parseConfig(invocation.input), invocation);
    case "CHECK": // the validator in the pod itself has looked, and its rules cannot be changed from within
    case "DEL": // rules go with their namespace
    case "GC":
    case "STATUS":
      return undefined;
    default:
      throw new PluginError(
        CODE.environment,
        `CNI_COMMAND is ${JSON.stringify(command ?? "")}: no command of CNI's`,
      );
  }
}

/** @param print takes what the runtime reads @returns the exit status */
export async function runPlugin(invocation: Invocation, print: (text: string) => void): Promise<number> {
  try {
    const answer = await obey(invocation);
    if (answer !== undefined) print(JSON.stringify(answer));
    return 0;
  } catch (error) {
    const { code, message, details } = error instanceof PluginError
      ? error
      : { code: CODE.failed, message: String(error), details: (error as Error).stack ?? "" };
    invocation.log(`${message}: ${details}`);
    print(JSON.stringify({ cniVersion: "1.0.0", code, msg: message, details }));
    return 1;
  }
}

if (import.meta.main) {
  const code = await runPlugin({
    environment: Deno.env.toObject(),
    input: await new Response(Deno.stdin.readable).text(),
    readPod,
    log: (line) => console.error(line),
  }, (text) => console.log(text));
  Deno.exit(code);
}
