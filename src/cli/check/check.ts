/** `linkerd check`: the first thing to run in trouble. Source: cli.md §5. */
import { parseGoDuration } from "../../mesh/duration.ts";
import { formatJson } from "../../mesh/table.ts";
import type { Environment } from "../environment.ts";
import { usageFailure } from "../failure.ts";
import type { GlobalOptions } from "../global_options.ts";
import { cniPlugin } from "./categories/cni_plugin.ts";
import { controlPlaneProxies, controlPlaneVersion, highAvailability } from "./categories/control_plane.ts";
import { dataPlane, dataPlaneIdentity, dataPlaneMetrics } from "./categories/data_plane.ts";
import { configuration, existence } from "./categories/existence.ts";
import { extensionChecks, extensionNamespaces } from "./categories/extensions.ts";
import { gatewayApi } from "./categories/gateway_api.ts";
import { identity } from "./categories/identity.ts";
import { kubernetesApi, kubernetesVersion } from "./categories/kubernetes.ts";
import { preInstall } from "./categories/pre_install.ts";
import { definitions } from "./categories/definitions.ts";
import { statistics } from "./categories/statistics.ts";
import { webhooks } from "./categories/webhooks.ts";
import type { Category, CategoryResult } from "./check_model.ts";
import { Facts } from "./facts.ts";
import { formatCategory, formatCheck, formatStatus } from "./format.ts";
import { runChecks } from "./runner.ts";

export interface CheckOptions {
  readonly pre: boolean;
  readonly crds: boolean;
  readonly proxy: boolean;
  /** Only the CNI plugin. */
  readonly cni: boolean;
  /** With --pre: the plugin must be there before an installation that uses it. */
  readonly linkerdCniEnabled: boolean;
  readonly namespace?: string;
  readonly wait: string;
  readonly output: string;
}

/** The categories of a mode, in Linkerd's order. */
export function categoriesOf(
  options: Pick<CheckOptions, "pre" | "crds" | "proxy" | "cni" | "linkerdCniEnabled">,
): Category[] {
  const cluster = [kubernetesApi, kubernetesVersion];
  if (options.cni) return [...cluster, cniPlugin(true)];
  cluster.push(gatewayApi);
  if (options.pre) return [...cluster, preInstall, ...(options.linkerdCniEnabled ? [cniPlugin(true)] : [])];
  if (options.crds) return [...cluster, definitions];
  const { proxy } = options;
  return [
    ...cluster,
    existence,
    configuration,
    cniPlugin(false),
    identity,
    webhooks,
    ...(proxy ? [dataPlaneIdentity] : [controlPlaneVersion]),
    controlPlaneProxies,
    ...(proxy ? [dataPlane] : []),
    highAvailability,
    ...(proxy ? [] : [extensionNamespaces]),
    statistics,
    ...(proxy ? [dataPlaneMetrics] : []),
  ];
}

function waitOf(text: string): number {
  const wait = parseGoDuration(text);
  if (wait !== undefined && wait >= 0) return wait;
  throw usageFailure("duration-invalid", `--wait ${text}: it is not a duration`, "write it like 30s or 5m0s");
}

/** Prints results as they come: a run may take minutes. */
function printer(environment: Environment, isShort: boolean) {
  let isFirst = true, pending = "";
  return {
    category(name: string) {
      pending = `${isFirst ? "" : "\n"}${formatCategory(name)}`;
      if (!isShort) environment.print(pending);
    },
    check(result: CategoryResult["checks"][number]) {
      if (isShort && result.result === "success") return;
      environment.print(`${isShort ? pending : ""}${formatCheck(result)}`);
      pending = "";
      isFirst = false;
    },
  };
}

export async function check(
  options: CheckOptions,
  global: GlobalOptions,
  environment: Environment,
): Promise<number> {
  if ([options.pre, options.crds, options.proxy, options.cni].filter((one) => one).length > 1) {
    throw usageFailure(
      "conflicting-option",
      "--pre, --crds, --proxy and --cni exclude each other",
      "give one of them",
    );
  }
  if (options.linkerdCniEnabled && !options.pre) {
    throw usageFailure(
      "conflicting-option",
      "--linkerd-cni-enabled goes with --pre",
      "say --cni after an installation",
    );
  }
  const deadline = environment.now() + waitOf(options.wait);
  const facts = new Facts(global, environment, options.proxy ? options.namespace : undefined);
  const isJson = options.output === "json", print = printer(environment, options.output === "short");
  let waitedFor = "";
  try {
    const { results, isCut } = await runChecks(categoriesOf(options), facts, {
      deadline,
      ...(isJson
        ? {}
        : { onCategory: (name) => print.category(name), onCheck: (result) => print.check(result) }),
      onWait: ({ description }, why) => {
        const line = `waiting until ${description}: ${why.split("\n").join(" ")}\n`;
        if (line !== waitedFor) environment.tell(line);
        waitedFor = line;
      },
    });
    if (!isCut && !options.pre && !options.crds && !options.cni) {
      for (const category of await extensionChecks(facts, options)) {
        results.push(category);
        if (isJson) continue;
        print.category(category.categoryName);
        category.checks.forEach((result) => print.check(result));
      }
    }
    const isSuccess = results.every(({ checks }) => checks.every(({ result }) => result !== "error"));
    if (isJson) environment.print(formatJson({ success: isSuccess, categories: results }));
    else environment.print(`\n${formatStatus(isSuccess)}`);
    return isSuccess ? 0 : 1;
  } finally {
    facts.close();
  }
}
