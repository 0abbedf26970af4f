/**
 * What users, programs and strangers get wrong, against a whole mesh under load: each refused with the reason, counted
 * where there is a counter, and nobody else's loss.
 */
import { equal, match, ok } from "node:assert/strict";
import { createAuthority } from "../../src/control/identity/authority.ts";
import { DEPLOYMENTS, EVENTS, PODS } from "../../src/kube/kinds.ts";
import { isolationObstacle } from "../../src/linux/unshare.ts";
import type { Cluster } from "../../src/local/cluster/cluster.ts";
import { findKubectl, NO_KUBECTL } from "../kubectl.ts";
import { kubeconfigOf, runLinkerd, runProgram } from "./linkerd.ts";
import { more, readCounts, SHOP, startMeshedShop } from "./meshed_shop.ts";
import { connectRaw, exchange, handshake } from "./raw_connection.ts";
import { until } from "./until.ts";

const obstacle = isolationObstacle(), kubectl = findKubectl();
if (obstacle === undefined && kubectl === undefined) {
  console.log(`kubectl's part of bad input is ${NO_KUBECTL}`);
}

const POD = (annotations: string) =>
  `apiVersion: v1
kind: Pod
metadata:
  name: odd
  namespace: shop
  annotations: { linkerd.io/inject: enabled, ${annotations} }
spec:
  containers: [{ name: odd, image: linkerd-deno/demo, args: [store] }]
`;
const policy = (kind: string, version: string, spec: string) =>
  `apiVersion: policy.linkerd.io/${version}
kind: ${kind}
metadata: { name: odd, namespace: shop }
spec: ${spec}
`;

/** Manifests that are wrong, where they go, and what is said. */
const MANIFESTS: readonly (readonly [string, string, string, RegExp])[] = [
  [
    "YAML that does not parse",
    "/api/v1/namespaces/shop/pods",
    "apiVersion: v1\nkind: [Pod\n",
    /yaml|YAML|flow/,
  ],
  [
    "a kind that does not exist",
    "/apis/policy.linkerd.io/v1beta3/namespaces/shop/servrs",
    policy("Servr", "v1beta3", "{ port: 80, podSelector: {} }"),
    /could not find the requested resource|no matches for kind "Servr"/,
  ],
  [
    "a field that no Pod has",
    "/api/v1/namespaces/shop/pods",
    POD("").replace("spec:", "spec:\n  restartPolizy: Never"),
    /unknown field "?(spec\.)?restartPolizy|\.spec\.restartPolizy: field not declared/,
  ],
  [
    "a field that no Server has",
    "/apis/policy.linkerd.io/v1beta3/namespaces/shop/servers",
    policy("Server", "v1beta3", "{ port: 80, podSelector: {}, protokol: HTTP/1 }"),
    /unknown field "?(spec\.)?protokol|\.spec\.protokol: field not declared/,
  ],
  [
    "a value that no Server has",
    "/apis/policy.linkerd.io/v1beta3/namespaces/shop/servers",
    policy("Server", "v1beta3", "{ port: 80, podSelector: {}, proxyProtocol: HTTP/3 }"),
    /spec\.proxyProtocol: Unsupported value: "HTTP\/3"/,
  ],
  [
    "a Server without its port",
    "/apis/policy.linkerd.io/v1beta3/namespaces/shop/servers",
    policy("Server", "v1beta3", "{ podSelector: {} }"),
    /spec\.port: Required value/,
  ],
  [
    "an AuthorizationPolicy whose target has no name",
    "/apis/policy.linkerd.io/v1alpha1/namespaces/shop/authorizationpolicies",
    policy("AuthorizationPolicy", "v1alpha1", "{ targetRef: { kind: Server, group: policy.linkerd.io } }"),
    /spec\.targetRef\.name: Required value/,
  ],
  [
    "a policy annotation that is none",
    "/api/v1/namespaces/shop/pods",
    POD("config.linkerd.io/default-inbound-policy: denny"),
    /default-inbound-policy: "denny" is not understood, it takes one of/,
  ],
  [
    "a port annotation that is none",
    "/api/v1/namespaces/shop/pods",
    POD('config.linkerd.io/admin-port: "99999"'),
    /admin-port: "99999" is not understood, it takes a number from 1 to 65535/,
  ],
  [
    "environment that is no JSON",
    "/api/v1/namespaces/shop/pods",
    POD("config.linkerd.io/proxy-additional-env: nope"),
    /proxy-additional-env: "nope" is not understood, it takes a JSON list/,
  ],
];

