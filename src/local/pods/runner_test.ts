import assert from "node:assert/strict";
import { startInformer } from "../../kube/informer.ts";
import {
  CONFIG_MAPS,
  type Container,
  ENDPOINT_SLICES,
  EVENTS,
  NAMESPACES,
  NODES,
  type Pod,
  PODS,
  type PodSpec,
  SECRETS,
  SERVICE_ACCOUNTS,
  SERVICES,
  TOKEN_REVIEWS,
} from "../../kube/kinds.ts";
import { isolatedTest } from "../../linux/isolated.ts";
import { startApiServer } from "../api/server.ts";
import { NodeNetwork } from "../network/node_network.ts";
import type { ImageMap } from "./images.ts";
import type { PodRunner } from "./runner.ts";
import { startNodeServices } from "./node_services.ts";

/** A node with everything a pod needs, and eyes on its pods. */
async function withNode(
  body: (node: Awaited<ReturnType<typeof startNode>>) => Promise<void>,
  images: ImageMap = {},
): Promise<void> {
  const node = await startNode(images);
  try {
    await body(node);
  } finally {
    await node.stop();
  }
}

async function startNode(images: ImageMap) {
  const holder: { runner?: PodRunner } = {};
  const network = new NodeNetwork();
  const api = await startApiServer({
    nodeName: "laptop",
    tcp: [{ hostname: "10.43.0.1", port: 443 }],
    readLogs: (...wanted) => holder.runner!.readLogs(...wanted),
  });
  const { client } = api;
  const directory = Deno.makeTempDirSync();
  const node = await startNodeServices({
    client,
    network,
    nodeName: "laptop",
    directory,
    images,
    backOff: { baseMs: 20 },
    onError: (error) => console.error(error),
  });
  const runner = holder.runner = node.runner;
  const watching = new AbortController();
  const pods = startInformer(client, PODS, { signal: watching.signal });
  await pods.synced;
  // What the cluster's controllers would make.
  await client.create(NAMESPACES, { metadata: { name: "shop" } });
  await client.create(SERVICE_ACCOUNTS, { metadata: { name: "default", namespace: "shop" } });
  await client.create(CONFIG_MAPS, {
    metadata: { name: "kube-root-ca.crt", namespace: "shop" },
    data: { "ca.crt": api.caBundle },
  });
  /** Resolves with the pod once `isSo` is true of it; `undefined` stands for its being gone. */
  const until = (
    name: string,
    isSo: (pod: Pod | undefined) => boolean,
    what = String(isSo),
  ): Promise<Pod | undefined> =>
    new Promise((resolve, reject) => {
      let stop = () => {};
      const timer = setTimeout(() => {
        stop();
        reject(new Error(`${name} never came to ${what}: ${JSON.stringify(pods.get("shop", name)?.status)}`));
      }, 20_000);
      const check = (pod: Pod | undefined) => {
        if (!isSo(pod)) return;
        clearTimeout(timer);
        queueMicrotask(() => stop());
        resolve(pod);
      };
      const mine = (pod: Pod) => pod.metadata?.name === name && check(pod);
      stop = pods.subscribe({
        added: mine,
        modified: mine,
        deleted: (pod) => pod.metadata?.name === name && check(undefined),
      });
    });
  return {
    client,
    runner,
    directory,
    until,
    create: (name: string, spec: PodSpec, labels: Record<string, string> = {}) => {
      const withImages = (containers: Container[] = []) =>
        containers.map((each) => ({ image: "demo/none", ...each }));
      const { initContainers, containers } = spec;
      return client.create(PODS, {
        metadata: { name, namespace: "shop", labels },
        spec: { ...spec, initContainers: withImages(initContainers), containers: withImages(containers) },
      });
    },
    phase: (name: string, phase: string) => until(name, (pod) => pod?.status?.phase === phase, phase),
    ready: (name: string) =>
      until(
        name,
        (pod) => pod?.status?.conditions?.find(({ type }) => type === "Ready")?.status === "True",
        "Ready",
      ),
    logs: (name: string, container?: string, options = {}) =>
      new Response(runner.readLogs("shop", name, container, options)).text(),
    stop: async () => {
      watching.abort();
      await node.stop();
      await network.close();
      await api.stop();
      assert.deepEqual([...Deno.readDirSync(directory)], [], "nothing is left of the pods' files");
      Deno.removeSync(directory);
      assert.deepEqual(childProcesses(), [], "nothing is left of the pods' processes");
    },
  };
}

