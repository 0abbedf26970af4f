/** Requests of the demo shop, one by one: from a user's command line to the proxies and back. */
import { deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import { NAMESPACES, SERVICE_ACCOUNTS, type TokenRequest } from "../../src/kube/kinds.ts";
import { readLines } from "../../src/kube/lines.ts";
import { isolationObstacle } from "../../src/linux/unshare.ts";
import { waitForWorkloads } from "../../src/local/workloads.ts";
import type { TapEventRecord } from "../../src/mesh/tap.ts";
import { LINKERD } from "./linkerd.ts";
import { type LocalCluster, localUp } from "./local_cluster.ts";
import { shopText } from "./meshed_shop.ts";
import { PATIENCE_MS, until } from "./until.ts";

const obstacle = isolationObstacle();
if (obstacle !== undefined) console.log(`the end-to-end test of taps is skipped: ${obstacle}`);

/** Runs `linkerd tap ...words` and reads its lines until `isEnough`; then ends it. */
async function tapUntil(
  { kubeconfig }: LocalCluster,
  words: string,
  isEnough: (lines: readonly string[]) => boolean,
): Promise<readonly string[]> {
  const [program = "", ...args] = [...LINKERD, "tap", ...words.split(" ")];
  const env = { KUBECONFIG: kubeconfig }, lines: string[] = [];
  const child = new Deno.Command(program, { args, env, stdin: "null", stdout: "piped", stderr: "piped" })
    .spawn();
  const said = new Response(child.stderr).text();
  const giveUp = setTimeout(() => child.kill("SIGTERM"), PATIENCE_MS);
  try {
    for await (const line of readLines(child.stdout)) {
      lines.push(line);
      if (isEnough(lines)) return lines;
    }
  } finally {
    clearTimeout(giveUp);
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended by itself: what it said is told below.
    }
    await child.status;
  }
  throw new Error(`linkerd tap ${words} ended after ${lines.length} lines: ${await said}`);
}

/** Tells apart the requests of one tap. */
function idOf(event: TapEventRecord): string {
  const { id } = event.requestInitEvent ?? event.responseInitEvent ?? event.responseEndEvent!;
  return `${event.proxyDirection} ${event.source.ip} ${event.destination.ip} ${id.base}:${id.stream}`;
}

/** The events of the first request that `isWanted` and that is told to its end. */
function wholeRequest(
  lines: readonly string[],
  isWanted: (event: TapEventRecord) => boolean,
): TapEventRecord[] | undefined {
  const events = lines.map((line) => JSON.parse(line) as TapEventRecord);
  for (const first of events.filter((event) => event.requestInitEvent !== undefined && isWanted(event))) {
    const all = events.filter((event) => idOf(event) === idOf(first));
    if (all.some(({ responseEndEvent }) => responseEndEvent !== undefined)) return all;
  }
  return undefined;
}

const API = "/api/v1/namespaces/linkerd/services/metrics-api:8080/proxy/api/v1";

/** What metrics-api answers to somebody who may tap. */
async function statusOf({ client }: LocalCluster): Promise<number> {
  const body = { spec: { audiences: ["tap.linkerd.io"] } };
  const { status } = await client.createSubresource<TokenRequest>(
    SERVICE_ACCOUNTS,
    "metrics-api",
    "linkerd",
    "token",
    body,
  );
  const response = await client.raw("GET", `${API}/tap?kind=statefulset&namespace=shop`, {
    headers: { "l5d-tap-token": status!.token },
  });
  await response.body?.cancel();
  return response.status;
}

