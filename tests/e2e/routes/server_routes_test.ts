/** Routes and limits of a Server: what the proxy in front of a workload makes of them. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { KubernetesObject } from "../../../src/kube/resource.ts";
import { isolationObstacle } from "../../../src/linux/unshare.ts";
import { kubeconfigOf, runLinkerd } from "../linkerd.ts";
import { until } from "../until.ts";
import { apply, ask, SHOP, startRoutedShop } from "./cluster.ts";

const obstacle = isolationObstacle();
if (obstacle !== undefined) console.log(`the end-to-end test of a Server's routes is skipped: ${obstacle}`);

const WEB = "http://web";
const POLICY = "policy.linkerd.io";
const SERVER = { group: POLICY, kind: "Server", name: "web-http" };

function policy(version: string, kind: string, name: string, spec: object): KubernetesObject {
  return {
    apiVersion: `${POLICY}/${version}`,
    kind,
    metadata: { name, namespace: SHOP },
    spec,
  } as KubernetesObject;
}

function route(name: string, match: object): KubernetesObject {
  return policy("v1beta3", "HTTPRoute", name, { parentRefs: [SERVER], rules: [{ matches: [match] }] });
}

/** Lets those in who prove to be what the reference says, on one route. */
function grant(name: string, httpRoute: string, reference: object): KubernetesObject {
  return policy("v1alpha1", "AuthorizationPolicy", name, {
    targetRef: { group: POLICY, kind: "HTTPRoute", name: httpRoute },
    requiredAuthenticationRefs: [reference],
  });
}

Deno.test({
  name: "what is granted to a route of a Server is granted to nothing else, and a limit holds for all of it",
  ignore: obstacle !== undefined,
  async fn(step) {
    const cluster = await startRoutedShop();
    try {
      await step.step("a route lets in whom its policy names", async () => {
        await apply(cluster, [
          policy("v1beta3", "Server", "web-http", {
            podSelector: { matchLabels: { app: "web" } },
            port: "http",
            proxyProtocol: "HTTP/1",
          }),
          route("probes", { path: { type: "Exact", value: "/ready" } }),
          route("reads", { path: { type: "PathPrefix", value: "/public" }, method: "GET" }),
          route("administration", { path: { type: "PathPrefix", value: "/admin" } }),
          policy("v1alpha1", "NetworkAuthentication", "everywhere", {
            networks: [{ cidr: "0.0.0.0/0" }, { cidr: "::/0" }],
          }),
          grant("kubelet", "probes", { group: POLICY, kind: "NetworkAuthentication", name: "everywhere" }),
          grant("readers", "reads", { kind: "ServiceAccount", name: "client" }),
        ]);
        await until(
          "what no route of the Server matches is refused",
          () => ask(cluster, { url: `${WEB}/private` }),
          (answers) => answers["404"] === 1,
        );
        deepEqual(await ask(cluster, { url: `${WEB}/public/page` }), { "200 web": 1 });
        deepEqual(
          await ask(cluster, { url: `${WEB}/admin` }),
          { "403": 1 },
          "nothing is granted to that route",
        );
      });

      await step.step("a limit answers what comes too fast with 429", async () => {
        await apply(cluster, [policy("v1alpha1", "HTTPLocalRateLimitPolicy", "slow-down", {
          targetRef: SERVER,
          total: { requestsPerSecond: 20 },
        })]);
        const answers = await until(
          "the limit holds",
          () => ask(cluster, { url: `${WEB}/public/page`, count: 200 }),
          (answers) => (answers["429"] ?? 0) > 0,
        );
        ok((answers["200 web"] ?? 0) > 0, JSON.stringify(answers));
        equal((answers["200 web"] ?? 0) + (answers["429"] ?? 0), 200, JSON.stringify(answers));
      });

      await step.step(
        "stat tells what the Server refused, what its policy let in, and by which route",
        async () => {
          const kubeconfig = kubeconfigOf(cluster);
          const rows = async () => {
            await ask(cluster, { url: `${WEB}/public/page` });
            await ask(cluster, { url: `${WEB}/admin` });
            const words = ["stat", "srv", "authzpolicy", "httproute", "-n", SHOP, "-o", "json"];
            const { stdout, stderr, code } = await runLinkerd(kubeconfig, words);
            equal(code, 0, stderr);
            return JSON.parse(stdout || "[]") as {
              name: string;
              success: number | null;
              unauthorized?: number;
            }[];
          };
          await until("all four are told", rows, (all) => {
            const of = (name: string) => all.find((row) => row.name === name);
            return (of("web-http")?.unauthorized ?? 0) > 0 && (of("administration")?.unauthorized ?? 0) > 0 &&
              of("reads")?.success === 1 && of("readers")?.success === 1;
          });
        },
      );
    } finally {
      await cluster.stop();
    }
  },
});
