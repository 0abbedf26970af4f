/** The control plane's version, its own proxies, and its replicas. */
import type { Pod } from "../../../kube/kinds.ts";
import { trustRootDigest } from "../../../control/injector/inject.ts";
import { PROXY_VERSION_ANNOTATION, TRUST_ROOT_ANNOTATION } from "../../../mesh/annotations.ts";
import { COMPONENT_LABEL } from "../../../mesh/labels.ts";
import { PROXY_CONTAINER } from "../../../mesh/names.ts";
import { VERSION } from "../../../mesh/version.ts";
import { type Category, CheckFailure, refuse, SKIPPED } from "../check_model.ts";
import type { Facts } from "../facts.ts";
import { isReady, nameOf, proxyComplaintOf } from "../pod_health.ts";
import { controlPlaneIsTold } from "./watches.ts";

/** Pods whose proxy is of another version than `wanted`, each told with its own. */
export function otherVersions(pods: readonly Pod[], wanted: string): string[] {
  return pods.flatMap((pod) => {
    const version = pod.metadata?.annotations?.[PROXY_VERSION_ANNOTATION] ?? "unknown";
    return version === wanted ? [] : [`${nameOf(pod)} (${version})`];
  });
}

/** Pods whose proxy was given other trust anchors than those of now. */
export async function otherAnchors(facts: Facts, pods: readonly Pod[]): Promise<string[]> {
  const digest = trustRootDigest(await facts.anchors());
  return pods.filter(({ metadata }) => (metadata?.annotations?.[TRUST_ROOT_ANNOTATION] ?? digest) !== digest)
    .map(nameOf);
}

async function proxied(facts: Facts): Promise<Pod[]> {
  return (await facts.controlPlanePods()).filter(({ spec }) =>
    [...spec?.initContainers ?? [], ...spec?.containers ?? []].some(({ name }) => name === PROXY_CONTAINER)
  );
}

export const controlPlaneVersion: Category = {
  name: "control-plane-version",
  checks: [
    {
      description: "can retrieve the control plane version",
      anchor: "l5d-version-control",
      isFatal: true,
      isRetried: true,
      run: async (facts) => void await facts.values(),
    },
    {
      description: "control plane and cli versions match",
      anchor: "l5d-version-control",
      isWarning: true,
      async run(facts) {
        const { linkerdVersion } = await facts.values();
        if (linkerdVersion !== VERSION) {
          throw new CheckFailure(`control plane running ${linkerdVersion} but cli running ${VERSION}`);
        }
      },
    },
    controlPlaneIsTold,
  ],
};

export const controlPlaneProxies: Category = {
  name: "linkerd-control-plane-proxy",
  checks: [
    {
      description: "control plane proxies are healthy",
      anchor: "l5d-cp-proxy-healthy",
      isFatal: true,
      isRetried: true,
      async run(facts) {
        const pods = await proxied(facts);
        if (pods.length === 0) throw new CheckFailure("no pod of the control plane has a proxy");
        refuse(pods.map(proxyComplaintOf).filter((complaint) => complaint !== undefined));
        refuse(
          await otherAnchors(facts, pods),
          "Some pods do not have the current trust bundle and must be restarted:",
        );
      },
    },
    {
      description: "control plane proxies are up-to-date",
      anchor: "l5d-cp-proxy-version",
      isWarning: true,
      async run(facts) {
        const [pods, { proxy, linkerdVersion }] = await Promise.all([proxied(facts), facts.values()]);
        refuse(
          otherVersions(pods, proxy.image.version || linkerdVersion),
          "some proxies are not running the installed version:",
        );
      },
    },
    {
      description: "control plane proxies and cli versions match",
      anchor: "l5d-cp-proxy-cli-version",
      isWarning: true,
      run: async (facts) => refuse(otherVersions(await proxied(facts), VERSION), `the cli is ${VERSION}:`),
    },
  ],
};

const REPLICATED = ["destination", "identity", "proxy-injector"];

export const highAvailability: Category = {
  name: "linkerd-ha-checks",
  checks: [{
    description: "multiple replicas of control plane pods",
    anchor: "l5d-control-plane-replicas",
    isWarning: true,
    isRetried: true,
    async run(facts) {
      const values = await facts.values();
      if (!values.highAvailability && !values.enablePodAntiAffinity) return SKIPPED;
      const pods = (await facts.controlPlanePods()).filter(isReady);
      refuse(REPLICATED.flatMap((component) => {
        const count = pods.filter(({ metadata }) => metadata?.labels?.[COMPONENT_LABEL] === component).length;
        return count > 1 ? [] : [`linkerd-${component} has ${count} of at least 2 ready replicas`];
      }));
      return;
    },
  }],
};
