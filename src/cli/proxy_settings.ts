/** Flags about proxies laid over the installation's values, by the injector's own rules for the annotations. */
import { settingsFor } from "../control/injector/settings.ts";
import type { Values } from "../mesh/values.ts";
import { usageFailure } from "./failure.ts";
import { type AnnotationFlag, annotationsOf } from "./proxy_flags.ts";

/** @throws MeshFailure that names the flag whose value the injector would pass over */
export function withProxyFlags(
  values: Values,
  flags: readonly AnnotationFlag[],
  options: Readonly<Record<string, unknown>>,
): Values {
  const annotations = annotationsOf(flags, options);
  if (Object.keys(annotations).length === 0) return values;
  const settings = settingsFor(values, annotations, {});
  const [warning] = settings.warnings;
  if (warning === undefined) return settings.values;
  // `annotation config.linkerd.io/x: "v" is ignored, it takes …`: here it was a flag, and is refused.
  const [, annotation = "", value = "", wanted = ""] =
    /^annotation (\S+): (.*) is ignored, it takes (.*)$/s.exec(warning) ?? [];
  const flag = flags.find(([, known]) => known === annotation)?.[0].split(" ")[0] ?? annotation;
  throw usageFailure("flag-invalid", `--${flag}: ${value} is no value for it`, `it takes ${wanted}`);
}
