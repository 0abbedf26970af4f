/** linkerd-identity: certifies workloads. */
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import type { Secret } from "../src/kube/kinds.ts";
import type { KubernetesObject } from "../src/kube/resource.ts";
import { ISSUER_EXPIRY_ANNOTATION } from "../src/mesh/annotations.ts";
import {
  CONTROL_PORTS,
  ISSUER_DIRECTORY,
  ISSUER_SECRET,
  TRUST_ROOTS_CONFIG_MAP,
  TRUST_ROOTS_DIRECTORY,
} from "../src/mesh/names.ts";
import type { Values } from "../src/mesh/values.ts";
import { clusterAccess } from "./access.ts";
import {
  type Component,
  componentLabels,
  deployment,
  disruptionBudget,
  serviceAccount,
} from "./control_plane_pod.ts";
import { service } from "./services.ts";
import { trustRoots } from "./config.ts";

const NAME = "linkerd-identity";
const base64 = (text: string) => Buffer.from(text).toString("base64");

/** Left out with scheme kubernetes.io/tls: the Secret is then somebody else's. */
function issuerSecret(values: Values): Secret[] {
  const { scheme, tls } = values.identity.issuer;
  if (scheme !== "linkerd.io/tls") return [];
  const expiry = new X509Certificate(tls.crtPEM).validTo;
  return [{
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: ISSUER_SECRET,
      namespace: values.namespace,
      labels: componentLabels(values, "identity"),
      annotations: { [ISSUER_EXPIRY_ANNOTATION]: new Date(expiry).toISOString().replace(".000Z", "Z") },
    },
    data: { "crt.pem": base64(tls.crtPEM), "key.pem": base64(tls.keyPEM) },
  }];
}

export function identity(values: Values): KubernetesObject[] {
  const { issuer } = values.identity;
  const component: Component = {
    name: NAME,
    component: "identity",
    containerName: "identity",
    args: [
      "identity",
      `--controller-namespace=${values.namespace}`,
      `--identity-trust-domain=${values.identityTrustDomain}`,
      `--identity-issuance-lifetime=${issuer.issuanceLifetime}`,
      `--identity-clock-skew-allowance=${issuer.clockSkewAllowance}`,
    ],
    ports: [
      { name: "ident-grpc", port: CONTROL_PORTS.identity },
      { name: "ident-admin", port: CONTROL_PORTS.identityAdmin },
    ],
    adminPort: CONTROL_PORTS.identityAdmin,
    replicas: values.controllerReplicas,
    local: "identity",
    volumes: [
      { name: "identity-issuer", secret: { secretName: ISSUER_SECRET } },
      { configMap: { name: TRUST_ROOTS_CONFIG_MAP }, name: "trust-roots" },
    ],
    mounts: [
      { mountPath: ISSUER_DIRECTORY, name: "identity-issuer" },
      { mountPath: TRUST_ROOTS_DIRECTORY, name: "trust-roots" },
    ],
  };
  const grpc = [{ name: "grpc", port: CONTROL_PORTS.identity, targetPort: CONTROL_PORTS.identity }];
  return [
    serviceAccount(values, NAME, "identity"),
    ...clusterAccess(values, `linkerd-${values.namespace}-identity`, NAME, "identity", [
      { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
      { apiGroups: [""], resources: ["events"], verbs: ["create"] },
    ]),
    ...issuerSecret(values),
    ...trustRoots(values),
    service(values, NAME, "identity", grpc),
    service(values, `${NAME}-headless`, "identity", grpc, { isHeadless: true }),
    deployment(values, component),
    ...disruptionBudget(values, component),
  ];
}
