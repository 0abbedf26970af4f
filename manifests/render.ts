/**
 * What `linkerd install` prints: values in, Kubernetes objects out, the same each time.
 *
 * Objects come in an order that can be applied from top to bottom.
 */
import { stringify } from "yaml";
import { YAML_OPTIONS } from "./yaml_options.ts";
import type { KubernetesObject } from "../src/kube/resource.ts";
import { MeshFailure } from "../src/mesh/error.ts";
import type { Values } from "../src/mesh/values.ts";
import { configMap } from "./config.ts";
import { crds } from "./crds/all.ts";
import { destination } from "./destination.ts";
import { identity } from "./identity.ts";
import { metricsApi } from "./metrics_api.ts";
import { namespace } from "./namespace.ts";
import { networkPolicies } from "./network_policies.ts";
import { proxyInjector } from "./proxy_injector.ts";
import { web } from "./web.ts";

export { gatewayCrds } from "./crds/all.ts";
export { credentialValues, generateCredentials } from "./credentials.ts";
export { laptopValues } from "./laptop.ts";
export { defaultValues, mergeValues } from "../src/mesh/values.ts";

/** @throws MeshFailure when the values lack credentials */
export function renderInstall(values: Values): KubernetesObject[] {
  const { scheme, tls } = values.identity.issuer;
  const lacksIssuer = scheme === "linkerd.io/tls" && (tls.crtPEM === "" || tls.keyPEM === "");
  if (values.identityTrustAnchorsPEM === "" || lacksIssuer) {
    throw new MeshFailure({
      code: "credentials-missing",
      source: "usage",
      detail: "trust anchors, issuer certificate and issuer key must be given together, or none of them",
      remedy: "leave all three out to have them generated, or pass --identity-trust-anchors-file, " +
        "--identity-issuer-certificate-file and --identity-issuer-key-file",
    });
  }
  return [
    namespace(values),
    configMap(values),
    ...identity(values),
    ...destination(values),
    ...proxyInjector(values),
    ...metricsApi(values),
    ...web(values),
    ...networkPolicies(values),
  ];
}

/** The mesh's resource definitions: what `linkerd install --crds` prints. */
export function renderCrds(): KubernetesObject[] {
  return crds();
}

/** Documents separated by `---`, keys in the order of the objects. */
export function toYaml(objects: readonly KubernetesObject[]): string {
  return objects.map((object) => `---\n${stringify(object, YAML_OPTIONS)}`).join("");
}
