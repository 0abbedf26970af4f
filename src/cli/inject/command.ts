/** `linkerd inject` and `linkerd uninject`: manifests on standard output, reports on standard error. */
import { createHttpKubeClient } from "../../kube/http_client.ts";
import { loadKubeConfig } from "../../kube/config.ts";
import { CONFIG_MAPS } from "../../kube/kinds.ts";
import { parse } from "../../kube/yaml.ts";
import { MeshFailure } from "../../mesh/error.ts";
import { defaultValues, mergeValues, type PartialValues, type Values } from "../../mesh/values.ts";
import type { GlobalOptions } from "../global_options.ts";
import { type Manifest, type OutputFormat, readDocuments, writeDocuments } from "./documents.ts";
import { overridesOf } from "./flags.ts";
import { inject } from "./inject.ts";
import { formatReports, type Report } from "./report.ts";
import { readSources } from "./sources.ts";
import { uninject } from "./uninject.ts";

export interface InjectOptions extends Readonly<Record<string, unknown>> {
  readonly output: string;
  readonly manual?: boolean;
  readonly ingress?: boolean;
  readonly ignoreCluster?: boolean;
}

function outputFormat(output: string): OutputFormat {
  if (output === "yaml" || output === "json") return output;
  throw new MeshFailure({
    code: "output-format-unknown",
    source: "usage",
    detail: `${output} is no output format`,
    remedy: "use yaml or json",
  });
}

/** Everything is read before anything is written: a broken file leaves standard output empty. */
async function readAll(sources: readonly string[]): Promise<Manifest[]> {
  const texts = (await Promise.all(sources.map(readSources))).flat();
  return texts.flatMap(({ file, text }) => readDocuments(text, file));
}

/** The installation's values; its `linkerd-config` is read where the proxy itself is written. */
async function valuesFor(global: GlobalOptions, options: InjectOptions): Promise<Values> {
  const values = { ...defaultValues(), namespace: global.linkerdNamespace };
  if (options.manual !== true || options.ignoreCluster === true) return values;
  const client = createHttpKubeClient(
    await loadKubeConfig({
      ...(global.kubeconfig === undefined ? {} : { path: global.kubeconfig }),
      ...(global.context === undefined ? {} : { context: global.context }),
      ...(global.as === undefined ? {} : { as: global.as }),
      ...(global.asGroup === undefined ? {} : { asGroups: [...global.asGroup] }),
    }),
  );
  try {
    const config = await client.get(CONFIG_MAPS, "linkerd-config", global.linkerdNamespace);
    return mergeValues(values, (parse(config.data?.values ?? "") ?? {}) as PartialValues);
  } catch (error) {
    throw new MeshFailure({
      code: "values-unreadable",
      source: "cluster",
      detail: `linkerd-config of ${global.linkerdNamespace}: ${
        error instanceof Error ? error.message : error
      }`,
      remedy: "--ignore-cluster injects with the default values",
    });
  } finally {
    client.close();
  }
}

async function print(
  result: { manifests: Manifest[]; reports: Report[] },
  format: OutputFormat,
): Promise<void> {
  await new Blob([writeDocuments(result.manifests, format)]).stream()
    .pipeTo(Deno.stdout.writable, { preventClose: true });
  console.error(`\n${formatReports(result.reports)}`);
}

export async function runInject(
  sources: readonly string[],
  options: InjectOptions,
  global: GlobalOptions,
): Promise<void> {
  const format = outputFormat(options.output);
  const manifests = await readAll(sources);
  const result = inject(manifests, {
    isManual: options.manual === true,
    isIngress: options.ingress === true,
    overrides: overridesOf(options),
    values: await valuesFor(global, options),
  });
  await print(result, format);
}

export async function runUninject(sources: readonly string[], options: { output: string }): Promise<void> {
  const format = outputFormat(options.output);
  await print(uninject(await readAll(sources)), format);
}
