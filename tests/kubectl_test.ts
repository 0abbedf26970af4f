/**
 * The laptop cluster through a real kubectl: $KUBECTL, .cache/bin/kubectl (tools/kubectl.ts builds it), or the PATH's.
 */
import assert from "node:assert/strict";
import { startTestCluster, type TestCluster, until } from "../src/local/controllers/test_cluster.ts";
import { DEPLOYMENTS, PODS } from "../src/kube/kinds.ts";
import { findKubectl, NO_KUBECTL } from "./kubectl.ts";

const kubectl = findKubectl();

interface Ran {
  code: number;
  out: string;
  err: string;
}

interface Shell {
  cluster: TestCluster;
  /** Runs kubectl; must succeed. */
  run(args: string, input?: string): Promise<string>;
  /** Runs kubectl; must fail. */
  refuse(args: string, input?: string): Promise<string>;
  spawn(args: string): Deno.ChildProcess;
}

async function withShell(use: (shell: Shell) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "kubectl-test-" });
  const encoder = new TextEncoder();
  const cluster = await startTestCluster({
    tcp: [{ hostname: "127.0.0.1", port: 0 }],
    readLogs: (namespace, pod, container, options) =>
      new ReadableStream({
        start(controller) {
          const lines = [`${namespace}/${pod}/${container} one`, "two", "three"];
          for (const line of lines.slice(-(options.tailLines ?? 3))) {
            controller.enqueue(encoder.encode(`${line}\n`));
          }
          if (!options.follow) return controller.close();
          controller.enqueue(encoder.encode("following\n"));
          options.signal.addEventListener("abort", () => {
            // The reader is gone; the stream ends with it.
          });
        },
      }),
  });
  const configuration = `${directory}/config`;
  const url = `https://127.0.0.1:${cluster.server.addresses[0]!.port}`;
  await Deno.writeTextFile(configuration, cluster.server.adminKubeconfig(url));
  const command = (args: string, stdin: "piped" | "null") =>
    new Deno.Command(kubectl!, {
      args: ["--cache-dir", `${directory}/cache`, ...split(args)],
      env: { KUBECONFIG: configuration, HOME: directory },
      stdin,
      stdout: "piped",
      stderr: "piped",
    });
  const run = async (args: string, input?: string): Promise<Ran> => {
    const child = command(args, input === undefined ? "null" : "piped").spawn();
    if (input !== undefined) {
      const writer = child.stdin.getWriter();
      await writer.write(encoder.encode(input));
      await writer.close();
    }
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
  };
  try {
    await use({
      cluster,
      run: async (args, input) => {
        const { code, out, err } = await run(args, input);
        assert.equal(code, 0, `kubectl ${args}\n${out}${err}`);
        return out + err;
      },
      refuse: async (args, input) => {
        const { code, out, err } = await run(args, input);
        assert.notEqual(code, 0, `kubectl ${args} succeeded\n${out}`);
        return err;
      },
      spawn: (args) => command(args, "null").spawn(),
    });
  } finally {
    await cluster.stop();
    await Deno.remove(directory, { recursive: true });
  }
}

