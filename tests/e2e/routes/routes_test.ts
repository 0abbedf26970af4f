/** Routes as a user writes them: applied to a laptop cluster, followed by real proxies, told of in their statuses. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import { GATEWAY_HTTP_ROUTES, HTTP_ROUTES, LEASES } from "../../../src/kube/kinds.ts";
import type { KubernetesObject } from "../../../src/kube/resource.ts";
import { isolationObstacle } from "../../../src/linux/unshare.ts";
import { MESH } from "../meshed_shop.ts";
import { expectNothingDenied } from "../privileges.ts";
import { until } from "../until.ts";
import { addClient, apply, ask, SHOP, startRoutedShop } from "./cluster.ts";

const obstacle = isolationObstacle();
if (obstacle !== undefined) console.log(`the end-to-end test of routes is skipped: ${obstacle}`);

const WEB = "http://web";
const POLICY = "policy.linkerd.io";
const ELSEWHERE = "elsewhere";
/** Of a network that documentation may use (RFC 5737): nobody is there. */
const OUTSIDE = "198.51.100.7";
const toWeb = [{ group: "core", kind: "Service", name: "web", port: 80 }];

/** The example of the README, as it stands there. */
function example(): KubernetesObject[] {
  const text = Deno.readTextFileSync(new URL("../../../README.md", import.meta.url));
  const yaml = /## Routes[\s\S]*?```yaml\n([\s\S]*?)```/.exec(text)?.[1];
  ok(yaml !== undefined, "the README has an example of a route");
  return parseAllDocuments(yaml).map((document) => document.toJS() as KubernetesObject);
}

function route(name: string, spec: object): KubernetesObject {
  return {
    apiVersion: `${POLICY}/v1beta3`,
    kind: "HTTPRoute",
    metadata: { name, namespace: SHOP },
    spec,
  } as KubernetesObject;
}

