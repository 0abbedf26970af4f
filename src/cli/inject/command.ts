/** `linkerd inject` and `linkerd uninject`: manifests on standard output, reports on standard error. */
import { CONFIG_MAPS } from "../../kube/kinds.ts";
import { parse } from "../../kube/yaml.ts";
import { MeshFailure } from "../../mesh/error.ts";
import { CONFIG_MAP, TRUST_ROOTS_CONFIG_MAP, TRUST_ROOTS_KEY } from "../../mesh/names.ts";
import { defaultValues, mergeValues, type PartialValues, type Values } from "../../mesh/values.ts";
import type { Environment } from "../environment.ts";
import { usageFailure } from "../failure.ts";
import type { GlobalOptions } from "../global_options.ts";
import { withProxyFlags } from "../proxy_settings.ts";
import { type Manifest, type OutputFormat, readDocuments, writeDocuments } from "./documents.ts";
import { OVERRIDE_FLAGS, overridesOf } from "./flags.ts";
import { inject } from "./inject.ts";
import { formatOutcomes, formatReports } from "./report.ts";
import { readSources } from "./sources.ts";
import { uninject } from "./uninject.ts";

export interface InjectOptions extends Readonly<Record<string, unknown>> {
  readonly output: OutputFormat;
  readonly manual?: boolean;
  readonly ingress?: boolean;
  readonly ignoreCluster?: boolean;
}

/** Everything is read before anything is written: a broken file leaves standard output empty. */
async function readAll(sources: readonly string[], environment: Environment): Promise<Manifest[]> {
  const texts = (await Promise.all(sources.map((source) => readSources(source, environment)))).flat();
  return texts.flatMap(({ file, text }) => readDocuments(text, file));
}

/** The installation's values, where the proxy itself is written; the anchors are those that count now. */
async function valuesFor(
  global: GlobalOptions,
  options: InjectOptions,
  environment: Environment,
): Promise<Values> {
  const values = { ...defaultValues(), namespace: global.linkerdNamespace };
  if (options.manual !== true) return values;
  if (options.ignoreCluster === true) {
    throw usageFailure(
      "anchors-unknown",
      "--manual writes the trust anchors into the proxy, and --ignore-cluster keeps them from being read",
      "leave one of the two out",
    );
  }
  const connection = await environment.connect(global), { client } = connection;
  try {
    const [config, anchors] = await Promise.all([
      client.get(CONFIG_MAPS, CONFIG_MAP, global.linkerdNamespace),
      client.get(CONFIG_MAPS, TRUST_ROOTS_CONFIG_MAP, global.linkerdNamespace),
    ]);
    return mergeValues(values, {
      ...(parse(config.data?.["values"] ?? "") ?? {}) as PartialValues,
      identityTrustAnchorsPEM: anchors.data?.[TRUST_ROOTS_KEY] ?? "",
    });
  } catch (error) {
    throw new MeshFailure({
      code: "values-unreadable",
      source: "cluster",
      detail: `the installation in ${global.linkerdNamespace} cannot be read: ${
        error instanceof Error ? error.message : error
      }`,
      remedy: "see with `linkerd check` whether there is one; without --manual no cluster is needed",
    });
  } finally {
    connection.close();
  }
}

export async function runInject(
  sources: readonly string[],
  options: InjectOptions,
  global: GlobalOptions,
  environment: Environment,
): Promise<void> {
  if (options["disableIdentity"] === true) {
    throw usageFailure("identity-required", "--disable-identity: every proxy of the mesh has an identity");
  }
  withProxyFlags(defaultValues(), OVERRIDE_FLAGS, options); // refuses what the injector would pass over
  const manifests = await readAll(sources, environment);
  const { manifests: injected, reports } = inject(manifests, {
    isManual: options.manual === true,
    isIngress: options.ingress === true,
    overrides: overridesOf(options),
    values: await valuesFor(global, options, environment),
  });
  environment.print(writeDocuments(injected, options.output));
  environment.tell(`\n${formatReports(reports, global.verbose)}\n`);
}

export async function runUninject(
  sources: readonly string[],
  options: { readonly output: OutputFormat },
  _global: GlobalOptions,
  environment: Environment,
): Promise<void> {
  const { manifests, reports } = uninject(await readAll(sources, environment));
  environment.print(writeDocuments(manifests, options.output));
  environment.tell(`\n${formatOutcomes(reports)}\n`);
}
