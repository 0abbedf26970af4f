/** The proxy-injector role: the admission webhook over HTTPS, with a certificate it makes and renews itself. */
import { join } from "node:path";
import { Counter, type Registry } from "prom-client";
import type { KubeClient } from "../../kube/client.ts";
import { isNotFound } from "../../kube/client.ts";
import { startInformer } from "../../kube/informer.ts";
import { MUTATING_WEBHOOKS, NAMESPACES, VALIDATING_WEBHOOKS } from "../../kube/kinds.ts";
import {
  CONTROL_PLANE_NAMESPACE,
  CONTROL_PORTS,
  INJECTOR_SERVICE,
  INJECTOR_WEBHOOK_CONFIGURATION,
  TRUST_ROOTS_DIRECTORY,
  TRUST_ROOTS_KEY,
  VALIDATOR_CONFIGURATIONS,
  VALIDATOR_PATH,
  VALUES_FILE,
} from "../../mesh/names.ts";
import { EventRecorder } from "../events.ts";
import type { Role, RunningRole } from "../process/role.ts";
import { type AdmissionContext, type AdmissionCounters, type AdmissionReview, admit } from "./admission.ts";
import { Configuration } from "./configuration.ts";
import { mountedFiles, watchedConfigMaps } from "./configuration_sources.ts";
import { type Handler, startHttpsServer } from "./https_server.ts";
import { validate } from "../validator/admission.ts";
import {
  keepPublished,
  makeServingCertificate,
  publishAuthority,
  type WebhookConfiguration,
} from "./serving_certificate.ts";

/** How long after its end was asked for a replica still answers: its address has left every node's rules by then. */
const LINGER_MS = 3_000;

function admissionCounters(registry: Registry): AdmissionCounters {
  const requests = new Counter({
    name: "proxy_inject_admission_requests_total",
    help: "Pods seen by the injector.",
    labelNames: ["owner_kind", "namespace", "annotation_at"],
    registers: [registry],
  });
  const responses = new Counter({
    name: "proxy_inject_admission_responses_total",
    help: "Pods answered by the injector.",
    labelNames: ["owner_kind", "namespace", "annotation_at", "skip", "skip_reason"],
    registers: [registry],
  });
  return {
    request: (owner_kind, namespace, annotation_at) => requests.inc({ owner_kind, namespace, annotation_at }),
    response: (owner_kind, namespace, skip, skip_reason, annotation_at) =>
      responses.inc({ owner_kind, namespace, annotation_at, skip: String(skip), skip_reason }),
  };
}

/** Answers POSTed AdmissionReviews: to the validator's path, or for the injector. Anything else is a probe or a mistake. */
export function webhookHandler(context: AdmissionContext): Handler {
  const refuse = (status: number, body: string) => ({ status, type: "text/plain", body });
  return async (method, body, path) => {
    if (method !== "POST") return refuse(405, "POST an AdmissionReview\n");
    let review: AdmissionReview;
    try {
      review = JSON.parse(body);
    } catch {
      return refuse(400, "not JSON\n");
    }
    if (typeof review !== "object" || review === null) return refuse(400, "not an AdmissionReview\n");
    const answer = path === VALIDATOR_PATH
      ? await validate(context.client, review)
      : await admit(context, review);
    return { status: 200, type: "application/json", body: JSON.stringify(answer) };
  };
}

/** Annotations of namespaces, watched; one that has only just been made is asked for. */
export function namespaceReader(client: KubeClient) {
  const informer = startInformer(client, NAMESPACES);
  return {
    informer,
    async annotations(name: string): Promise<Readonly<Record<string, string>>> {
      await informer.synced;
      const known = informer.get(undefined, name);
      if (known !== undefined) return known.metadata?.annotations ?? {};
      try {
        return (await client.get(NAMESPACES, name)).metadata?.annotations ?? {};
      } catch (error) {
        if (isNotFound(error)) return {};
        throw error;
      }
    },
  };
}

export const injectorRole: Role = {
  adminPort: CONTROL_PORTS.injectorAdmin,
  async start({ flags, registry, cluster }): Promise<RunningRole> {
    const port = flags.port("addr", CONTROL_PORTS.injector);
    const controlPlane = flags.string("controller-namespace", CONTROL_PLANE_NAMESPACE);
    const service = flags.string("service-name", INJECTOR_SERVICE);
    const configuration = flags.string("webhook-configuration", INJECTOR_WEBHOOK_CONFIGURATION);
    const files = mountedFiles(
      flags.string("values-file", VALUES_FILE),
      flags.string("identity-trust-anchors-file", join(TRUST_ROOTS_DIRECTORY, TRUST_ROOTS_KEY)),
    );
    const names = [`${service}.${controlPlane}.svc`, `${service}.${controlPlane}.svc.cluster.local`];
    const made = makeServingCertificate(names, Date.now());
    const client = await cluster();
    const watched = watchedConfigMaps(client, controlPlane);
    const config = new Configuration([watched, files]);
    await config.read();
    const namespaces = namespaceReader(client);
    const handler = webhookHandler({
      client,
      events: new EventRecorder(cluster, "linkerd-proxy-injector"),
      counters: admissionCounters(registry),
      values: () => config.read(),
      namespaceAnnotations: (name) => namespaces.annotations(name),
    });
    let certificate = await made;
    const server = await startHttpsServer(
      { port, hostname: "0.0.0.0", certificate: certificate.server },
      handler,
    );
    // The validators are asked by the same server; where they are not configured, nothing waits for them.
    const configurations: readonly WebhookConfiguration[] = [
      { kind: MUTATING_WEBHOOKS, name: configuration },
      ...VALIDATOR_CONFIGURATIONS.map((name) => ({ kind: VALIDATING_WEBHOOKS, name })),
    ];
    const publishers = configurations.map((one) => keepPublished(client, one, certificate.authorityPem));
    const [publisher] = publishers;
    const rotation = setInterval(async () => {
      if (Date.now() < certificate.renewAt) return;
      try {
        const next = await makeServingCertificate(names, Date.now());
        // The API server must know the next authority before it meets a certificate of it.
        const [isPublished] = await Promise.all(
          configurations.map((one) => publishAuthority(client, one, next.authorityPem, Date.now())),
        );
        if (isPublished !== true) return;
        certificate = next;
        for (const one of publishers) one.use(next.authorityPem);
        server.use(next.server);
      } catch (error) {
        console.error(`the serving certificate was not renewed, and will be tried again: ${error}`);
      }
    }, 60_000);
    let isSynced = false;
    namespaces.informer.synced.then(() => isSynced = true);
    return {
      waitingFor: () => [
        ...(isSynced ? [] : ["the list of namespaces"]),
        ...(publisher?.isPublished === true ? [] : [`the webhook configuration ${configuration}`]),
      ],
      async stop() {
        clearInterval(rotation);
        for (const one of publishers) one.stop();
        namespaces.informer.stop();
        watched.stop();
        await server.stop(LINGER_MS);
      },
    };
  },
};