/** Processes in this process-id namespace other than this one: the test runs as process 1. */
function childProcesses(): string[] {
  return [...Deno.readDirSync("/proc")].filter(({ name }) =>
    /^[0-9]+$/.test(name) && name !== String(Deno.pid)
  )
    .flatMap(({ name }) => {
      try {
        const text = Deno.readTextFileSync(`/proc/${name}/cmdline`);
        return text === "" ? [] : [text.replaceAll("\0", " ")];
      } catch {
        return []; // ended while it was looked at
      }
    });
}

const shell = (script: string) => ({ command: ["sh", "-c", script] });
const url = import.meta.url;

isolatedTest(
  "a pod reaches the API server with its own account",
  url,
  () =>
    withNode(async ({ create, phase, logs }) => {
      const script = `
      const account = "/var/run/secrets/kubernetes.io/serviceaccount";
      const read = (name) => Deno.readTextFileSync(account + "/" + name);
      const client = Deno.createHttpClient({ caCerts: [read("ca.crt")] });
      const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = Deno.env.toObject();
      for (const server of ["https://kubernetes.default.svc", "https://" + host + ":" + port]) {
        const url = server + "/api/v1/namespaces/" + read("namespace") + "/pods/" + Deno.hostname();
        const response = await fetch(url, { client, headers: { authorization: "Bearer " + read("token") } });
        console.log((await response.json()).metadata.name);
      }`;
      await create("asking", {
        restartPolicy: "Never",
        containers: [{ name: "app", command: [Deno.execPath(), "eval", script] }],
      });
      await phase("asking", "Succeeded");
      assert.equal(await logs("asking"), "asking\nasking\n");
    }),
);

isolatedTest("the node is ready in the API", url, () =>
  withNode(async ({ client }) => {
    const node = await client.get(NODES, "laptop");
    assert.equal(node.status?.conditions?.find(({ type }) => type === "Ready")?.status, "True");
    assert.deepEqual(node.status?.addresses?.[0], { type: "InternalIP", address: "10.42.0.1" });
  }));

