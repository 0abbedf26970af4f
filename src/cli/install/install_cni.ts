/** `linkerd install-cni`: prints the CNI plugin's objects. Source: cli.md §2.7. */
import { renderCni } from "../../../manifests/cni.ts";
import { type CniValues, defaultCniValues } from "../../mesh/cni_values.ts";
import { mergeValues, type PartialValues, type Values } from "../../mesh/values.ts";
import type { Environment } from "../environment.ts";
import { usageFailure } from "../failure.ts";
import type { GlobalOptions } from "../global_options.ts";
import { optionName } from "../proxy_flags.ts";
import { CNI_FLAGS } from "./cni_flags.ts";
import { printObjects } from "./install.ts";
import { setValue, setValues } from "./set_values.ts";
import { imageAt, parseFile } from "./values.ts";

export interface InstallCniOptions extends Readonly<Record<string, unknown>> {
  readonly output: string;
  readonly registry?: string;
  readonly set: readonly string[];
  readonly setString: readonly string[];
  readonly values: readonly string[];
}

/** The functions that set values walk over any tree; these are another one. */
const asValues = (values: CniValues) => values as unknown as Values;
const asCniValues = (values: Values) => values as unknown as CniValues;

function checkValues(values: CniValues): void {
  const directories = ["destCNINetDir", "destCNIBinDir"] as const;
  for (const name of directories) {
    if (/^\/[^:]*[^/:]$/.test(values[name])) continue;
    throw usageFailure(
      "value-invalid",
      `${name}: ${JSON.stringify(values[name])} is no directory of a node`,
      "it takes an absolute path, such as /etc/cni/net.d",
    );
  }
  for (const name of ["ignoreInboundPorts", "ignoreOutboundPorts", "portsToRedirect"] as const) {
    if (/^(\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*)?$/.test(values[name])) continue;
    throw usageFailure(
      "value-invalid",
      `${name}: ${JSON.stringify(values[name])} is no list of ports`,
      "it takes ports and ranges, such as 25,8000-8010",
    );
  }
}

export function installCni(
  options: InstallCniOptions,
  global: GlobalOptions,
  environment: Environment,
): void {
  const warn = (text: string) => environment.tell(`‼ ${text}\n`);
  let values = asValues({ ...defaultCniValues(), namespace: global.cniNamespace });
  const registry = options.registry ?? environment.variable("LINKERD_DOCKER_REGISTRY");
  if (registry) {
    const { image } = asCniValues(values);
    values = asValues({ ...asCniValues(values), image: { ...image, name: imageAt(registry, image.name) } });
  }
  for (const { flag, path, value } of CNI_FLAGS) {
    const given = options[optionName(flag.split(", ").at(-1)!)];
    if (given !== undefined && given !== false) {
      values = setValue(values, `${path}=${value ?? given}`, false, warn);
    }
  }
  for (const file of options.values) values = mergeValues(values, parseFile(file) as PartialValues);
  for (const argument of options.set) values = setValues(values, argument, false, warn);
  for (const argument of options.setString) values = setValues(values, argument, true, warn);
  checkValues(asCniValues(values));
  printObjects(renderCni(asCniValues(values)), options.output, environment);
}
