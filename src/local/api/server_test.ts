import assert from "node:assert/strict";
import { createHttpKubeClient } from "../../kube/http_client.ts";
import { loadKubeConfig } from "../../kube/config.ts";
import {
  CONFIG_MAPS,
  CUSTOM_RESOURCE_DEFINITIONS,
  NAMESPACES,
  PODS,
  SERVICE_ACCOUNTS,
  SERVICES,
} from "../../kube/kinds.ts";
import { KubeError } from "../../kube/client.ts";
import { defineKind, type KubernetesObject } from "../../kube/resource.ts";
import type { ApiServer } from "./server.ts";
import { request, withServer } from "./testing.ts";

async function pod(server: ApiServer, name = "a") {
  await server.client.create(SERVICE_ACCOUNTS, { metadata: { name: "default", namespace: "default" } })
    .catch(() => {
      // Made by an earlier call.
    });
  return await server.client.create(PODS, {
    metadata: { name, namespace: "default" },
    spec: { containers: [{ name: "main", image: "a:1" }, { name: "other", image: "b:1" }] },
  });
}

Deno.test("the kubeconfig leads kubectl's readers to the server over TLS", () =>
  withServer({ tcp: [{ hostname: "127.0.0.1", port: 0 }] }, async (server) => {
    const path = await Deno.makeTempFile();
    await Deno.writeTextFile(
      path,
      server.adminKubeconfig(`https://127.0.0.1:${server.addresses[0]!.port}`),
    );
    const client = createHttpKubeClient(await loadKubeConfig({ path }));
    const { items } = await client.list(NAMESPACES);
    assert.deepEqual(items.map(({ metadata }) => metadata!.name), ["default", "kube-public", "kube-system"]);
    client.close();
    await Deno.remove(path);
  }));

Deno.test("a socket in the file system answers, plain and with TLS inside", async () => {
  const directory = await Deno.makeTempDir();
  const unix = [{ path: `${directory}/plain`, tls: false }, { path: `${directory}/tls`, tls: true }];
  await withServer({ unix }, async (server) => {
    for (const { path, tls } of unix) {
      const socket = await Deno.connect({ transport: "unix", path });
      let connection: Deno.Conn = socket;
      let relay: Deno.Listener | undefined;
      let relayed: Promise<unknown> | undefined;
      if (tls) {
        // As `linkerd local` does: a TCP port whose bytes go through the socket.
        const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
        relay = listener;
        relayed = listener.accept().then((client) =>
          Promise.allSettled([
            client.readable.pipeTo(socket.writable),
            socket.readable.pipeTo(client.writable),
          ])
        );
        connection = await Deno.connectTls({
          hostname: "localhost",
          port: listener.addr.port,
          caCerts: [server.caBundle],
        });
      }
      const text = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
      await connection.write(new TextEncoder().encode(text));
      let answer = "";
      const buffer = new Uint8Array(1024);
      while (!answer.includes("\r\n\r\nok")) {
        const size = await connection.read(buffer);
        if (size === null) break;
        answer += new TextDecoder().decode(buffer.subarray(0, size));
      }
      assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
      connection.close();
      await relayed;
      relay?.close();
    }
  });
  await Deno.remove(directory, { recursive: true });
});

Deno.test("logs come from the reader, with the container chosen and the options passed on", () => {
  const seen: unknown[] = [];
  return withServer({
    readLogs: (namespace, name, container, { signal: _, ...options }) => {
      seen.push([namespace, name, container, options]);
      return new Blob(["line\n"]).stream();
    },
  }, async (server) => {
    await pod(server);
    const path = "/api/v1/namespaces/default/pods/a/log";
    const unclear = await request(server, path);
    assert.equal(unclear.status, 400);
    assert.match(
      (await unclear.json()).message,
      /a container name must be specified for pod a, choose one of: \[main other\]/,
    );
    const unknown = await request(server, `${path}?container=nobody`);
    assert.match((await unknown.json()).message, /container nobody is not valid for pod a/);
    const read = await request(server, `${path}?container=other&follow=true&tailLines=3&timestamps=true`);
    assert.equal(await read.text(), "line\n");
    assert.deepEqual(seen, [["default", "a", "other", {
      follow: true,
      previous: false,
      timestamps: true,
      tailLines: 3,
    }]]);
  });
});