/** POSTs YAML as kubectl does when it validates strictly. */
async function post(
  { client }: Cluster,
  path: string,
  text: string,
): Promise<{ status: number; text: string }> {
  const response = await client.raw("POST", `${path}?fieldValidation=Strict`, {
    body: text,
    headers: { "content-type": "application/yaml" },
  });
  return { status: response.status, text: await response.text() };
}

async function expectRefusals(cluster: Cluster): Promise<void> {
  for (const [what, path, text, said] of MANIFESTS) {
    const answer = await post(cluster, path, text);
    ok(answer.status >= 400 && answer.status < 500, `${what}: HTTP ${answer.status} ${answer.text}`);
    const { kind, message } = JSON.parse(answer.text);
    equal(kind, "Status", what);
    ok(said.test(message), `${what}: ${message}`);
    if (kubectl === undefined) continue;
    const argv = [kubectl, "--cache-dir", `${cluster.directory}/cache`, "apply", "--server-side", "-f", "-"];
    const env = { KUBECONFIG: kubeconfigOf(cluster) };
    const { code, stderr } = await runProgram(argv, { input: text, env });
    equal(code, 1, `kubectl, ${what}`);
    ok(said.test(stderr), `kubectl, ${what}: ${stderr}`);
  }
  equal(
    (await cluster.client.list(PODS, { namespace: SHOP, fieldSelector: "metadata.name=odd" })).items.length,
    0,
  );
}

/** Where nobody validates strictly, an unknown field is left out, with a warning: as in Kubernetes. */
async function expectPruning({ client }: Cluster): Promise<void> {
  const path = "/apis/policy.linkerd.io/v1beta3/namespaces/shop/servers";
  const response = await client.raw("POST", `${path}?fieldValidation=Warn`, {
    body: policy(
      "Server",
      "v1beta3",
      "{ port: 9999, podSelector: { matchLabels: { no: pod } }, protokol: x }",
    ),
    headers: { "content-type": "application/yaml" },
  });
  const made = await response.json();
  equal(response.status, 201, JSON.stringify(made));
  match(response.headers.get("warning") ?? "", /unknown field \\"spec\.protokol\\"/);
  equal("protokol" in made.spec, false);
  await client.raw("DELETE", `${path}/odd`);
}

/** A workload whose template is wrong: the reason stands where people look. */
async function expectToldByWorkload({ client }: Cluster): Promise<void> {
  const labels = { app: "odd" };
  await client.create(DEPLOYMENTS, {
    metadata: { name: "odd", namespace: SHOP },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, annotations: { "config.linkerd.io/proxy-cpu-limit": "lots" } },
        spec: { containers: [{ name: "odd", image: "linkerd-deno/demo", args: ["store"] }] },
      },
    },
  });
  const { items } = await until(
    "an event tells why there are no pods",
    () => client.list(EVENTS, { namespace: SHOP }),
    ({ items }) => items.some(({ reason }) => reason === "FailedCreate"),
  );
  const event = items.find(({ reason }) => reason === "FailedCreate");
  equal(event?.involvedObject.kind, "ReplicaSet");
  match(event?.message ?? "", /proxy-cpu-limit: "lots" is not understood, it takes a quantity/);
  await client.delete(DEPLOYMENTS, "odd", SHOP);
}

/** The command line: file and line, or the value, and nothing on standard output. */
async function expectCommandLine(cluster: Cluster): Promise<void> {
  const kubeconfig = kubeconfigOf(cluster), file = `${cluster.directory}/broken.yaml`;
  await Deno.writeTextFile(file, "a: 1\n---\nkind: Pod\nmetadata: [x\n");
  const cases: readonly (readonly [readonly string[], string, RegExp])[] = [
    [["inject", file], "", /broken\.yaml:[45]: /],
    [["inject", "-"], "kind: Pod\n\tbad: tab\n", /:2: /],
    [["inject", "-"], "- a\n- list\n", /no Kubernetes object/],
    [["inject", "--proxy-cpu-limit", "lots", "-"], "kind: Pod\n", /--proxy-cpu-limit: "lots"/],
    [["install", "--values", file], "", /broken\.yaml/],
    [["upgrade", "--set", "proxy.uid=root"], "", /proxy\.uid: "root" is not a number/],
  ];
  for (const [args, input, said] of cases) {
    const { code, stdout, stderr } = await runLinkerd(kubeconfig, args, { input });
    equal(code, 2, `${args.join(" ")}: ${stderr}`);
    equal(stdout, "", args.join(" "));
    ok(said.test(stderr), `${args.join(" ")}: ${stderr}`);
  }
}

