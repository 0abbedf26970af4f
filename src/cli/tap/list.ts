/** `linkerd list`: which pods can be tapped, and why others cannot. Source: cli.md §3.2. */
import { NAMESPACES, type Pod, PODS } from "../../kube/kinds.ts";
import { forbidsTap, TAP_ENABLED_ANNOTATION } from "../../mesh/annotations.ts";
import { COMPONENT_LABEL, CONTROL_PLANE_NS_LABEL } from "../../mesh/labels.ts";
import { formatJson } from "../../mesh/table.ts";
import type { Environment } from "../environment.ts";
import type { GlobalOptions } from "../global_options.ts";

export interface ListOptions {
  readonly namespace?: string;
  readonly allNamespaces: boolean;
  readonly output: "text" | "json";
}

type Capability = "enabled" | "disabled" | "restart-needed";

const TITLES: Readonly<Record<Capability, string>> = {
  "enabled": "Pods with tap enabled",
  "disabled": "Pods with tap disabled",
  "restart-needed": "Pods missing tap configuration (restart these pods to enable tap)",
};

function capabilityOf(pod: Pod, refusing: ReadonlySet<string>): Capability {
  const annotations = pod.metadata?.annotations;
  if (forbidsTap(annotations) || refusing.has(pod.metadata?.namespace ?? "")) return "disabled";
  return annotations?.[TAP_ENABLED_ANNOTATION] === "true" ? "enabled" : "restart-needed";
}

export async function list(
  options: ListOptions,
  global: GlobalOptions,
  environment: Environment,
): Promise<void> {
  const { client, namespace, close } = await environment.connect(global);
  try {
    const chosen = options.allNamespaces ? undefined : options.namespace ?? namespace;
    const selector = { labelSelector: `${CONTROL_PLANE_NS_LABEL},!${COMPONENT_LABEL}` };
    const [pods, namespaces] = await Promise.all([
      client.list(PODS, chosen === undefined ? selector : { ...selector, namespace: chosen }),
      client.list(NAMESPACES),
    ]);
    const refusing = new Set(
      namespaces.items.filter(({ metadata }) => forbidsTap(metadata?.annotations))
        .map(({ metadata }) => metadata?.name ?? ""),
    );
    const rows = pods.items.map((pod) => ({
      namespace: pod.metadata?.namespace ?? "",
      name: pod.metadata?.name ?? "",
      tap: capabilityOf(pod, refusing),
    }));
    if (options.output === "json") return environment.print(formatJson(rows));
    if (rows.length === 0) return environment.tell("No meshed pods found.\n");
    const sections = (Object.keys(TITLES) as Capability[]).flatMap((capability) => {
      const names = rows.filter(({ tap }) => tap === capability)
        .map((row) => `\t* ${options.allNamespaces ? `${row.namespace}/` : ""}${row.name}\n`);
      return names.length === 0 ? [] : [`${TITLES[capability]}:\n${names.join("")}`];
    });
    environment.print(sections.join("\n"));
  } finally {
    close();
  }
}
