/** Namespaces of extensions, and the checks that extensions bring themselves. Source: cli.md §1.4. */
import { NAMESPACES } from "../../../kube/kinds.ts";
import { EXTENSION_LABEL } from "../../../mesh/labels.ts";
import { listExtensions } from "../../extension.ts";
import { type Category, type CategoryResult, refuse } from "../check_model.ts";
import type { Facts } from "../facts.ts";

/** Extension → the namespaces that carry its label. */
function labelled(facts: Facts): Promise<Map<string, string[]>> {
  return facts.once("extensions", async () => {
    const { items } = await facts.client.list(NAMESPACES, { labelSelector: EXTENSION_LABEL });
    const found = new Map<string, string[]>();
    for (const { metadata } of items) {
      const extension = metadata?.labels?.[EXTENSION_LABEL] ?? "";
      found.set(extension, [...found.get(extension) ?? [], metadata?.name ?? ""]);
    }
    return found;
  });
}

export const extensionNamespaces: Category = {
  name: "linkerd-extension-checks",
  checks: [{
    description: "namespace configuration for extensions",
    anchor: "l5d-extension-namespaces",
    isWarning: true,
    async run(facts) {
      const twice = [...await labelled(facts)].filter(([, namespaces]) => namespaces.length > 1);
      refuse(
        twice.map(([extension, namespaces]) =>
          `label "${EXTENSION_LABEL}=${extension}" is on several namespaces: ${namespaces.join(", ")}`
        ),
      );
    },
  }],
};

const HINT = "docs/checks/extensions.md";

/** Whether an extension wants to be asked even if its namespace is not there. */
async function isAlways(facts: Facts, file: string, name: string): Promise<boolean> {
  try {
    const text = await facts.environment.capture(file, ["_extension-metadata"]);
    const metadata = JSON.parse(text) as { name?: string; checks?: string };
    return metadata.checks === "always" && metadata.name?.toLowerCase() === `linkerd-${name}`.toLowerCase();
  } catch {
    return false; // programs that do not follow the contract are not extensions
  }
}

async function runExtension(facts: Facts, file: string, flags: readonly string[]): Promise<CategoryResult[]> {
  const { global } = facts, program = file.slice(file.lastIndexOf("/") + 1);
  const optional = (flag: string, value: string | undefined) =>
    value === undefined ? [] : [`--${flag}=${value}`];
  const args = [
    "check",
    "--output=json",
    `--linkerd-namespace=${global.linkerdNamespace}`,
    ...optional("kubeconfig", global.kubeconfig),
    ...optional("context", global.context),
    ...optional("as", global.as),
    ...flags,
  ];
  let text = "";
  try {
    text = await facts.environment.capture(file, args);
    return (JSON.parse(text) as { categories: CategoryResult[] }).categories;
  } catch (error) {
    const seen = text === "" ? String(error) : `invalid extension check output: ${text.slice(0, 200)}`;
    const description = `Running: ${program} ${args.join(" ")}`;
    return [{ categoryName: program, checks: [{ description, result: "error", hint: HINT, error: seen }] }];
  }
}

/** Runs the checks of every extension that is installed, or asks to be run always. */
export async function extensionChecks(
  facts: Facts,
  options: { readonly proxy: boolean; readonly namespace?: string; readonly wait: string },
): Promise<CategoryResult[]> {
  const installed = await labelled(facts);
  const files = listExtensions(facts.environment.variable("PATH"));
  const flags = [
    `--wait=${options.wait}`,
    ...(options.proxy ? ["--proxy"] : []),
    ...(options.proxy && options.namespace !== undefined ? [`--namespace=${options.namespace}`] : []),
  ];
  const results: CategoryResult[] = [];
  for (const [name, file] of files) {
    if (installed.has(name) || await isAlways(facts, file, name)) {
      results.push(...await runExtension(facts, file, flags));
    }
  }
  const missing = [...installed.keys()].filter((name) => !files.has(name));
  if (missing.length > 0) {
    const checks = missing.map((name) => ({
      description: `Linkerd extension command linkerd-${name} exists`,
      result: "warning" as const,
      hint: HINT,
      error: `there is no linkerd-${name} on the PATH`,
    }));
    results.push({ categoryName: "linkerd-extension-checks", checks });
  }
  return results;
}