const STORIES: readonly (readonly [string, (cluster: LocalCluster) => Promise<void>])[] = [
  ["both sides of a request are told, with the names of their pods and its headers", async (cluster) => {
    const isPaying = ({ requestInitEvent, proxyDirection }: TapEventRecord) =>
      proxyDirection === "OUTBOUND" && requestInitEvent?.path === "/pay";
    const isVisit = ({ requestInitEvent, proxyDirection }: TapEventRecord) =>
      proxyDirection === "INBOUND" && requestInitEvent?.authority === "web";
    const lines = await tapUntil(
      cluster,
      "deploy/web -n shop -o json",
      (lines) => wholeRequest(lines, isPaying) !== undefined && wholeRequest(lines, isVisit) !== undefined,
    );
    const [asked, answered, ended] = wholeRequest(lines, isPaying)!;
    equal(asked!.requestInitEvent!.method, "POST");
    equal(asked!.source.metadata.deployment, "web");
    equal(asked!.destination.metadata.deployment, "payment");
    equal(asked!.destination.metadata.tls, "true");
    match(asked!.destination.metadata.server_id ?? "", /^payment\.shop\.serviceaccount\.identity\./);
    ok(asked!.requestInitEvent!.headers.some(({ name }) => name === "user-agent"));
    ok([200, 503].includes(answered!.responseInitEvent!.httpStatus));
    ok(ended!.responseEndEvent!.responseBytes > 0);
    const [visit] = wholeRequest(lines, isVisit)!;
    match(visit!.source.metadata.client_id ?? "", /^load\.shop\./);
    equal(visit!.destination.metadata.deployment, "web");
  }],

  ["filters are kept by the proxies, and lines are Linkerd's", async (cluster) => {
    const lines = await tapUntil(cluster, "ns/shop --to svc/cart --path /add", (lines) => lines.length >= 9);
    for (const line of lines) {
      match(line, /^(req|rsp|end) id=\d+:\d+ proxy=out src=[\d.]+:\d+ dst=[\d.]+:8080 tls=true /);
    }
    for (const line of lines.filter((line) => line.startsWith("req"))) match(line, / :path=\/add/);
  }],

  ["what is asked most is added up", async (cluster) => {
    const rows = await until(
      "the shop is busy",
      async () =>
        JSON.parse(await cluster.ok("top sts/catalog -n shop --duration 3s -o json")) as {
          method: string;
          path: string;
          count: number;
          success: number;
        }[],
      (rows) => rows.some(({ path }) => path === "/goods"),
    );
    const row = rows.find(({ path }) => path === "/goods")!;
    deepEqual([row.method, row.count > 0, row.success], ["GET", true, row.count]);
  }],

  ["who shows no token taps nothing, whoever may ask for figures", async ({ client }) => {
    equal((await client.raw("GET", `${API}/stat?kind=deployment`)).status, 200);
    const refused = await client.raw("GET", `${API}/tap?kind=deployment&name=web&namespace=shop`);
    equal(refused.status, 403);
    equal((await refused.json()).error.code, "tap-forbidden");
  }],

  [
    "the dashboard shows calls, being known by its proxy, and nobody else is taken for it",
    async (cluster) => {
      const { client, state: { dashboardPort } } = cluster;
      const page = `http://127.0.0.1:${dashboardPort}/namespaces/shop/deployments/web`;
      match(await (await fetch(page)).text(), /linkerd tap deploy\/web -n shop/);
      const stopped = new AbortController();
      const response = await fetch(`${page}/calls`, { signal: stopped.signal });
      let text = "";
      for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
        text += part;
        if ((text.match(/^event: call$/gm)?.length ?? 0) >= 5 || /^event: fault$/m.test(text)) break;
      }
      stopped.abort();
      doesNotMatch(text, /event: fault/);
      match(text, /"direction":"(in|out)bound".*"isMtls":true/);
      const headers = { "l5d-client-id": "web.linkerd.serviceaccount.identity.linkerd.cluster.local" };
      const refused = await client.raw("GET", `${API}/tap?kind=deployment&name=web&namespace=shop`, {
        headers,
      });
      await refused.body?.cancel();
      equal(refused.status, 403);
    },
  ],

  ["a namespace that forbids taps is not tapped, and is told as such", async (cluster) => {
    const annotate = (value: string | null) =>
      cluster.client.patch(NAMESPACES, "shop", undefined, {
        metadata: { annotations: { "viz.linkerd.io/disable-tap": value } },
      }, { type: "merge" });
    await annotate("true");
    await until("metrics-api has heard of it", () => statusOf(cluster), (status) => status === 400);
    const { code, stdout } = await cluster.linkerd("tap sts/catalog -n shop -o json");
    const { error } = JSON.parse(stdout);
    deepEqual([code, error.code], [1, "tap-disabled"]);
    match(error.detail, /shop\/catalog-0: viz\.linkerd\.io\/disable-tap/);
    await annotate(null);
    match(await cluster.ok("list -n shop"), /^Pods with tap enabled:\n\t\* cart-/);
  }],
];

Deno.test({
  name: "requests are watched one by one, from the command line to the proxies",
  ignore: obstacle !== undefined,
  fn: async (test) => {
    const cluster = await localUp();
    try {
      await cluster.apply(shopText());
      await waitForWorkloads(cluster.client, "shop", { timeoutMs: PATIENCE_MS });
      for (const [name, story] of STORIES) await test.step(name, () => story(cluster));
      await cluster.down();
    } finally {
      await cluster.end();
    }
  },
});
