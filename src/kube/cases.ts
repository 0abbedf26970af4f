/**
 * What every KubeClient must do, as one table of cases run over each implementation against the embedded API.
 */
import assert from "node:assert/strict";
import { isAlreadyExists, isConflict, isNotFound, type KubeClient, KubeError } from "./client.ts";
import { startInformer } from "./informer.ts";
import {
  CONFIG_MAPS,
  type ConfigMap,
  CUSTOM_RESOURCE_DEFINITIONS,
  DEPLOYMENTS,
  NAMESPACES,
  PODS,
  SERVICE_ACCOUNTS,
  TOKEN_REVIEWS,
  type TokenRequest,
} from "./kinds.ts";
import { defineKind, type KubernetesObject } from "./resource.ts";
import type { WatchEvent } from "./resource.ts";

/** Runs a case with a client of a fresh cluster that has the namespace `default`. */
export type WithClient = (use: (client: KubeClient) => Promise<void>) => Promise<void>;

const map = (
  name: string,
  data: Record<string, string> = {},
  labels?: Record<string, string>,
): ConfigMap => ({
  metadata: { name, namespace: "default", ...(labels === undefined ? {} : { labels }) },
  data,
});

const deployment = (replicas?: number) => ({
  metadata: { name: "web", namespace: "default" },
  spec: {
    ...(replicas === undefined ? {} : { replicas }),
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "web", image: "web:1" }] },
    },
  },
});

function refusal(status: number, reason: string, text?: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof KubeError, String(error));
    assert.equal(error.status, status);
    assert.equal(error.reason, reason);
    if (text !== undefined) assert.match(error.message, text);
    return true;
  };
}