/** Words, and what stands in single quotes as one. */
function split(text: string): string[] {
  return [...text.matchAll(/(?:[^\s']|'[^']*')+/g)].map(([word]) => word.replaceAll("'", ""));
}

function test(sentence: string, use: (shell: Shell) => Promise<void>): void {
  const missing = kubectl === undefined ? ` (${NO_KUBECTL})` : "";
  Deno.test({ name: sentence + missing, ignore: kubectl === undefined, fn: () => withShell(use) });
}

const WEB = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { app: web } }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
      - name: web
        image: web:1
        ports: [{ name: http, containerPort: 8080 }]
        readinessProbe: { httpGet: { path: /ready, port: http } }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  selector: { app: web }
  ports: [{ port: 80, targetPort: http }]
`;

async function applyWeb({ cluster, run }: Shell): Promise<void> {
  await run("apply -f -", WEB);
  await until(cluster, "web is available", async () => {
    const { status } = await cluster.client.get(DEPLOYMENTS, "web", "default");
    return status?.availableReplicas === 2;
  });
}

test("kubectl get prints the columns people know", async (shell) => {
  await applyWeb(shell);
  const { run } = shell;
  assert.match(
    await run("get deployments"),
    /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +2\/2 +2 +2 +\d+s/,
  );
  assert.match(
    await run("get pods -o wide"),
    /^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES\nweb-\S+ +1\/1 +Running +0 +\S+ +10\.42\.\S+ +laptop +<none> +<none>/,
  );
  assert.match(await run("get services web"), /web +ClusterIP +10\.43\.\S+ +<none> +80\/TCP/);
  assert.match(await run("get namespaces"), /default +Active/);
  assert.match(await run("get endpointslices"), /IPv4 +8080 +10\.42\.\S+,10\.42\.\S+/);
  const all = await run("get all");
  for (const name of ["pod/web-", "service/web", "deployment.apps/web", "replicaset.apps/web-"]) {
    assert.ok(all.includes(name), all);
  }
  assert.match(await run("get pods -l app=web -o name"), /^pod\/web-\S+\npod\/web-\S+\n$/);
  assert.match(await run("get pods --field-selector status.phase=Pending"), /No resources found/);
  assert.equal(await run("get deployment web -o jsonpath='{.spec.replicas}'"), "2");
  assert.match(await run("get pods -A --sort-by=.metadata.name"), /NAMESPACE +NAME/);
});

test("kubectl apply creates, leaves alone, changes, and prunes what is no longer said", async ({ run }) => {
  assert.match(await run("apply -f -", WEB), /deployment.apps\/web created\nservice\/web created/);
  assert.match(await run("apply -f -", WEB), /deployment.apps\/web unchanged\nservice\/web unchanged/);
  const changed = WEB.replace("replicas: 2", "replicas: 3").replace(", labels: { app: web }", "");
  assert.match(await run("apply -f -", changed), /deployment.apps\/web configured/);
  assert.equal(
    await run("get deployment web -o jsonpath='{.spec.replicas} {.metadata.labels}'"),
    "3 ",
  );
});

test("kubectl apply refuses fields nobody knows and values that are wrong, by name", async ({ refuse }) => {
  assert.match(
    await refuse("apply -f -", WEB.replace("replicas:", "replicaz:")),
    /strict decoding error: unknown field "spec.replicaz"/,
  );
  assert.match(
    await refuse("apply -f -", WEB.replace("name: web\n        image", "name: Web\n        image")),
    /spec.template.spec.containers\[0\].name: Invalid value: "Web"/,
  );
  assert.match(
    await refuse("apply -f -", "kind: Nothing\napiVersion: v1\nmetadata: {name: x}\n"),
    /no matches/,
  );
});

test("kubectl apply --server-side owns fields, and another manager meets a conflict", async ({ run, refuse }) => {
  assert.match(await run("apply --server-side -f -", WEB), /deployment.apps\/web serverside-applied/);
  const changed = WEB.replace("web:1", "web:2");
  const conflict = await refuse("apply --server-side --field-manager=other -f -", changed);
  assert.match(conflict, /conflict with "kubectl".*\.spec\.template\.spec\.containers\[name="web"\]\.image/s);
  await run("apply --server-side --field-manager=other --force-conflicts -f -", changed);
  assert.equal(
    await run("get deployment web -o jsonpath='{.spec.template.spec.containers[0].image}'"),
    "web:2",
  );
  assert.match(await run("get deployment web -o yaml --show-managed-fields"), /manager: other/);
});

test("a client-side apply goes over into a server-side one", async ({ run }) => {
  await run("apply -f -", WEB);
  await run("apply --server-side -f -", WEB.replace("replicas: 2", "replicas: 1"));
  assert.equal(await run("get deployment web -o jsonpath='{.spec.replicas}'"), "1");
});

test("kubectl delete waits until everything is gone", async (shell) => {
  await applyWeb(shell);
  const { cluster, run } = shell;
  const out = await run("delete deployment,service web --cascade=foreground");
  assert.match(out, /deployment.apps "web" deleted/);
  assert.equal((await cluster.client.list(PODS)).items.length, 0);
  await run("create -f -", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n");
  await run("delete namespace shop");
  assert.match(await shell.refuse("get namespace shop"), /NotFound/);
});

test("kubectl logs reads, tails and follows", async (shell) => {
  await applyWeb(shell);
  const { run, spawn } = shell;
  assert.match(await run("logs deployment/web"), /default\/web-\S+\/web one\ntwo\nthree\n/);
  assert.match(await run("logs -l app=web --prefix --tail=1"), /\[pod\/web-\S+\/web\] three/);
  const child = spawn("logs -f --tail=1 deployment/web");
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("following")) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
  }
  child.kill("SIGTERM");
  await reader.cancel();
  await child.stderr.cancel();
  await child.status;
  assert.match(text, /three\nfollowing\n/);
});

test("kubectl wait sees conditions, values and deletions", async (shell) => {
  const { run } = shell;
  await run("apply -f -", WEB);
  assert.match(await run("wait --for=condition=Available deployment/web --timeout=10s"), /condition met/);
  assert.match(await run("wait --for=condition=Ready pod -l app=web --timeout=10s"), /condition met/);
  assert.match(
    await run("wait --for=jsonpath='{.status.readyReplicas}'=2 deployment/web --timeout=10s"),
    /condition met/,
  );
  const waiting = run("wait --for=delete deployment/web --timeout=10s");
  await run("delete deployment web");
  await waiting;
});

test("kubectl rollout: status, restart, history, undo, pause, resume", async (shell) => {
  const { run, cluster } = shell;
  await run("apply -f -", WEB);
  assert.match(await run("rollout status deployment/web --timeout=10s"), /successfully rolled out/);
  await run("set image deployment/web web=web:2");
  await run("rollout status deployment/web --timeout=10s");
  assert.match(await run("rollout history deployment/web"), /REVISION +CHANGE-CAUSE\n1 .*\n2 /);
  await run("rollout undo deployment/web");
  await run("rollout status deployment/web --timeout=10s");
  const { spec, metadata } = await cluster.client.get(DEPLOYMENTS, "web", "default");
  assert.equal(spec!.template.spec!.containers[0]!.image, "web:1");
  assert.equal(metadata!.annotations!["deployment.kubernetes.io/revision"], "3");
  await run("rollout restart deployment/web");
  await run("rollout status deployment/web --timeout=10s");
  await run("rollout pause deployment/web");
  await run("rollout resume deployment/web");
});

test("kubectl scale, label, annotate, patch and replace", async (shell) => {
  await applyWeb(shell);
  const { run, cluster, refuse } = shell;
  await run("scale deployment/web --replicas=4");
  await until(
    cluster,
    "four pods are there",
    async () => (await cluster.client.list(PODS)).items.length === 4,
  );
  assert.match(await refuse("scale deployment/web --current-replicas=9 --replicas=1"), /Expected replicas/);
  await run("label deployment web tier=front");
  await run("annotate deployment web note=yes");
  assert.match(await refuse("label deployment web tier=back"), /already has a value/);
  await run("label deployment web tier-");
  await run(`patch deployment web --type=json -p '[{"op":"replace","path":"/spec/replicas","value":1}]'`);
  await run(`patch deployment web -p '{"spec":{"paused":true}}'`);
  assert.equal(
    await run(
      "get deployment web -o jsonpath='{.spec.replicas} {.spec.paused} {.metadata.annotations.note}'",
    ),
    "1 true yes",
  );
  const yaml = await run("get service web -o yaml");
  await run("replace -f -", yaml.replace("port: 80\n", "port: 81\n"));
  assert.equal(await run("get service web -o jsonpath='{.spec.ports[0].port}'"), "81");
});

test("kubectl describe tells of pods, deployments, services and their events", async (shell) => {
  await applyWeb(shell);
  const { run } = shell;
  assert.match(await run("describe deployment web"), /ScalingReplicaSet.*Scaled up replica set web-/);
  const pod = await run("describe pod -l app=web");
  assert.match(pod, /Controlled By: +ReplicaSet\/web-/);
  assert.match(pod, /Node: +laptop/);
  assert.match(await run("describe service web"), /Endpoints: +10\.42\.\S+:8080,10\.42\.\S+:8080/);
  assert.match(await run("events"), /ScalingReplicaSet/);
});

const CRD = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: things.example.com }
spec:
  group: example.com
  scope: Namespaced
  names: { plural: things, kind: Thing, shortNames: [th] }
  versions:
  - name: v1
    served: true
    storage: true
    subresources: { status: {} }
    additionalPrinterColumns:
    - { name: Size, type: integer, jsonPath: .spec.size }
    - { name: Age, type: date, jsonPath: .metadata.creationTimestamp }
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            description: What is wanted.
            required: [size]
            properties:
              size: { type: integer, minimum: 1, description: How big. }
`;

test("kubectl works with custom resources as with built-in ones", async ({ run, refuse }) => {
  await run("apply -f -", CRD);
  await run("wait --for=condition=established crd/things.example.com --timeout=10s");
  const thing = "apiVersion: example.com/v1\nkind: Thing\nmetadata: { name: a }\nspec: { size: 3 }\n";
  assert.match(await run("apply -f -", thing), /thing.example.com\/a created/);
  assert.match(await run("apply -f -", thing), /unchanged/);
  assert.match(await run("get th"), /^NAME +SIZE +AGE\na +3 +\d+s/);
  assert.match(
    await refuse("apply -f -", thing.replace("size: 3", "size: 0")),
    /spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1/,
  );
  assert.match(
    await refuse("apply -f -", thing.replace("size: 3", "size: 3, color: red")),
    /unknown field "spec.color"/,
  );
  assert.match(await run("explain thing.spec"), /size.*<integer>.*-required-.*How big/s);
  await run("delete crd things.example.com");
  assert.match(await refuse("get things"), /could not find the requested resource/);
});

test("kubectl get --watch prints changes as they come", async (shell) => {
  await applyWeb(shell);
  const { run, spawn } = shell;
  const child = spawn("get deployment web --watch --output-watch-events");
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const see = async (pattern: RegExp) => {
    while (!pattern.test(text)) {
      const { value, done } = await reader.read();
      if (done) break;
      text += value;
    }
    assert.match(text, pattern);
  };
  await see(/ADDED +web +2\/2/);
  await run("scale deployment/web --replicas=3");
  await see(/MODIFIED +web +3\/3/);
  child.kill("SIGTERM");
  await reader.cancel();
  await child.stderr.cancel();
  await child.status;
});

test("kubectl asks what there is, what differs, and what is allowed", async (shell) => {
  await applyWeb(shell);
  const { run } = shell;
  assert.match(await run("api-resources"), /deployments +deploy +apps\/v1 +true +Deployment/);
  assert.match(await run("api-versions"), /discovery.k8s.io\/v1/);
  assert.match(await run("version"), /Server Version: .*v1\.35/);
  assert.match(await run("explain deployment.spec.strategy"), /rollingUpdate/);
  assert.equal(await run("get --raw /healthz"), "ok");
  assert.match(await run("apply --dry-run=server -f -", WEB), /unchanged \(server dry run\)/);
  const diff = await shell.refuse("diff -f -", WEB.replace("replicas: 2", "replicas: 5"));
  assert.equal(diff, "");
});

test("kubectl create, run, expose and auth, which send protobuf", async (shell) => {
  const { run, cluster } = shell;
  assert.match(await run("create namespace shop"), /namespace\/shop created/);
  assert.match(await run("create deployment web --image=web:1 --replicas=2 --port=8080"), /created/);
  await run("rollout status deployment/web --timeout=10s");
  const { spec } = await cluster.client.get(DEPLOYMENTS, "web", "default");
  assert.equal(spec!.replicas, 2);
  assert.equal(spec!.template.spec!.containers[0]!.ports![0]!.containerPort, 8080);
  assert.match(await run("expose deployment web --port=80 --target-port=8080"), /service\/web exposed/);
  assert.match(await run("get service web"), /10\.43\.\S+ +<none> +80\/TCP/);
  await run("create configmap settings --from-literal=color=red");
  await run("create secret generic keys --from-literal=key=open");
  assert.equal(await run("get configmap settings -o jsonpath='{.data.color}'"), "red");
  assert.equal(await run("get secret keys -o jsonpath='{.data.key}'"), btoa("open"));
  await run("create serviceaccount app");
  assert.match(await run("create token app --duration=20m"), /^eyJ/);
  await run("create role reader --verb=get,list --resource=pods");
  await run("create rolebinding reader --role=reader --serviceaccount=default:app");
  await run("run single --image=web:1 --env=A=b --restart=Never");
  await run("wait --for=condition=Ready pod/single --timeout=10s");
  await run("create job once --image=web:1 -- /bin/true");
  assert.match(await run("get jobs"), /once +Running +0\/1/);
  assert.match(await run("auth can-i create pods"), /^yes/);
  assert.match(await run("auth whoami"), /Username +kubernetes-admin/);
  await run("create poddisruptionbudget web --selector=app=web --min-available=1");
  assert.match(await run("cordon laptop").catch((error) => String(error)), /nodes "laptop" not found/);
});
