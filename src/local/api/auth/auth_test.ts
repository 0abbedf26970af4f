import assert from "node:assert/strict";
import { CLUSTER_ROLES, ROLE_BINDINGS, SERVICE_ACCOUNTS, type TokenRequest } from "../../../kube/kinds.ts";
import { request, withServer } from "../testing.ts";

Deno.test("without a token only health and version are answered, with a wrong one nothing", () =>
  withServer({}, async (server) => {
    for (const path of ["/healthz", "/readyz", "/livez", "/version"]) {
      assert.equal((await request(server, path, { token: "" })).status, 200, path);
    }
    for (const path of ["/api", "/api/v1/namespaces", "/openapi/v3"]) {
      const response = await request(server, path, { token: "" });
      assert.equal(response.status, 401, path);
      assert.equal((await response.json()).reason, "Unauthorized");
    }
    assert.equal((await request(server, "/api", { token: `${server.adminToken}x` })).status, 401);
    assert.equal((await request(server, "/api", { headers: { authorization: "Basic YTpi" } })).status, 401);
  }));

Deno.test("a service account acts within its roles when RBAC holds, and may impersonate nobody", () =>
  withServer({ authorization: "rbac" }, async (server) => {
    const { client } = server;
    await client.create(SERVICE_ACCOUNTS, { metadata: { name: "reader", namespace: "default" } });
    const { status } = await client.createSubresource<TokenRequest>(
      SERVICE_ACCOUNTS,
      "reader",
      "default",
      "token",
      { spec: { audiences: [] } },
    );
    const token = status!.token;
    const list = (path: string) => request(server, path, { token });
    const refused = await list("/api/v1/namespaces/default/configmaps");
    assert.equal(refused.status, 403);
    assert.equal(
      (await refused.json()).message,
      'configmaps is forbidden: User "system:serviceaccount:default:reader" cannot list resource "configmaps" in API ' +
        'group "" in the namespace "default"',
    );
    await client.create(CLUSTER_ROLES, {
      metadata: { name: "reader" },
      rules: [
        { apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list", "watch"] },
        { apiGroups: [""], resources: ["secrets"], resourceNames: ["one"], verbs: ["list"] },
      ],
    });
    await client.create(ROLE_BINDINGS, {
      metadata: { name: "reader", namespace: "default" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "reader" },
      subjects: [{ kind: "ServiceAccount", name: "reader", namespace: "default" }],
    });
    assert.equal((await list("/api/v1/namespaces/default/configmaps")).status, 200);
    assert.equal((await list("/api/v1/configmaps")).status, 403);
    const secrets = "/api/v1/namespaces/default/secrets";
    assert.equal((await list(secrets)).status, 403);
    assert.equal((await list(`${secrets}?fieldSelector=metadata.name%3Done`)).status, 200);
    assert.equal((await list(`${secrets}?fieldSelector=metadata.name%3Dother`)).status, 403);
    assert.equal((await list(`${secrets}?fieldSelector=metadata.name%21%3Done`)).status, 403);
    assert.equal((await list("/api")).status, 200);
    const impersonating = await request(server, "/api/v1/namespaces/default/configmaps", {
      token,
      headers: { "impersonate-user": "kubernetes-admin", "impersonate-group": "system:masters" },
    });
    assert.equal(impersonating.status, 403);
    await client.delete(SERVICE_ACCOUNTS, "reader", "default");
    assert.equal((await list("/api/v1/namespaces/default/configmaps")).status, 401);
  }));