/** A counter of web's proxy, summed over the lines that hold `label`. */
async function counted({ client }: Cluster, metric: string, label: string): Promise<number> {
  const [web] = (await client.list(PODS, { namespace: SHOP, labelSelector: "app=web" })).items;
  const path = `/api/v1/namespaces/${SHOP}/pods/${web?.metadata?.name}:4191/proxy/metrics`;
  const lines = (await (await client.raw("GET", path)).text()).split("\n");
  return lines.filter((line) => line.startsWith(`${metric}{`) && line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

const HEADS: readonly (readonly [string, string, number])[] = [
  [
    "Content-Length beside Transfer-Encoding",
    "POST / HTTP/1.1\r\nhost: web\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    400,
  ],
  [
    "two Content-Lengths",
    "POST / HTTP/1.1\r\nhost: web\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    400,
  ],
  ["bare line feeds", "GET / HTTP/1.1\nhost: web\n\n", 400],
  ["a folded field", "GET / HTTP/1.1\r\nhost: web\r\nx: a\r\n b\r\n\r\n", 400],
  ["no Host", "GET / HTTP/1.1\r\n\r\n", 400],
  ["a head of 80 KB", `GET / HTTP/1.1\r\nhost: web\r\nx: ${"y".repeat(80_000)}\r\n\r\n`, 431],
  ["a target of 70 KB", `GET /${"y".repeat(70_000)} HTTP/1.1\r\nhost: web\r\n\r\n`, 414],
  ["a version of the future", "GET / HTTP/3.0\r\nhost: web\r\n\r\n", 505],
];

async function expectHeadsRefused(cluster: Cluster): Promise<void> {
  const before = await counted(cluster, "inbound_http_errors_total", "");
  for (const [what, text, status] of HEADS) {
    const answer = await exchange(await connectRaw(cluster, SHOP, "web", 80), text);
    equal(answer.split("\r\n")[0]?.split(" ")[1], String(status), `${what}: ${answer.slice(0, 200)}`);
  }
  equal(await counted(cluster, "inbound_http_errors_total", ""), before + HEADS.length);
}

const WEB = "web.shop.serviceaccount.identity.linkerd.cluster.local";

async function expectStrangersRefused(cluster: Cluster): Promise<void> {
  const before = await counted(cluster, "inbound_tcp_errors_total", 'error="tls"');
  const year = 365 * 86_400_000, now = Date.now();
  const strangers = [
    await createAuthority(WEB, { now, lifetimeMs: year }), // of nobody we know
    await createAuthority(WEB, { now: now - 2 * year, lifetimeMs: year }), // and expired
  ];
  for (const { certificatePem, keyPem } of strangers) {
    const socket = await connectRaw(cluster, SHOP, "web", 80);
    const end = await handshake(socket, { servername: WEB, cert: certificatePem, key: keyPem });
    ok(!end.includes("200"), end);
  }
  const hello = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
  // What only begins like TLS is given to the application, which speaks none: garbage in, nothing out.
  const garbage = await exchange(await connectRaw(cluster, SHOP, "web", 80), hello + "x".repeat(600));
  ok(!garbage.includes("200 OK"), garbage);
  await until(
    "the refusals are counted",
    () => counted(cluster, "inbound_tcp_errors_total", 'error="tls"'),
    (count) => count >= before + strangers.length,
  );
}

const STORIES: readonly (readonly [string, (cluster: Cluster) => Promise<void>])[] = [
  ["wrong manifests are refused by the API and told by kubectl", expectRefusals],
  ["unknown fields are pruned with a warning where nobody validates strictly", expectPruning],
  ["a workload whose pods are refused says why", expectToldByWorkload],
  ["the command line names file and line, or the value", expectCommandLine],
  [
    "malformed, smuggling and oversized heads get their status from a pod's port, and are counted",
    expectHeadsRefused,
  ],
  [
    "strangers' certificates and garbage get nothing from a pod's port, and are counted",
    expectStrangersRefused,
  ],
];

Deno.test({
  name: "bad input is refused with the reason, and the load never notices",
  ignore: obstacle !== undefined,
  async fn(test) {
    const cluster = await startMeshedShop();
    try {
      for (const [sentence, tell] of STORIES) await test.step(sentence, () => tell(cluster));
      await more(cluster, 200);
      const { unexpected, examples } = await readCounts(cluster);
      equal(unexpected, 0, examples.join("; "));
      for (const { metadata, status } of (await cluster.client.list(PODS, { namespace: SHOP })).items) {
        const all = [...status?.initContainerStatuses ?? [], ...status?.containerStatuses ?? []];
        equal(all.reduce((sum, { restartCount }) => sum + restartCount, 0), 0, `${metadata?.name} restarted`);
      }
    } finally {
      await cluster.stop();
    }
  },
});