Deno.test({
  name: "a split, a header and a fault do in a running cluster what their YAML says",
  ignore: obstacle !== undefined,
  async fn(step) {
    const cluster = await startRoutedShop();
    const { client } = cluster;
    try {
      await step.step("without a route everything goes to the Service", async () => {
        deepEqual(await ask(cluster, { url: WEB, count: 20 }), { "200 web": 20 });
      });

      await step.step(
        "the README's example sends one in ten, and whoever asks by header, to the new version",
        async () => {
          await apply(cluster, example());
          await until(
            "the header leads to the new version",
            () => ask(cluster, { url: WEB, count: 20, headers: { "x-canary": "yes" } }),
            (answers) => answers["200 web-v2"] === 20,
          );
          const answers = await ask(cluster, { url: WEB, count: 400 });
          const canary = answers["200 web-v2"] ?? 0;
          equal(canary + (answers["200 web"] ?? 0), 400, JSON.stringify(answers));
          ok(canary >= 12 && canary <= 80, `${canary} of 400 went to the new version`);
        },
      );

      await step.step("its status says that it is accepted and that its backends exist", async () => {
        const { status } = await until(
          "the status is written",
          () => client.get(HTTP_ROUTES, "web-canary", SHOP),
          ({ status }) => status !== undefined,
        );
        deepEqual(
          status?.parents[0]?.conditions?.map(({ type, status, reason }) => [type, status, reason]),
          [["Accepted", "True", "Accepted"], ["ResolvedRefs", "True", "ResolvedRefs"]],
        );
        const lease = await client.get(LEASES, "policy-controller-write", MESH);
        const holder = lease.spec?.holderIdentity ?? "nobody";
        ok(holder.startsWith("linkerd-destination"), holder);
        equal(lease.metadata?.ownerReferences?.[0]?.name, "linkerd-destination");
      });

      await step.step("a route that could not be followed is refused when it is applied", async () => {
        const rules = [{ matches: [{ path: { type: "Exact", value: "no-slash" } }] }];
        const refusal = await apply(cluster, [route("wrong", { parentRefs: toWeb, rules })]).then(
          () => "applied",
          (error: Error) => error.message,
        );
        match(refusal, /linkerd-policy-validator\.linkerd\.io.*does not begin with a slash/);
      });

      await step.step(
        "a backend that is missing is a fault for its share, and filters change what arrives",
        async () => {
          await client.delete(HTTP_ROUTES, "web-canary", SHOP);
          await apply(cluster, [route("faults", {
            parentRefs: toWeb,
            rules: [
              {
                matches: [{ path: { type: "PathPrefix", value: "/half" } }],
                backendRefs: [{ name: "web", port: 80 }, { name: "nobody", port: 80 }],
              },
              {
                matches: [{ path: { type: "Exact", value: "/changed" } }],
                filters: [{
                  type: "RequestHeaderModifier",
                  requestHeaderModifier: { set: [{ name: "x-seen", value: "by the route" }] },
                }],
              },
              {
                matches: [{ path: { type: "PathPrefix", value: "/old" } }],
                filters: [{
                  type: "RequestRedirect",
                  requestRedirect: { path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/new" } },
                }],
              },
            ],
          })]);
          await until(
            "the header is set on the way",
            () => ask(cluster, { url: `${WEB}/changed` }),
            (answers) => answers["200 web seen by the route"] === 1,
          );
          const half = await ask(cluster, { url: `${WEB}/half`, count: 200 });
          const failed = half["500"] ?? 0;
          equal(failed + (half["200 web"] ?? 0), 200, JSON.stringify(half));
          ok(failed >= 60 && failed <= 140, `${failed} of 200 failed`);
          const [redirected = ""] = Object.keys(await ask(cluster, { url: `${WEB}/old/page` }));
          ok(redirected.startsWith("302 ") && redirected.endsWith("/new/page"), redirected);
          deepEqual(await ask(cluster, { url: `${WEB}/other` }), { "404": 1 }, "no rule says where it goes");
          const { status } = await until(
            "the status tells of the missing backend",
            () => client.get(HTTP_ROUTES, "faults", SHOP),
            ({ status }) => status !== undefined,
          );
          equal(status?.parents[0]?.conditions?.[1]?.reason, "BackendNotFound");
          await client.delete(HTTP_ROUTES, "faults", SHOP);
        },
      );

      await step.step(
        "a route's timeout ends what takes too long, and its retries hide what fails now and then",
        async () => {
          const patient = route("patient", {
            parentRefs: toWeb,
            rules: [
              { matches: [{ path: { type: "Exact", value: "/slow" } }], timeouts: { request: "200ms" } },
              { matches: [{ path: { type: "PathPrefix", value: "/" } }] },
            ],
          });
          patient.metadata!.annotations = { "retry.linkerd.io/http": "503", "retry.linkerd.io/limit": "2" };
          await apply(cluster, [patient]);
          await until(
            "what takes too long is ended",
            () => ask(cluster, { url: `${WEB}/slow` }),
            (answers) => answers["504"] === 1,
          );
          deepEqual(await ask(cluster, { url: `${WEB}/flaky`, count: 20 }), { "200 web": 20 });
          await client.delete(HTTP_ROUTES, "patient", SHOP);
        },
      );

      await step.step("a route of the Gateway API is followed as the mesh's own", async () => {
        await apply(cluster, [{
          apiVersion: "gateway.networking.k8s.io/v1",
          kind: "HTTPRoute",
          metadata: { name: "gateway", namespace: SHOP },
          spec: {
            parentRefs: [{ group: "", kind: "Service", name: "web", port: 80 }],
            rules: [{ backendRefs: [{ name: "web-v2", port: 80 }] }],
          },
        } as KubernetesObject]);
        await until(
          "everything goes to the new version",
          () => ask(cluster, { url: WEB, count: 20 }),
          (answers) => answers["200 web-v2"] === 20,
        );
        await until(
          "its status is written",
          () => client.get(GATEWAY_HTTP_ROUTES, "gateway", SHOP),
          ({ status }) => status?.parents[0]?.conditions?.[0]?.status === "True",
        );
        await client.delete(GATEWAY_HTTP_ROUTES, "gateway", SHOP);
      });

      await step.step(
        "a route of a client's namespace is for the clients there, and comes before the Service's own",
        async () => {
          await addClient(cluster, ELSEWHERE);
          await apply(cluster, [route("producer", { parentRefs: toWeb, rules: [{}] })]);
          const consumer = route("consumer", {
            parentRefs: [{ ...toWeb[0], namespace: SHOP }],
            rules: [{ backendRefs: [{ name: "web-v2", namespace: SHOP, port: 80 }] }],
          });
          consumer.metadata!.namespace = ELSEWHERE;
          const there = () => ask(cluster, { url: `${WEB}.${SHOP}`, count: 20 }, ELSEWHERE);
          deepEqual(await there(), { "200 web": 20 });
          await apply(cluster, [consumer]);
          await until("the client's own route is followed", there, (answers) => answers["200 web-v2"] === 20);
          deepEqual(await ask(cluster, { url: WEB, count: 20 }), { "200 web": 20 });
          await client.delete(HTTP_ROUTES, "producer", SHOP);
        },
      );

      await step.step(
        "an EgressNetwork refuses what leaves the cluster, but for what its routes say",
        async () => {
          const egress = { group: POLICY, kind: "EgressNetwork", name: "outside" };
          await apply(cluster, [
            {
              apiVersion: `${POLICY}/v1alpha1`,
              kind: "EgressNetwork",
              metadata: { name: "outside", namespace: SHOP },
              spec: { trafficPolicy: "Deny", networks: [{ cidr: OUTSIDE }] },
            } as KubernetesObject,
            route("mirror", {
              parentRefs: [{ ...egress, port: 80 }],
              rules: [{
                matches: [{ path: { type: "PathPrefix", value: "/kept-inside" } }],
                backendRefs: [{ name: "web-v2", port: 80 }],
              }],
            }),
          ]);
          await until(
            "what leaves is refused",
            () => ask(cluster, { url: `http://${OUTSIDE}/` }),
            (answers) => answers["403"] === 1,
          );
          await until(
            "a route leads to a Service instead",
            () => ask(cluster, { url: `http://${OUTSIDE}/kept-inside` }),
            (answers) => answers["200 web-v2"] === 1,
          );
        },
      );

      await step.step("the policy controller asked for nothing it may not, and wrote what it may", () => {
        const asked = expectNothingDenied(cluster)
          .filter(({ user }) => user === `system:serviceaccount:${MESH}:linkerd-destination`)
          .filter(({ verb }) => !["list", "watch"].includes(verb))
          .map(({ verb, group, resource }) => `${verb} ${group}/${resource}`);
        deepEqual([...new Set(asked)].sort(), [
          "create coordination.k8s.io/leases",
          "get apps/deployments",
          "get coordination.k8s.io/leases",
          "patch coordination.k8s.io/leases",
          "patch gateway.networking.k8s.io/httproutes/status",
          "patch policy.linkerd.io/egressnetworks/status",
          "patch policy.linkerd.io/httproutes/status",
        ]);
      });
    } finally {
      await cluster.stop();
    }
  },
});
