/** Flags about proxies laid over the installation's values, by the injector's own rules for the annotations. */
import { settingsFor } from "../control/injector/settings.ts";
import type { Values } from "../mesh/values.ts";
import { usageFailure } from "./failure.ts";
import { type AnnotationFlag, annotationsOf } from "./proxy_flags.ts";

/** @throws MeshFailure that names the flag whose value the injector would not understand */
export function withProxyFlags(
  values: Values,
  flags: readonly AnnotationFlag[],
  options: Readonly<Record<string, unknown>>,
): Values {
  const annotations = annotationsOf(flags, options);
  if (Object.keys(annotations).length === 0) return values;
  const settings = settingsFor(values, annotations, {});
  const [misread] = settings.misread;
  if (misread === undefined) return settings.values;
  const { annotation, value, wanted } = misread;
  const flag = flags.find(([, known]) => known === annotation)?.[0].split(" ")[0] ?? annotation;
  throw usageFailure(
    "flag-invalid",
    `--${flag}: ${JSON.stringify(value)} is no value for it`,
    `it takes ${wanted}`,
  );
}
