/** `linkerd profile`: prints a ServiceProfile for a service, from a description of its interface. Source: cli.md §2.8. */
import { toYaml } from "../../../manifests/render.ts";
import type { KubernetesObject } from "../../kube/resource.ts";
import { formatJson } from "../../mesh/table.ts";
import type { Environment } from "../environment.ts";
import { usageFailure } from "../failure.ts";
import type { GlobalOptions } from "../global_options.ts";
import { readSources } from "../inject/sources.ts";
import { openApiRoutes } from "./open_api.ts";
import { placeOf } from "./place.ts";
import { protoRoutes } from "./proto.ts";
import { profileTemplate } from "./template.ts";

export interface ProfileOptions {
  readonly template: boolean;
  readonly openApi?: string;
  readonly proto?: string;
  readonly namespace?: string;
  readonly ignoreCluster: boolean;
  readonly output: string;
}

export async function profile(
  service: string,
  options: ProfileOptions,
  global: GlobalOptions,
  environment: Environment,
): Promise<void> {
  const { template, openApi, proto } = options;
  if ([template, openApi !== undefined, proto !== undefined].filter(Boolean).length !== 1) {
    throw usageFailure(
      "profile-source",
      "exactly one of --template, --open-api and --proto must be given",
      "for example linkerd profile --template web",
    );
  }
  if (!/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(service)) {
    throw usageFailure(
      "service-name-invalid",
      `${JSON.stringify(service)} is no name of a Service`,
      "a name has lower-case letters, digits and dashes, and begins with a letter; its namespace goes to -n",
    );
  }
  const file = openApi ?? proto;
  const text = file === undefined
    ? ""
    : (await readSources(file, environment)).map((one) => one.text).join("\n");
  const routes = openApi !== undefined
    ? openApiRoutes(text, openApi)
    : proto !== undefined
    ? protoRoutes(text, proto)
    : [];
  const { namespace, domain } = await placeOf(options, global, environment);
  if (template && options.output !== "json") {
    return environment.print(profileTemplate(service, namespace, domain));
  }
  const object = {
    apiVersion: "linkerd.io/v1alpha2",
    kind: "ServiceProfile",
    metadata: { name: `${service}.${namespace}.svc.${domain}`, namespace },
    spec: { routes },
  } as KubernetesObject;
  environment.print(options.output === "json" ? formatJson(object) : toYaml([object]));
}
