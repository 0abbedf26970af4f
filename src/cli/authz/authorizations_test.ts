import assert from "node:assert/strict";
import { renderCrds } from "../../../manifests/render.ts";
import { applyObjects } from "../../kube/apply.ts";
import type { Pod } from "../../kube/kinds.ts";
import type { KubernetesObject } from "../../kube/resource.ts";
import { readyStatus, until, withCluster } from "../../local/controllers/test_cluster.ts";
import { meshedPods } from "../diagnose/pods.ts";
import { SYSTEM } from "../environment.ts";
import { runCli } from "../main.ts";

const POLICY = "policy.linkerd.io";

function pod(name: string, app: string): Pod {
  const labels = { app, "linkerd.io/control-plane-ns": "linkerd", "linkerd.io/proxy-deployment": app };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default", labels },
    spec: { containers: [{ name: "linkerd-proxy", image: "p" }] },
  } as Pod;
}

const object = (
  version: string,
  kind: string,
  name: string,
  spec: object,
  labels: Record<string, string> = {},
) => ({
  apiVersion: `${POLICY}/${version}`,
  kind,
  metadata: { name, namespace: "default", labels },
  spec,
});
const server = (name: string, app: string, labels?: Record<string, string>) =>
  object("v1beta3", "Server", name, { podSelector: { matchLabels: { app } }, port: 80 }, labels);
const policy = (name: string, targetRef: object) =>
  object("v1alpha1", "AuthorizationPolicy", name, {
    targetRef,
    requiredAuthenticationRefs: [{ kind: "ServiceAccount", name: "client" }],
  });
const allowance = (name: string, of: object) =>
  object("v1beta1", "ServerAuthorization", name, { server: of, client: { unauthenticated: true } });

const OBJECTS: KubernetesObject[] = [
  { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace: "default" } },
  pod("web-1", "web"),
  pod("api-1", "api"),
  server("web-http", "web", { side: "front" }),
  server("api-http", "api"),
  object("v1beta3", "HTTPRoute", "list", {
    parentRefs: [{ group: POLICY, kind: "Server", name: "web-http" }],
    rules: [{ matches: [{ path: { value: "/list" } }] }],
  }),
  policy("of-route", { group: POLICY, kind: "HTTPRoute", name: "list" }),
  policy("of-server", { group: POLICY, kind: "Server", name: "web-http" }),
  policy("of-another", { group: POLICY, kind: "Server", name: "nothing" }),
  policy("of-namespace", { group: "core", kind: "Namespace", name: "default" }),
  allowance("by-name", { name: "web-http" }),
  allowance("by-label", { selector: { matchLabels: { side: "front" } } }),
];

Deno.test("authz finds what lets requests in by Server, route, namespace, name and label", () =>
  withCluster(async (cluster) => {
    await applyObjects(cluster.client, renderCrds() as KubernetesObject[], { fieldManager: "test" });
    await applyObjects(cluster.client, OBJECTS, { fieldManager: "test" });
    await until(
      cluster,
      "both pods run",
      async () => (await meshedPods(cluster.client, "default")).length === 2,
    );
    const run = async (...words: string[]) => {
      let printed = "", told = "";
      const code = await runCli(["authz", ...words], {
        ...SYSTEM,
        print: (text) => void (printed += text),
        tell: (text) => void (told += text),
        connect: () =>
          Promise.resolve({ client: cluster.client, namespace: "default", server: "", close: () => {} }),
      });
      return {
        code,
        told,
        lines: printed.trimEnd().split("\n").map((line) => line.replaceAll(/ {2,}/g, "  ")),
      };
    };
    const web = await run("po/web-1");
    assert.deepEqual(web.lines, [
      "ROUTE  SERVER  AUTHORIZATION_POLICY  SERVER_AUTHORIZATION",
      "*  web-http  by-label",
      "*  web-http  by-name",
      "*  web-http  of-namespace",
      "*  web-http  of-server",
      "list  web-http  of-route",
    ]);
    const all = JSON.parse((await run("deploy", "-o", "json")).lines.join("\n"));
    assert.deepEqual(all.filter((row: { server: string }) => row.server === "api-http"), [
      { route: "*", server: "api-http", authorization_policy: "of-namespace", server_authorization: "" },
    ]);
    const none = await run("sts");
    assert.deepEqual([none.code, none.told], [0, "No policy of namespace default is for sts.\n"]);
    assert.equal((await run("po/nobody")).code, 1);
  }, { run: (one) => readyStatus(one, "127.0.0.1") }));