async function take<T>(events: AsyncIterable<WatchEvent<T>>, count: number): Promise<WatchEvent<T>[]> {
  const taken: WatchEvent<T>[] = [];
  for await (const event of events) {
    if (event.type !== "BOOKMARK") taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

const CASES: Record<string, (client: KubeClient) => Promise<void>> = {
  "an object created is read back with uid, version, time and kind": async (client) => {
    const created = await client.create(CONFIG_MAPS, map("a", { key: "value" }));
    assert.ok(
      created.metadata?.uid && created.metadata.resourceVersion && created.metadata.creationTimestamp,
    );
    const read = await client.get(CONFIG_MAPS, "a", "default");
    assert.deepEqual(read, created);
    assert.equal(read.kind, "ConfigMap");
    assert.equal(read.apiVersion, "v1");
  },

  "what is not there is NotFound, what is there already is AlreadyExists": async (client) => {
    await assert.rejects(
      client.get(CONFIG_MAPS, "a", "default"),
      refusal(404, "NotFound", /configmaps "a" not found/),
    );
    await client.create(CONFIG_MAPS, map("a"));
    await assert.rejects(client.create(CONFIG_MAPS, map("a")), isAlreadyExists);
    await assert.rejects(client.delete(CONFIG_MAPS, "b", "default"), isNotFound);
  },

  "a kind the server does not serve is NotFound": async (client) => {
    const kind = defineKind("nobody.example", "v1", "things", "Thing");
    await assert.rejects(client.list(kind), refusal(404, "NotFound"));
  },

  "an object in a namespace that is not there is refused": async (client) => {
    await assert.rejects(
      client.create(CONFIG_MAPS, { metadata: { name: "a", namespace: "nowhere" } }),
      refusal(404, "NotFound", /namespaces "nowhere" not found/),
    );
  },

  "generateName makes a name of its own each time": async (client) => {
    const make = () => client.create(CONFIG_MAPS, { metadata: { generateName: "a-", namespace: "default" } });
    const [one, two] = [await make(), await make()];
    assert.match(one.metadata!.name!, /^a-[a-z0-9]{5}$/);
    assert.notEqual(one.metadata!.name, two.metadata!.name);
  },

  "a replace with an old version is a Conflict": async (client) => {
    const first = await client.create(CONFIG_MAPS, map("a", { key: "1" }));
    const second = await client.replace(CONFIG_MAPS, { ...first, data: { key: "2" } });
    assert.notEqual(second.metadata!.resourceVersion, first.metadata!.resourceVersion);
    await assert.rejects(client.replace(CONFIG_MAPS, { ...first, data: { key: "3" } }), isConflict);
    const { metadata } = await client.replace(CONFIG_MAPS, { ...second, data: { key: "2" } });
    assert.equal(metadata!.resourceVersion, second.metadata!.resourceVersion, "no change, no new version");
  },

  "what a client is given is its own to change": async (client) => {
    const first = await client.create(CONFIG_MAPS, map("a", { key: "1" }));
    first.data!["key"] = "changed";
    (await client.get(CONFIG_MAPS, "a", "default")).data!["key"] = "changed";
    for (const item of (await client.list(CONFIG_MAPS)).items) item.data = {};
    assert.deepEqual((await client.get(CONFIG_MAPS, "a", "default")).data, { key: "1" });
  },

  "lists are cut by namespace, labels and fields": async (client) => {
    await client.create(NAMESPACES, { metadata: { name: "other" } });
    await client.create(CONFIG_MAPS, map("a", {}, { app: "x" }));
    await client.create(CONFIG_MAPS, map("b", {}, { app: "y" }));
    await client.create(CONFIG_MAPS, { metadata: { name: "c", namespace: "other", labels: { app: "x" } } });
    const names = async (options: Parameters<KubeClient["list"]>[1]) =>
      (await client.list(CONFIG_MAPS, options)).items.map(({ metadata }) => metadata!.name);
    assert.deepEqual(await names({ labelSelector: "app" }), ["a", "b", "c"]);
    assert.deepEqual(await names({ namespace: "default", labelSelector: "app in (x)" }), ["a"]);
    assert.deepEqual(await names({ fieldSelector: "metadata.name=b" }), ["b"]);
    assert.deepEqual(await names({ labelSelector: "app=x", fieldSelector: "metadata.namespace!=other" }), [
      "a",
    ]);
    await assert.rejects(names({ labelSelector: "a b" }), refusal(400, "BadRequest", /unable to parse/));
    await assert.rejects(names({ fieldSelector: "data.key=1" }), refusal(400, "BadRequest", /not supported/));
  },

  "a long list comes in pages of one version": async (client) => {
    for (const name of ["a", "b", "c", "d", "e"]) await client.create(CONFIG_MAPS, map(name));
    const seen: string[] = [];
    const versions = new Set<string | undefined>();
    let next: string | undefined;
    do {
      const page = await client.list(CONFIG_MAPS, {
        namespace: "default",
        limit: 2,
        ...(next === undefined ? {} : { continue: next }),
      });
      assert.ok(page.items.length <= 2);
      seen.push(...page.items.map(({ metadata }) => metadata!.name!));
      versions.add(page.metadata!.resourceVersion);
      next = page.metadata!.continue;
    } while (next !== undefined);
    assert.deepEqual(seen, ["a", "b", "c", "d", "e"]);
    assert.equal(versions.size, 1);
  },

  "a watch from a list's version brings every later change in order": async (client) => {
    await client.create(CONFIG_MAPS, map("before"));
    const { metadata } = await client.list(CONFIG_MAPS);
    await client.create(CONFIG_MAPS, map("a", { key: "1" }));
    const events = take(
      client.watch(CONFIG_MAPS, { namespace: "default", resourceVersion: metadata!.resourceVersion! }),
      3,
    );
    await client.patch(CONFIG_MAPS, "a", "default", { data: { key: "2" } }, { type: "merge" });
    await client.delete(CONFIG_MAPS, "a", "default");
    assert.deepEqual(
      (await events).map(({ type, object }) => [type, object.metadata!.name, object.data?.["key"]]),
      [["ADDED", "a", "1"], ["MODIFIED", "a", "2"], ["DELETED", "a", "2"]],
    );
  },

  "a watch with a selector sees objects come and go as they match": async (client) => {
    const { metadata } = await client.list(CONFIG_MAPS);
    const events = take(
      client.watch(CONFIG_MAPS, { labelSelector: "on=1", resourceVersion: metadata!.resourceVersion! }),
      2,
    );
    await client.create(CONFIG_MAPS, map("a"));
    await client.patch(
      CONFIG_MAPS,
      "a",
      "default",
      { metadata: { labels: { on: "1" } } },
      { type: "merge" },
    );
    await client.patch(CONFIG_MAPS, "a", "default", { metadata: { labels: null } }, { type: "merge" });
    assert.deepEqual((await events).map(({ type }) => type), ["ADDED", "DELETED"]);
  },

  "an aborted watch ends without an error": async (client) => {
    const abort = new AbortController();
    const done = take(client.watch(CONFIG_MAPS, { signal: abort.signal, namespace: "default" }), 100);
    await client.create(CONFIG_MAPS, map("a"));
    abort.abort();
    assert.ok((await done).length <= 2);
  },

  "a watch from a version long forgotten is Expired": async (client) => {
    const { metadata } = await client.list(CONFIG_MAPS);
    await client.create(CONFIG_MAPS, map("a"));
    for (let index = 0; index < 2100; index++) {
      await client.patch(CONFIG_MAPS, "a", "default", { data: { key: `${index}` } }, { type: "merge" });
    }
    await assert.rejects(
      take(client.watch(CONFIG_MAPS, { resourceVersion: metadata!.resourceVersion! }), 1),
      refusal(410, "Expired"),
    );
  },

  "an informer holds what the cluster holds": async (client) => {
    await client.create(CONFIG_MAPS, map("a"));
    const informer = startInformer(client, CONFIG_MAPS, { namespace: "default", labelSelector: "!hidden" });
    await informer.synced;
    assert.ok(informer.get("default", "a"));
    const { promise, resolve } = Promise.withResolvers<void>();
    const log: string[] = [];
    informer.subscribe({
      added: (object) => log.push(`added ${object.metadata!.name}`),
      modified: (object) => log.push(`modified ${object.metadata!.name}`),
      deleted: (object) => {
        log.push(`deleted ${object.metadata!.name}`);
        resolve();
      },
    });
    await client.create(CONFIG_MAPS, map("b"));
    await client.patch(CONFIG_MAPS, "b", "default", { data: { key: "1" } }, { type: "merge" });
    await client.delete(CONFIG_MAPS, "b", "default");
    await promise;
    informer.stop();
    assert.deepEqual(log, ["added a", "added b", "modified b", "deleted b"]);
    assert.equal(informer.get("default", "b"), undefined);
  },

  "patches: merge, JSON, strategic": async (client) => {
    await client.create(DEPLOYMENTS, deployment());
    const merged = await client.patch(
      DEPLOYMENTS,
      "web",
      "default",
      { spec: { replicas: 3 } },
      { type: "merge" },
    );
    assert.equal(merged.spec!.replicas, 3);
    assert.equal(merged.metadata!.generation, 2);
    const patched = await client.patch(DEPLOYMENTS, "web", "default", [
      { op: "test", path: "/spec/replicas", value: 3 },
      { op: "replace", path: "/spec/replicas", value: 4 },
    ], { type: "json" });
    assert.equal(patched.spec!.replicas, 4);
    const strategic = await client.patch(DEPLOYMENTS, "web", "default", {
      spec: { template: { spec: { containers: [{ name: "sidecar", image: "sidecar:1" }] } } },
    }, { type: "strategic" });
    const names = strategic.spec!.template.spec!.containers.map(({ name }) => name).sort();
    assert.deepEqual(names, ["sidecar", "web"]);
    await assert.rejects(
      client.patch(DEPLOYMENTS, "web", "default", [{ op: "remove", path: "/nothing" }], { type: "json" }),
      refusal(422, "Invalid"),
    );
  },

  "an apply creates, owns its fields, and conflicts with another manager": async (client) => {
    const apply = (fieldManager: string, replicas: number, force = false) =>
      client.patch(DEPLOYMENTS, "web", "default", deployment(replicas), {
        type: "apply",
        fieldManager,
        force,
      });
    const created = await apply("one", 1);
    assert.equal(created.metadata!.managedFields?.[0]?.manager, "one");
    await assert.rejects(
      apply("two", 2),
      refusal(409, "Conflict", /conflict with "one" using apps\/v1: \.spec\.replicas/),
    );
    assert.equal((await apply("two", 2, true)).spec!.replicas, 2);
    const again = await apply("two", 2);
    assert.equal(
      again.metadata!.resourceVersion,
      (await apply("two", 2)).metadata!.resourceVersion,
      "the same apply changes nothing",
    );
  },

  "status is written apart from the rest": async (client) => {
    const created = await client.create(DEPLOYMENTS, deployment(1));
    const status = { observedGeneration: 1, replicas: 1 };
    const updated = await client.replace(DEPLOYMENTS, {
      ...created,
      spec: { ...created.spec!, replicas: 9 },
      status,
    }, "status");
    assert.equal(updated.spec!.replicas, 1);
    assert.equal(updated.status!.replicas, 1);
    assert.equal(updated.metadata!.generation, 1);
    const main = await client.replace(DEPLOYMENTS, { ...updated, status: { replicas: 7 } });
    assert.equal(main.status!.replicas, 1);
    const patched = await client.patch(DEPLOYMENTS, "web", "default", { status: { readyReplicas: 1 } }, {
      type: "merge",
      subresource: "status",
    });
    assert.equal(patched.status!.readyReplicas, 1);
  },

  "scale is read and written through its own object": async (client) => {
    await client.create(DEPLOYMENTS, deployment(1));
    const scale = await client.patch<KubernetesObject & { spec?: { replicas: number } }>(
      DEPLOYMENTS as never,
      "web",
      "default",
      { spec: { replicas: 5 } },
      { type: "merge", subresource: "scale" },
    );
    assert.equal(scale.kind, "Scale");
    assert.equal(scale.spec!.replicas, 5);
    assert.equal((await client.get(DEPLOYMENTS, "web", "default")).spec!.replicas, 5);
  },

  "an invalid object is refused with every field that is wrong": async (client) => {
    const bad = deployment();
    bad.spec.template.metadata.labels.app = "other";
    bad.spec.template.spec.containers[0]!.name = "Not A Name";
    await assert.rejects(
      client.create(DEPLOYMENTS, bad),
      refusal(
        422,
        "Invalid",
        /Deployment\.apps "web" is invalid: .*spec\.template\.metadata\.labels.*containers\[0\]\.name/,
      ),
    );
    await assert.rejects(
      client.create(CONFIG_MAPS, map("Upper")),
      refusal(422, "Invalid", /metadata\.name: Invalid value: "Upper"/),
    );
    const mistyped = { ...deployment(), spec: { ...deployment().spec, replicas: "three" } };
    await assert.rejects(
      client.create(DEPLOYMENTS, mistyped as never),
      refusal(400, "BadRequest", /cannot unmarshal string .*\.spec\.replicas/),
    );
  },

  "finalizers keep a deleted object until they are gone": async (client) => {
    const object = map("a");
    object.metadata!.finalizers = ["example.com/wait"];
    await client.create(CONFIG_MAPS, object);
    await client.delete(CONFIG_MAPS, "a", "default");
    assert.ok((await client.get(CONFIG_MAPS, "a", "default")).metadata!.deletionTimestamp);
    await client.patch(CONFIG_MAPS, "a", "default", { metadata: { finalizers: null } }, { type: "merge" });
    await assert.rejects(client.get(CONFIG_MAPS, "a", "default"), isNotFound);
  },

  "custom resources are validated, pruned and given defaults by their schema": async (client) => {
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, {
      metadata: { name: "things.example.com" },
      spec: {
        group: "example.com",
        scope: "Namespaced",
        names: { plural: "things", kind: "Thing" },
        versions: [{
          name: "v1",
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: "object",
              required: ["spec"],
              properties: {
                spec: {
                  type: "object",
                  required: ["size"],
                  properties: {
                    size: { type: "integer", minimum: 1 },
                    color: { type: "string", enum: ["red", "blue"], default: "red" },
                  },
                },
              },
            },
          },
        }],
      },
    });
    interface Thing extends KubernetesObject {
      spec: { size: number; color?: string; extra?: string };
    }
    const things = defineKind<Thing>("example.com", "v1", "things", "Thing");
    const thing = (spec: unknown) => ({ metadata: { name: "a", namespace: "default" }, spec } as Thing);
    await assert.rejects(
      client.create(things, thing({ size: 0, color: "green" })),
      refusal(
        422,
        "Invalid",
        /Thing\.example\.com "a" is invalid: .*spec\.size.*greater than or equal to 1.*spec\.color: Unsupported/,
      ),
    );
    await assert.rejects(
      client.create(things, thing({ size: "1" })),
      refusal(422, "Invalid", /spec\.size/),
    );
    const created = await client.create(things, thing({ size: 1, extra: "dropped" }));
    assert.deepEqual(created.spec, { size: 1, color: "red" });
    await client.delete(CUSTOM_RESOURCE_DEFINITIONS, "things.example.com");
    await assert.rejects(client.list(things), isNotFound);
  },

  "a token of a service account is good for its audience and while its pod lives": async (client) => {
    await client.create(SERVICE_ACCOUNTS, { metadata: { name: "app", namespace: "default" } });
    const pod = await client.create(PODS, {
      metadata: { name: "app", namespace: "default" },
      spec: { serviceAccountName: "app", containers: [{ name: "app", image: "app:1" }] },
    });
    const request = await client.createSubresource<TokenRequest>(
      SERVICE_ACCOUNTS,
      "app",
      "default",
      "token",
      {
        spec: {
          audiences: ["identity.l5d.io"],
          boundObjectRef: { kind: "Pod", apiVersion: "v1", name: "app", uid: pod.metadata!.uid! },
        },
      },
    );
    const review = async (audiences: string[]) =>
      (await client.create(TOKEN_REVIEWS, { spec: { token: request.status!.token, audiences } } as never))
        .status!;
    const good = await review(["identity.l5d.io"]);
    assert.equal(good.authenticated, true);
    assert.equal(good.user!.username, "system:serviceaccount:default:app");
    assert.notEqual((await review(["other"])).authenticated, true);
    await client.delete(PODS, "app", "default", { gracePeriodSeconds: 0 });
    const gone = await review(["identity.l5d.io"]);
    assert.notEqual(gone.authenticated, true);
    assert.match(gone.error!, /has been deleted/);
  },

  "raw reaches any path and never throws on a status": async (client) => {
    const version = await client.raw("GET", "/version");
    assert.equal(version.status, 200);
    assert.match((await version.json() as { gitVersion: string }).gitVersion, /^v1\./);
    const missing = await client.raw("GET", "/nowhere");
    assert.equal(missing.status, 404);
    assert.equal((await missing.json() as { kind: string }).kind, "Status");
  },
};

/** Registers every case as a test of `name`. */
export function testKubeClient(name: string, withClient: WithClient): void {
  for (const [sentence, body] of Object.entries(CASES)) {
    Deno.test(`${name}: ${sentence}`, () => withClient(body));
  }
}
