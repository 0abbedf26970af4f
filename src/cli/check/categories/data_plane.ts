/** Proxies beside applications: ready, of one version, of one trust, seen by the statistics. */
import { getJson } from "../../../kube/service_proxy.ts";
import { NAMESPACES } from "../../../kube/kinds.ts";
import type { ObjectMeta } from "../../../kube/resource.ts";
import { INJECT_ANNOTATION, isConfigAnnotation } from "../../../mesh/annotations.ts";
import { apiPath, type WorkloadsResponse } from "../../../mesh/api.ts";
import { ADMISSION_WEBHOOKS_LABEL } from "../../../mesh/labels.ts";
import { VERSION } from "../../../mesh/version.ts";
import { type Category, refuse } from "../check_model.ts";
import { nameOf, proxyComplaintOf } from "../pod_health.ts";
import { otherAnchors, otherVersions } from "./control_plane.ts";
import { serviceAnnotations, servicesOf } from "./service_annotations.ts";
import { METRICS_API } from "./statistics.ts";
import { everyPodHasItsProxy } from "./unmeshed.ts";

export const dataPlaneIdentity: Category = {
  name: "linkerd-identity-data-plane",
  checks: [{
    description: "data plane proxies certificate match CA",
    anchor: "l5d-identity-data-plane-proxies-certs-match-ca",
    isWarning: true,
    run: async (facts) =>
      refuse(
        await otherAnchors(facts, await facts.dataPlanePods()),
        "Some pods do not have the current trust bundle and must be restarted:",
      ),
  }],
};

/** Annotations that were written among the labels, where nobody reads them. */
function misplaced(metadata: ObjectMeta | undefined, name: string): string[] {
  return Object.keys(metadata?.labels ?? {})
    .filter((label) =>
      label === INJECT_ANNOTATION || (isConfigAnnotation(label) && label !== ADMISSION_WEBHOOKS_LABEL)
    )
    .map((label) => `${name}: ${label} should be an annotation`);
}

export const dataPlane: Category = {
  name: "linkerd-data-plane",
  checks: [
    {
      description: "data plane namespace exists",
      anchor: "l5d-data-plane-exists",
      isFatal: true,
      async run(facts) {
        if (facts.dataNamespace !== undefined) await facts.client.get(NAMESPACES, facts.dataNamespace);
      },
    },
    {
      description: "data plane proxies are ready",
      anchor: "l5d-data-plane-ready",
      isFatal: true,
      isRetried: true,
      async run(facts) {
        const pods = await facts.dataPlanePods();
        if (pods.length === 0) {
          const where = facts.dataNamespace === undefined ? "" : ` in the ${facts.dataNamespace} namespace`;
          refuse([
            `no pods with a proxy found${where}: has it linkerd.io/inject, and were its pods restarted?`,
          ]);
        }
        refuse(pods.map(proxyComplaintOf).filter((complaint) => complaint !== undefined));
      },
    },
    everyPodHasItsProxy,
    {
      description: "data plane is up-to-date",
      anchor: "l5d-data-plane-version",
      isWarning: true,
      async run(facts) {
        const [pods, { proxy, linkerdVersion }] = await Promise.all([facts.dataPlanePods(), facts.values()]);
        refuse(
          otherVersions(pods, proxy.image.version || linkerdVersion),
          "some proxies are not running the installed version:",
        );
      },
    },
    {
      description: "data plane and cli versions match",
      anchor: "l5d-data-plane-cli-version",
      isWarning: true,
      run: async (facts) =>
        refuse(otherVersions(await facts.dataPlanePods(), VERSION), `the cli is ${VERSION}:`),
    },
    {
      description: "data plane pod labels are configured correctly",
      anchor: "l5d-data-plane-pod-labels",
      isWarning: true,
      run: async (facts) =>
        refuse((await facts.dataPlanePods()).flatMap((pod) => misplaced(pod.metadata, nameOf(pod)))),
    },
    {
      description: "data plane service labels are configured correctly",
      anchor: "l5d-data-plane-services-labels",
      isWarning: true,
      run: async (facts) =>
        refuse(
          (await servicesOf(facts)).flatMap(({ metadata }) =>
            misplaced(metadata, `${metadata?.namespace}/${metadata?.name}`)
          ),
        ),
    },
    ...serviceAnnotations,
  ],
};

export const dataPlaneMetrics: Category = {
  name: "linkerd-viz-data-plane",
  checks: [{
    description: "data plane proxy metrics are present",
    anchor: "l5d-data-plane-prom",
    isWarning: true,
    isRetried: true,
    async run(facts) {
      const path = apiPath("/api/v1/workloads", { namespace: facts.dataNamespace });
      const service = { namespace: facts.namespace, ...METRICS_API };
      const [{ workloads }, pods] = await Promise.all([
        getJson<WorkloadsResponse>(facts.client, service, path),
        facts.dataPlanePods(),
      ]);
      const scraped = new Map(
        workloads.flatMap(({ resource, pods }) =>
          pods.map((pod) => [`${resource.namespace}/${pod.name}`, pod])
        ),
      );
      refuse(pods.flatMap((pod) => {
        const name = nameOf(pod), found = scraped.get(name);
        if (found?.scrapeError !== undefined) return [`${name}: ${found.scrapeError}`];
        return found?.scrapedAgoMs === undefined ? [`${name}: its proxy was not scraped yet`] : [];
      }));
    },
  }],
};