Deno.test("a log reader is told when its client has gone", () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  return withServer({
    tcp: [{ hostname: "127.0.0.1", port: 0 }],
    readLogs: (_namespace, _name, _container, { signal }) => {
      signal.addEventListener("abort", () => resolve());
      return new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array([10])) });
    },
  }, async (server) => {
    await pod(server);
    const client = createHttpKubeClient({
      server: `https://127.0.0.1:${server.addresses[0]!.port}`,
      caCertificate: server.caBundle,
      token: server.adminToken,
    });
    const abort = new AbortController();
    const response = await client.raw(
      "GET",
      "/api/v1/namespaces/default/pods/a/log?container=main&follow=true",
      { signal: abort.signal },
    );
    const reader = response.body!.getReader();
    await reader.read();
    abort.abort();
    await reader.read().catch(() => {
      // The abort, as it should be.
    });
    await promise;
    client.close();
  });
});

Deno.test("tables carry columns, cells and the objects' metadata", () =>
  withServer({ now: () => new Date("2026-01-01T00:05:00Z") }, async (server) => {
    await pod(server);
    const response = await request(server, "/api/v1/namespaces/default/pods", {
      headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" },
    });
    const table = await response.json();
    assert.equal(table.kind, "Table");
    assert.deepEqual(table.columnDefinitions.slice(0, 5).map(({ name }: { name: string }) => name), [
      "Name",
      "Ready",
      "Status",
      "Restarts",
      "Age",
    ]);
    assert.deepEqual(table.rows[0].cells.slice(0, 5), ["a", "0/2", "Pending", "0", "0s"]);
    assert.equal(table.rows[0].object.kind, "PartialObjectMetadata");
  }));

