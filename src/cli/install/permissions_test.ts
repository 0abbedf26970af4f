import assert from "node:assert/strict";
import { type KubeClient, KubeError } from "../../kube/client.ts";
import { CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, SELF_SUBJECT_ACCESS_REVIEWS } from "../../kube/kinds.ts";
import { withCluster } from "../../local/controllers/test_cluster.ts";
import { SYSTEM } from "../environment.ts";
import { runCli } from "../main.ts";

/** The cluster as somebody sees it who may do less. */
function restricted(client: KubeClient, isAllowed: (verb: string, resource: string) => boolean): KubeClient {
  const create = ((kind, object, ...rest) => {
    if (kind.plural !== SELF_SUBJECT_ACCESS_REVIEWS.plural) return client.create(kind, object, ...rest);
    const { verb = "", resource = "" } =
      (object as { spec?: { resourceAttributes?: { verb?: string; resource?: string } } }).spec
        ?.resourceAttributes ?? {};
    return Promise.resolve({ ...object, status: { allowed: isAllowed(verb, resource) } });
  }) as KubeClient["create"];
  return new Proxy(client, {
    get: (target, name) => {
      if (name === "create") return create;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

async function install(client: KubeClient): Promise<{ code: number; told: string }> {
  let told = "";
  const code = await runCli(["install", "--apply", "--wait", "0s"], {
    ...SYSTEM,
    print: () => {},
    tell: (text) => void (told += text),
    variable: () => undefined,
    connect: () => Promise.resolve({ client, namespace: "default", server: "", close: () => {} }),
  });
  return { code, told };
}

Deno.test("a user who may not do all of an installation is told what, and nothing is applied", () =>
  withCluster(async ({ client }) => {
    const refused = await install(
      restricted(
        client,
        (verb, resource) => resource !== "clusterroles" && !(verb === "patch" && resource === "secrets"),
      ),
    );
    assert.equal(refused.code, 1);
    assert.match(
      refused.told,
      /may not create and patch clusterroles\.rbac\.authorization\.k8s\.io, secrets; nothing was applied/,
    );
    await assert.rejects(
      client.get(NAMESPACES, "linkerd"),
      (error) => error instanceof KubeError && error.status === 404,
    );
    assert.deepEqual((await client.list(CUSTOM_RESOURCE_DEFINITIONS)).items, []);
    await install(restricted(client, () => true));
    assert.equal((await client.get(NAMESPACES, "linkerd")).metadata?.name, "linkerd");
  }));
