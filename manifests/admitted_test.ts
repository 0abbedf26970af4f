/** The laptop cluster's API server takes what is rendered, and its CRDs refuse what users get wrong. */
import assert from "node:assert/strict";
import { KubeError } from "../src/kube/client.ts";
import {
  AUTHORIZATION_POLICIES,
  DEPLOYMENTS,
  GATEWAY_HTTP_ROUTES,
  GRPC_ROUTES,
  HTTP_ROUTES,
  SERVERS,
  SERVICE_PROFILES,
  TLS_ROUTES,
} from "../src/kube/kinds.ts";
import type { KubernetesObject, ResourceKind } from "../src/kube/resource.ts";
import { applyObjects } from "../src/kube/apply.ts";
import { startApiServer } from "../src/local/api/server.ts";
import {
  credentialValues,
  defaultValues,
  gatewayCrds,
  generateCredentials,
  mergeValues,
  renderCrds,
  renderInstall,
} from "./render.ts";

const api = await startApiServer();
const { client } = api;

Deno.test("every rendered object is admitted, and applying it again changes nothing", async () => {
  const values = mergeValues(defaultValues(), credentialValues(await generateCredentials(defaultValues())));
  const objects = [...renderCrds(), ...renderInstall(values)];
  await applyObjects(client, objects, { fieldManager: "linkerd-cli" });
  const versions = async () =>
    (await client.list(DEPLOYMENTS, { namespace: "linkerd" })).items
      .map((one) => `${one.metadata?.name} ${one.metadata?.resourceVersion}`);
  const before = await versions();
  assert.equal(before.length, 5);
  await applyObjects(client, objects, { fieldManager: "linkerd-cli" });
  assert.deepEqual(await versions(), before);
});

async function refusal<T extends KubernetesObject>(kind: ResourceKind<T>, object: unknown): Promise<string> {
  try {
    await client.create(kind, object as T, "default");
  } catch (error) {
    assert.ok(error instanceof KubeError, String(error));
    assert.equal(error.status, 422, error.message);
    return error.message;
  }
  return "admitted";
}

const metadata = { name: "x", namespace: "default" };

Deno.test("resources that users get wrong are refused by field", async () => {
  const server = (spec: object) => ({
    apiVersion: "policy.linkerd.io/v1beta3",
    kind: "Server",
    metadata,
    spec,
  });
  assert.match(await refusal(SERVERS, server({ podSelector: {} })), /port/);
  assert.match(
    await refusal(SERVERS, server({ podSelector: {}, port: 80, proxyProtocol: "HTTP/3" })),
    /proxyProtocol/,
  );
  assert.match(await refusal(SERVERS, server({ port: 80 })), /spec/);
  assert.match(
    await refusal(AUTHORIZATION_POLICIES, {
      apiVersion: "policy.linkerd.io/v1alpha1",
      kind: "AuthorizationPolicy",
      metadata,
      spec: { targetRef: { kind: "Server" } },
    }),
    /name/,
  );
  assert.match(
    await refusal(SERVICE_PROFILES, {
      apiVersion: "linkerd.io/v1alpha2",
      kind: "ServiceProfile",
      metadata,
      spec: { routes: [{ name: "r", condition: {} }] },
    }),
    /condition/,
  );
});

Deno.test("defaults are filled in as Linkerd's CRDs fill them in", async () => {
  const server = await client.create(SERVERS, {
    apiVersion: "policy.linkerd.io/v1beta3",
    kind: "Server",
    metadata,
    spec: { podSelector: {}, port: "http" },
  });
  assert.equal(server.spec.proxyProtocol, "unknown");
  assert.equal(server.spec.accessPolicy, "deny");
  const route = await client.create(HTTP_ROUTES, {
    apiVersion: "policy.linkerd.io/v1beta3",
    kind: "HTTPRoute",
    metadata,
    spec: { parentRefs: [{ name: "web" }], rules: [{ backendRefs: [{ name: "web", port: 80 }] }] },
  });
  assert.deepEqual(route.spec.parentRefs?.[0], { group: "policy.linkerd.io", kind: "Gateway", name: "web" });
  assert.deepEqual(route.spec.rules?.[0]?.matches, [{ path: { type: "PathPrefix", value: "/" } }]);
  assert.equal(route.spec.rules?.[0]?.backendRefs?.[0]?.weight, 1);
});

Deno.test("routes of the Gateway API are checked and filled in where the mesh brings them", async () => {
  await applyObjects(client, gatewayCrds(), { fieldManager: "linkerd-local" });
  const route = await client.create(GATEWAY_HTTP_ROUTES, {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata,
    spec: {
      parentRefs: [{ group: "", kind: "Service", name: "web" }, { name: "public" }],
      rules: [{ filters: [{ type: "URLRewrite" }], backendRefs: [{ name: "web", port: 80 }] }],
    },
  });
  assert.deepEqual(route.spec.parentRefs, [
    { group: "", kind: "Service", name: "web" },
    { group: "gateway.networking.k8s.io", kind: "Gateway", name: "public" },
  ]);
  assert.equal(route.spec.rules?.[0]?.backendRefs?.[0]?.weight, 1);
  const grpc = (method: object) => ({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "GRPCRoute",
    metadata,
    spec: { rules: [{ matches: [{ method }] }] },
  });
  assert.match(await refusal(GRPC_ROUTES, grpc({ type: "Prefix", service: "a" })), /method.type/);
  assert.equal(await refusal(GRPC_ROUTES, grpc({ service: "shop.Cart" })), "admitted");
  const tls = {
    apiVersion: "gateway.networking.k8s.io/v1alpha2",
    kind: "TLSRoute",
    metadata,
    spec: { rules: [] },
  };
  assert.match(await refusal(TLS_ROUTES, tls), /rules/);
});

Deno.test({ name: "the API server stops", fn: () => api.stop() });