Deno.test("fields nobody knows are refused, warned of, or dropped, as the client asks", () =>
  withServer({}, async (server) => {
    const create = (name: string, validation: string) =>
      request(server, `/api/v1/namespaces/default/configmaps?fieldValidation=${validation}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ metadata: { name }, dada: { a: "b" } }),
      });
    const strict = await create("a", "Strict");
    assert.equal(strict.status, 400);
    assert.match((await strict.json()).message, /strict decoding error: unknown field "dada"/);
    const warned = await create("b", "Warn");
    assert.equal(warned.status, 201);
    assert.equal(warned.headers.get("warning"), '299 - "unknown field \\"dada\\""');
    assert.equal((await warned.json()).dada, undefined);
    const ignored = await create("c", "Ignore");
    assert.equal(ignored.headers.get("warning"), null);
  }));

Deno.test("a dry run goes through everything and stores nothing", () =>
  withServer({}, async (server) => {
    const create = (body: unknown) =>
      request(server, "/api/v1/namespaces/default/services?dryRun=All", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    const service = { metadata: { name: "a" }, spec: { clusterIP: "10.43.0.99", ports: [{ port: 80 }] } };
    assert.equal((await create(service)).status, 201);
    assert.equal((await create({ ...service, spec: {} })).status, 422);
    assert.equal((await server.client.list(SERVICES, { namespace: "default" })).items.length, 1);
    const real = await server.client.create(SERVICES, service as never, "default");
    assert.equal(real.spec!.clusterIP, "10.43.0.99", "the dry run gave the address back");
  }));

Deno.test("two Services never share an address, and a deleted one's is free again", () =>
  withServer({ serviceRange: "10.43.0.0/28" }, async (server) => {
    const create = (name: string, clusterIP?: string) =>
      server.client.create(SERVICES, {
        metadata: { name, namespace: "default" },
        spec: { ports: [{ port: 80 }], ...(clusterIP === undefined ? {} : { clusterIP }) },
      });
    const seen = new Set<string>();
    for (let index = 0; index < 13; index++) seen.add((await create(`s${index}`)).spec!.clusterIP!);
    assert.equal(seen.size, 13);
    await assert.rejects(create("full"), /range is full/);
    await server.client.delete(SERVICES, "s3", "default");
    const freed = (await create("again")).spec!.clusterIP!;
    await assert.rejects(create("twice", freed), /already allocated/);
  }));

Deno.test("a body that is no JSON, too large, or in another form is refused with its own status", () =>
  withServer({}, async (server) => {
    const post = (body: string, type = "application/json") =>
      request(server, "/api/v1/namespaces/default/configmaps", {
        method: "POST",
        headers: { "content-type": type },
        body,
      });
    assert.equal((await post("{")).status, 400);
    assert.equal((await post("[]")).status, 400);
    assert.equal((await post(`"${"x".repeat(4 << 20)}"`)).status, 413);
    assert.equal((await post("{}", "application/cbor")).status, 415);
    const patch = await request(server, "/api/v1/namespaces/default", {
      method: "PATCH",
      headers: { "content-type": "text/plain" },
      body: "{}",
    });
    assert.equal(patch.status, 415);
    const yaml = await post("metadata:\n  name: a\ndata:\n  key: value\n", "application/yaml");
    assert.equal(yaml.status, 201);
  }));

Deno.test("paths that name nothing, or name it badly, are Not Found", () =>
  withServer({}, async (server) => {
    for (
      const path of [
        "/api/v1/nothings",
        "/api/v2/pods",
        "/apis/nobody.example/v1/things",
        "/api/v1/pods/a",
        "/api/v1/namespaces/default/namespaces",
        "/api/v1/namespaces/%zz/pods",
        "/api/v1/namespaces/default/pods/a/nothing",
        "/nothing",
      ]
    ) {
      const response = await request(server, path);
      assert.equal(response.status, 404, path);
      assert.equal((await response.json()).kind, "Status", path);
    }
  }));

Deno.test("a pod's token ends with its pod, a deleted pod stays for its grace", () =>
  withServer({ nodeName: "laptop" }, async (server) => {
    const { client } = server;
    await pod(server);
    await client.delete(PODS, "a", "default");
    const marked = await client.get(PODS, "a", "default");
    assert.equal(marked.metadata!.deletionGracePeriodSeconds, 30);
    assert.ok(marked.metadata!.deletionTimestamp);
    await client.delete(PODS, "a", "default", { gracePeriodSeconds: 5 });
    const shorter = await client.get(PODS, "a", "default");
    assert.equal(shorter.metadata!.deletionGracePeriodSeconds, 5);
    await client.delete(PODS, "a", "default", { gracePeriodSeconds: 60 });
    const notLonger = await client.get(PODS, "a", "default");
    assert.equal(notLonger.metadata!.deletionGracePeriodSeconds, 5);
    await client.delete(PODS, "a", "default", { gracePeriodSeconds: 0 });
    await assert.rejects(client.get(PODS, "a", "default"), /not found/);
  }));

Deno.test("a pod's spec cannot be changed but for its images", () =>
  withServer({}, async (server) => {
    const made = await pod(server);
    const changed = structuredClone(made);
    changed.spec!.hostname = "other";
    await assert.rejects(
      server.client.replace(PODS, changed),
      /pod updates may not change fields other than/,
    );
    const image = structuredClone(made);
    image.spec!.containers[0]!.image = "a:2";
    assert.equal((await server.client.replace(PODS, image)).spec!.containers[0]!.image, "a:2");
  }));

Deno.test("a watch can begin with what is there and say where that ends", () =>
  withServer({ tcp: [{ hostname: "127.0.0.1", port: 0 }] }, async (server) => {
    await server.client.create(CONFIG_MAPS, { metadata: { name: "a", namespace: "default" } });
    const response = await request(
      server,
      "/api/v1/configmaps?watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan",
    );
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("initial-events-end")) text += (await reader.read()).value;
    const types = text.trim().split("\n").map((line) => JSON.parse(line).type);
    assert.deepEqual(types, ["ADDED", "BOOKMARK"]);
    await reader.cancel();
  }));

Deno.test("a watch ends after its timeout with a bookmark to go on from", () =>
  withServer({}, async (server) => {
    const { metadata } = await server.client.list(CONFIG_MAPS);
    await server.client.create(NAMESPACES, { metadata: { name: "other" } });
    const response = await request(
      server,
      `/api/v1/configmaps?watch=1&allowWatchBookmarks=true&timeoutSeconds=1&resourceVersion=${
        metadata!.resourceVersion
      }`,
    );
    const [line] = (await response.text()).trim().split("\n");
    const { type, object } = JSON.parse(line!);
    assert.equal(type, "BOOKMARK");
    assert.ok(Number(object.metadata.resourceVersion) > Number(metadata!.resourceVersion));
  }));

Deno.test("a request in the cluster's own name reaches a Service's endpoint through the proxy", async () => {
  const backend = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (incoming) => {
    const url = new URL(incoming.url);
    return Response.json({
      path: url.pathname + url.search,
      authorization: incoming.headers.get("authorization"),
    });
  });
  await withServer({
    resolveService: (_namespace, name) =>
      name === "web" ? { hostname: "127.0.0.1", port: backend.addr.port } : undefined,
  }, async (server) => {
    for (const name of ["web", "empty"]) {
      await server.client.create(SERVICES, {
        metadata: { name, namespace: "default" },
        spec: { ports: [{ name: "http", port: 80 }] },
      });
    }
    const base = "/api/v1/namespaces/default/services";
    const answer = await request(server, `${base}/web:http/proxy/a/b?c=d`);
    assert.deepEqual(await answer.json(), { path: "/a/b?c=d", authorization: null });
    const nobody = await request(server, `${base}/empty:80/proxy/`);
    assert.equal(nobody.status, 503);
    assert.match((await nobody.json()).message, /no endpoints available for service "empty"/);
  });
  await backend.shutdown();
});

Deno.test("a custom resource is the same object in every version its definition serves", () =>
  withServer({}, async (server) => {
    const { client } = server;
    const version = (name: string, storage: boolean, properties: Record<string, unknown>) => ({
      name,
      served: true,
      storage,
      subresources: { status: {} },
      schema: {
        openAPIV3Schema: {
          type: "object",
          properties: {
            spec: { type: "object", properties },
            status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
          },
        },
      },
    });
    const size = { type: "integer" };
    await client.create(
      CUSTOM_RESOURCE_DEFINITIONS,
      {
        metadata: { name: "things.example.com" },
        spec: {
          group: "example.com",
          scope: "Namespaced",
          names: { plural: "things", kind: "Thing" },
          versions: [
            version("v1", true, { size, color: { type: "string", default: "red" } }),
            version("v1beta1", false, { size, old: { type: "string", default: "yes" } }),
          ],
        },
      } as never,
    );
    type Thing = KubernetesObject & { spec: Record<string, unknown>; status?: unknown };
    const beta = defineKind<Thing>("example.com", "v1beta1", "things", "Thing");
    const stable = defineKind<Thing>("example.com", "v1", "things", "Thing");
    const made = await client.create(beta, {
      metadata: { name: "a", namespace: "default" },
      spec: { size: 1 },
      status: { dropped: true },
    });
    assert.equal(made.apiVersion, "example.com/v1beta1");
    assert.equal(made.status, undefined);
    const read = await client.get(stable, "a", "default");
    assert.equal(read.apiVersion, "example.com/v1");
    assert.equal(read.spec["color"], "red");
    assert.equal(read.metadata!.uid, made.metadata!.uid);
    const [item] = (await client.list(stable)).items;
    assert.equal(item!.apiVersion, "example.com/v1");
    await client.replace(stable, { ...read, spec: { size: 2 } });
    const { spec, metadata } = await client.get(beta, "a", "default");
    assert.equal(spec["size"], 2);
    assert.equal(metadata!.generation, 2);
    const withStatus = await client.patch(beta, "a", "default", { status: { ready: true } }, {
      type: "merge",
      subresource: "status",
    });
    assert.deepEqual(withStatus.status, { ready: true });
    assert.equal(withStatus.metadata!.generation, 2);
  }));

Deno.test("an error of the client's is a KubeError with the server's words", () =>
  withServer({}, async (server) => {
    await assert.rejects(
      server.client.create(CONFIG_MAPS, { metadata: { namespace: "default" } }),
      (error) =>
        error instanceof KubeError && error.status === 422 && /name or generateName/.test(error.message),
    );
  }));
