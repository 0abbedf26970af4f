import assert from "node:assert/strict";
import type { KubeClient } from "../../../kube/client.ts";
import {
  CONFIG_MAPS,
  MUTATING_WEBHOOKS,
  NAMESPACES,
  SERVICES,
  VALIDATING_WEBHOOKS,
} from "../../../kube/kinds.ts";
import { type ApiServer, startApiServer } from "../server.ts";
import { createAuthority, issueServingCertificate } from "../tls/certificates.ts";

interface Review {
  request: {
    uid: string;
    operation: string;
    namespace: string;
    name: string;
    dryRun: boolean;
    userInfo: { username: string };
    object:
      | { metadata: { name: string; labels?: Record<string, string> }; data?: Record<string, string> }
      | null;
    oldObject: unknown;
  };
}

interface Hook {
  client: KubeClient;
  server: ApiServer;
  /** Names of objects the webhook has seen. */
  seen: string[];
  reviews: Review[];
  caBundle: string;
}

/** A cluster and a webhook served as the Service default/hook. */
async function withHook(
  answer: (review: Review) => Record<string, unknown> | Response | Promise<Response>,
  use: (hook: Hook) => Promise<void>,
): Promise<void> {
  const authority = await createAuthority("hook-ca");
  const { certificate: cert, key } = await issueServingCertificate(authority, ["hook.default.svc"]);
  const seen: string[] = [];
  const reviews: Review[] = [];
  const endpoint = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert, key, onListen: () => {} },
    async (request) => {
      const review = await request.json() as Review;
      reviews.push(review);
      seen.push(review.request.name);
      const response = await answer(review);
      if (response instanceof Response) return response;
      return Response.json({
        apiVersion: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        response: { uid: review.request.uid, allowed: true, ...response },
      });
    },
  );
  const server = await startApiServer({
    resolveService: (_namespace, name) =>
      name === "hook" ? { hostname: "127.0.0.1", port: endpoint.addr.port } : undefined,
  });
  await server.client.create(SERVICES, {
    metadata: { name: "hook", namespace: "default" },
    spec: { ports: [{ port: 443 }] },
  });
  try {
    await use({ client: server.client, server, seen, reviews, caBundle: btoa(authority.certificate) });
  } finally {
    await server.stop();
    await endpoint.shutdown();
  }
}

function configuration(caBundle: string, webhook: Record<string, unknown> = {}) {
  return {
    metadata: { name: "hook" },
    webhooks: [{
      name: "hook.example.com",
      clientConfig: { service: { namespace: "default", name: "hook", path: "/mutate" }, caBundle },
      rules: [{
        operations: ["CREATE", "UPDATE", "DELETE"],
        apiGroups: [""],
        apiVersions: ["v1"],
        resources: ["configmaps"],
      }],
      sideEffects: "None",
      admissionReviewVersions: ["v1"],
      ...webhook,
    }],
  } as never;
}

const map = (name: string, namespace = "default") => ({ metadata: { name, namespace }, data: { a: "b" } });

Deno.test("a mutating webhook's JSON patch is applied, and it sees who asks for what", () =>
  withHook(
    () => ({
      patchType: "JSONPatch",
      patch: btoa(JSON.stringify([{ op: "add", path: "/metadata/labels", value: { injected: "yes" } }])),
    }),
    async ({ client, reviews, caBundle }) => {
      await client.create(MUTATING_WEBHOOKS, configuration(caBundle));
      const made = await client.create(CONFIG_MAPS, map("a"));
      assert.deepEqual(made.metadata!.labels, { injected: "yes" });
      const [{ request }] = reviews as [Review];
      assert.equal(request.operation, "CREATE");
      assert.equal(request.namespace, "default");
      assert.equal(request.dryRun, false);
      assert.equal(request.oldObject, null);
      assert.equal(request.userInfo.username, "kubernetes-admin");
      assert.deepEqual(request.object!.data, { a: "b" });
    },
  ));

Deno.test("a validating webhook refuses with its own words, also deletions", () =>
  withHook(
    ({ request }) => ({ allowed: request.name !== "kept", status: { message: "no such thing here" } }),
    async ({ client, caBundle }) => {
      await client.create(CONFIG_MAPS, map("kept"));
      await client.create(VALIDATING_WEBHOOKS, configuration(caBundle));
      await client.create(CONFIG_MAPS, map("a"));
      await assert.rejects(
        client.delete(CONFIG_MAPS, "kept", "default"),
        /admission webhook "hook.example.com" denied the request: no such thing here/,
      );
      await client.get(CONFIG_MAPS, "kept", "default");
    },
  ));