isolatedTest(
  "two pods talk to each other by a service's name",
  url,
  () =>
    withNode(async ({ client, create, ready, phase, logs }) => {
      const server =
        `Deno.serve({ port: 8080, hostname: "0.0.0.0" }, (_, info) => new Response("hello " + info.remoteAddr.hostname));`;
      await create("server", {
        containers: [{
          name: "app",
          command: [Deno.execPath(), "eval", server],
          ports: [{ name: "http", containerPort: 8080 }],
          readinessProbe: { httpGet: { port: "http", path: "/" } },
        }],
      });
      const pod = await ready("server");
      const ip = pod!.status!.podIP!;
      await client.create(SERVICES, {
        metadata: { name: "web", namespace: "shop" },
        spec: { clusterIP: "10.43.0.50", ports: [{ name: "http", port: 80 }] },
      });
      await client.create(ENDPOINT_SLICES, {
        metadata: { name: "web-1", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
        addressType: "IPv4",
        endpoints: [{ addresses: [ip], conditions: { ready: true } }],
        ports: [{ name: "http", port: 8080, protocol: "TCP" }],
      });
      const script = `
      for (const url of ["http://web/", "http://web.shop.svc.cluster.local/", "http://${ip}:8080/"]) {
        for (let left = 50; ; left--) {
          try { console.log(await (await fetch(url)).text()); break; }
          catch (error) { if (left === 0) throw error; await new Promise((resolve) => setTimeout(resolve, 20)); }
        }
      }`;
      await create("client", {
        restartPolicy: "Never",
        containers: [{ name: "app", command: [Deno.execPath(), "eval", script] }],
      });
      const done = await phase("client", "Succeeded");
      assert.equal(await logs("client"), `hello ${done!.status!.podIP}\n`.repeat(3));
    }),
);

isolatedTest(
  "init containers run in order, a sidecar holds back what follows until it has started",
  url,
  () =>
    withNode(async ({ create, phase, logs, client }) => {
      await client.create(CONFIG_MAPS, {
        metadata: { name: "settings", namespace: "shop" },
        data: { color: "red" },
      });
      const volumeMounts = [{ name: "shared", mountPath: "/data/shared" }];
      await create("ordered", {
        restartPolicy: "Never",
        volumes: [{ name: "shared", emptyDir: {} }, { name: "settings", configMap: { name: "settings" } }],
        initContainers: [
          { name: "first", ...shell("echo first >> /data/shared/order"), volumeMounts },
          {
            name: "proxy",
            restartPolicy: "Always",
            ...shell(
              "trap 'echo proxy-end; exit 0' TERM; sleep 0.1; echo proxy >> /data/shared/order; while :; do sleep 0.05; done",
            ),
            volumeMounts,
            startupProbe: {
              exec: { command: ["grep", "-q", "proxy", "/data/shared/order"] },
              periodSeconds: 1,
            },
          },
          { name: "second", ...shell("echo second >> /data/shared/order"), volumeMounts },
        ],
        containers: [{
          name: "app",
          ...shell(
            "echo app >> /data/shared/order; tr '\\n' ' ' < /data/shared/order; cat /etc/settings/color; hostname; id -u",
          ),
          volumeMounts: [...volumeMounts, { name: "settings", mountPath: "/etc/settings" }],
        }],
      });
      const pod = await phase("ordered", "Succeeded");
      assert.equal(await logs("ordered", "app"), "first proxy second app redordered\n0\n");
      const sidecar = pod?.status?.initContainerStatuses?.find(({ name }) => name === "proxy");
      assert.equal(
        sidecar?.state?.terminated?.exitCode,
        0,
        "the sidecar is ended once the containers are done",
      );
      assert.equal(await logs("ordered", "proxy"), "proxy-end\n");
    }),
);

isolatedTest(
  "a container that fails is restarted with back-off, and its last log is kept",
  url,
  () =>
    withNode(async ({ create, until, client }) => {
      await create("crashing", { containers: [{ name: "app", ...shell("echo run; exit 3") }] });
      const pod = await until("crashing", (pod) => {
        const status = pod?.status?.containerStatuses?.[0];
        return (status?.restartCount ?? 0) >= 2 && status?.state?.waiting?.reason === "CrashLoopBackOff";
      });
      assert.equal(pod?.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 3);
      const path = "/api/v1/namespaces/shop/pods/crashing/log?previous=true&tailLines=1";
      assert.equal(await (await client.raw("GET", path)).text(), "run\n");
      const events = (await client.list(EVENTS)).items;
      assert.ok(events.some(({ reason }) => reason === "BackOff"));
    }),
);

isolatedTest(
  "what a pod's processes fork ends with the pod, and a silent process does not hold it up",
  url,
  () =>
    withNode(async ({ client, create, ready, until }) => {
      await create("forking", {
        containers: [
          { name: "app", ...shell("(setsid sleep 1000 &) ; (sleep 1000 & sleep 1001 & wait) & sleep 1002") },
          { name: "other", ...shell("trap '' TERM; while :; do sleep 0.1; done") },
        ],
      });
      await ready("forking");
      assert.ok(childProcesses().some((command) => command.startsWith("sleep 1000")));
      const began = Date.now();
      await client.delete(PODS, "forking", "shop", { gracePeriodSeconds: 1 });
      await until("forking", (pod) => pod === undefined, "gone");
      assert.ok(Date.now() - began < 10_000);
      assert.deepEqual(childProcesses(), []);
    }),
);

isolatedTest(
  "deletion runs the preStop hook, then SIGTERM, and removes the object",
  url,
  () =>
    withNode(async ({ client, create, ready, until, runner }) => {
      const volumeMounts = [{ name: "data", mountPath: "/data" }];
      await create("polite", {
        volumes: [{ name: "data", emptyDir: { medium: "Memory" } }],
        containers: [{
          name: "app",
          ...shell("trap 'echo terminated; cat /data/hook; exit 0' TERM; while :; do sleep 0.02; done"),
          volumeMounts,
          lifecycle: {
            postStart: { exec: { command: ["sh", "-c", "echo started > /data/start"] } },
            preStop: { exec: { command: ["sh", "-c", "echo stopping > /data/hook"] } },
          },
        }],
      });
      await ready("polite");
      const text = new Response(runner.readLogs("shop", "polite", "app", { follow: true })).text();
      const shown = await runner.exec("shop", "polite", "app", ["cat", "/data/start"]);
      assert.deepEqual(shown, { code: 0, output: "started\n" });
      await client.delete(PODS, "polite", "shop");
      await until("polite", (pod) => pod === undefined, "gone");
      assert.equal(await text, "terminated\nstopping\n");
    }),
);

isolatedTest(
  "what cannot be started says why, and starts when what is missing comes",
  url,
  () =>
    withNode(async ({ client, create, until, phase, logs }) => {
      const reason = (name: string, wanted: string) =>
        until(name, (pod) => pod?.status?.containerStatuses?.[0]?.state?.waiting?.reason === wanted, wanted);
      await create("image", { containers: [{ name: "app", image: "nginx:1.25" }] });
      const image = await reason("image", "ErrImagePull");
      assert.match(
        image?.status?.containerStatuses?.[0]?.state?.waiting?.message ?? "",
        /nginx:1.25.*set `command`/,
      );
      assert.equal(image?.status?.phase, "Pending");

      await create("missing", {
        restartPolicy: "Never",
        containers: [{
          name: "app",
          ...shell("echo $KEY"),
          env: [{ name: "KEY", valueFrom: { secretKeyRef: { name: "late", key: "key" } } }],
        }],
      });
      await reason("missing", "CreateContainerConfigError");
      await client.create(SECRETS, {
        metadata: { name: "late", namespace: "shop" },
        data: { key: btoa("came") },
      });
      await phase("missing", "Succeeded");
      assert.equal(await logs("missing"), "came\n");

      await create("absent", {
        restartPolicy: "Never",
        containers: [{ name: "app", command: ["/no/such/program"] }],
      });
      const absent = (await phase("absent", "Failed"))?.status?.containerStatuses?.[0]?.state?.terminated;
      assert.equal(absent?.reason, "StartError");
      assert.match(absent?.message ?? "", /"\/no\/such\/program": executable file not found/);
    }),
);

isolatedTest(
  "a failed liveness probe restarts the container",
  url,
  () =>
    withNode(async ({ create, until }) => {
      await create("sick", {
        terminationGracePeriodSeconds: 1,
        containers: [{
          name: "app",
          ...shell("sleep 1000"),
          // Not before the shell is there: until then it is the launcher that would be asked to end.
          livenessProbe: {
            exec: { command: ["false"] },
            initialDelaySeconds: 1,
            periodSeconds: 1,
            failureThreshold: 1,
          },
        }],
      });
      const pod = await until("sick", (pod) => (pod?.status?.containerStatuses?.[0]?.restartCount ?? 0) >= 1);
      assert.equal(pod?.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 143);
    }),
);

isolatedTest(
  "tokens, labels and identity are given as the pod asks",
  url,
  (place) =>
    withNode(async ({ client, create, phase, logs }) => {
      await client.create(SERVICE_ACCOUNTS, { metadata: { name: "web", namespace: "shop" } });
      await create("who", {
        restartPolicy: "Never",
        serviceAccountName: "web",
        volumes: [{
          name: "tokens",
          projected: { sources: [{ serviceAccountToken: { path: "token", audience: "identity.l5d.io" } }] },
        }, {
          name: "info",
          downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] },
        }],
        containers: [{
          name: "app",
          ...shell(
            "cat /var/run/secrets/tokens/token; echo -n ' '; cat /podinfo/labels; echo; id -u; grep CapAmb /proc/self/status",
          ),
          volumeMounts: [{ name: "tokens", mountPath: "/var/run/secrets/tokens" }, {
            name: "info",
            mountPath: "/podinfo",
          }],
          securityContext: { runAsUser: 2102, runAsGroup: 2102, capabilities: { add: ["NET_ADMIN"] } },
        }],
      }, { app: "who" });
      await phase("who", "Succeeded");
      const lines = (await logs("who")).split("\n");
      const [token = "", label] = lines[0]!.split(" ");
      assert.equal(label, 'app="who"');
      const spec = { token, audiences: ["identity.l5d.io"] };
      const review = await client.create(TOKEN_REVIEWS, { metadata: {}, spec });
      assert.equal(review.status?.authenticated, true);
      assert.equal(review.status?.user?.username, "system:serviceaccount:shop:web");
      assert.equal(
        lines[1],
        place === "root" ? "2102" : "0",
        "where one user exists, the container keeps it",
      );
      if (place === "root") assert.equal(parseInt(lines[2]!.split(":")[1]!.trim(), 16), 1 << 12 | 1 << 2);
    }),
);

isolatedTest("a mapped image and a built-in command run in the pod's network", url, () => {
  const seen: string[] = [];
  const images: ImageMap = {
    images: { "demo/echo": ["sh", "-c", 'echo "$0 $@"'] },
    commands: {
      "/usr/lib/builtin": (args, write) => {
        seen.push(...args);
        write(
          Deno.readTextFileSync("/proc/thread-self/net/fib_trie").includes("10.42.0.2")
            ? "in the pod"
            : "outside",
        );
        return 0;
      },
    },
  };
  return withNode(async ({ create, phase, logs }) => {
    await create("mapped", {
      restartPolicy: "Never",
      initContainers: [{ name: "init", command: ["/usr/lib/builtin", "--flag"] }],
      containers: [{ name: "app", image: "registry:5000/demo/echo:v1", args: ["a", "$(HOSTNAME)"] }],
    });
    await phase("mapped", "Succeeded");
    assert.deepEqual(seen, ["--flag"]);
    assert.equal(await logs("mapped", "init"), "in the pod\n");
    assert.equal(await logs("mapped", "app"), "a mapped\n");
  }, images);
});