Deno.test("selectors of namespaces and objects decide what a webhook sees", () =>
  withHook(() => ({}), async ({ client, seen, caBundle }) => {
    await client.create(NAMESPACES, { metadata: { name: "off", labels: { hook: "off" } } });
    await client.create(
      VALIDATING_WEBHOOKS,
      configuration(caBundle, {
        namespaceSelector: { matchExpressions: [{ key: "hook", operator: "NotIn", values: ["off"] }] },
        objectSelector: { matchExpressions: [{ key: "skip", operator: "DoesNotExist" }] },
      }),
    );
    await client.create(CONFIG_MAPS, map("in-off", "off"));
    await client.create(CONFIG_MAPS, {
      metadata: { name: "skipped", namespace: "default", labels: { skip: "1" } },
    });
    await client.create(CONFIG_MAPS, map("seen"));
    assert.deepEqual(seen, ["seen"]);
  }));

Deno.test("a webhook that fails refuses the request, or not, as its policy says", () =>
  withHook(() => new Response("broken", { status: 500 }), async ({ client, caBundle }) => {
    await client.create(VALIDATING_WEBHOOKS, configuration(caBundle));
    await assert.rejects(
      client.create(CONFIG_MAPS, map("a")),
      /failed calling webhook "hook.example.com": .*HTTP 500: broken/,
    );
    await client.patch(VALIDATING_WEBHOOKS, "hook", undefined, [
      { op: "replace", path: "/webhooks/0/failurePolicy", value: "Ignore" },
    ], { type: "json" });
    await client.create(CONFIG_MAPS, map("a"));
  }));

Deno.test("a webhook nobody answers for, or with another authority's certificate, fails", () =>
  withHook(() => ({}), async ({ client, caBundle }) => {
    const other = await createAuthority("other");
    await client.create(VALIDATING_WEBHOOKS, configuration(btoa(other.certificate)));
    await assert.rejects(client.create(CONFIG_MAPS, map("a")), /failed to call webhook: .*certificate/i);
    await client.delete(VALIDATING_WEBHOOKS, "hook");
    await client.create(
      VALIDATING_WEBHOOKS,
      configuration(caBundle, {
        clientConfig: { service: { namespace: "default", name: "nobody" }, caBundle },
      }),
    );
    await assert.rejects(
      client.create(CONFIG_MAPS, map("a")),
      /no endpoints available for service "nobody"/,
    );
  }));

Deno.test("a webhook that does not answer in time fails", () =>
  withHook(
    () => {
      const { promise, resolve } = Promise.withResolvers<Response>();
      const timer = setTimeout(() => resolve(new Response()), 1500);
      Deno.unrefTimer(timer);
      return promise;
    },
    async ({ client, caBundle }) => {
      await client.create(VALIDATING_WEBHOOKS, configuration(caBundle, { timeoutSeconds: 1 }));
      await assert.rejects(client.create(CONFIG_MAPS, map("a")), /context deadline exceeded/);
    },
  ));

Deno.test("an object changed while a webhook was asked is patched again, and replaced with a Conflict", () => {
  let meanwhile: (() => Promise<unknown>) | undefined;
  return withHook(async ({ request }) => {
    const change = meanwhile;
    meanwhile = undefined;
    await change?.();
    return Response.json({ kind: "AdmissionReview", response: { uid: request.uid, allowed: true } });
  }, async ({ client, caBundle }) => {
    await client.create(CONFIG_MAPS, map("a"));
    await client.create(VALIDATING_WEBHOOKS, configuration(caBundle));
    const touch = (value: string) => () =>
      client.patch(CONFIG_MAPS, "a", "default", { data: { other: value } }, { type: "merge" });
    meanwhile = touch("1");
    const patched = await client.patch(CONFIG_MAPS, "a", "default", { data: { a: "c" } }, { type: "merge" });
    assert.deepEqual(patched.data, { a: "c", other: "1" });
    meanwhile = touch("2");
    await assert.rejects(
      client.replace(CONFIG_MAPS, { ...patched, data: {} }),
      /the object has been modified/,
    );
  });
});
