/** What a user looks at: calls as they pass, what the control plane would say, and the dashboard. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { SHOP } from "../../e2e/meshed_shop.ts";
import { until } from "../../e2e/until.ts";
import { LINKERD } from "../../e2e/linkerd.ts";
import { linkerd, withKubeconfig } from "../commands.ts";
import type { KubernetesCluster } from "../harness/cluster.ts";

async function seesCalls(cluster: KubernetesCluster): Promise<void> {
  const rows = JSON.parse(
    await linkerd(cluster, "top", "deploy/web", "-n", SHOP, "--duration", "3s", "-o", "json"),
  );
  ok(rows.length > 0, "no call of web was seen in 3 s");
}

/** Controllers' ports by way of API server, kubelet and container runtime. */
async function asksControllers(cluster: KubernetesCluster): Promise<void> {
  const name = `web.${SHOP}.svc.cluster.local:80`;
  const endpoints = JSON.parse(await linkerd(cluster, "diagnostics", "endpoints", name, "-o", "json"));
  ok(endpoints.length > 0 && endpoints.every(({ namespace }: { namespace: string }) => namespace === SHOP));
  match(await linkerd(cluster, "diagnostics", "policy", "-n", SHOP, "svc/web", "80"), /name: web/);
}

async function opensDashboard(cluster: KubernetesCluster): Promise<void> {
  const [program, ...args] = LINKERD;
  const child = new Deno.Command(program!, {
    args: [...args, "dashboard", "--address", "127.0.0.1", "--port", "0", "--show", "url"],
    env: await withKubeconfig(cluster),
    stdout: "piped",
  }).spawn();
  try {
    let said = "";
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    while (!said.includes("\n")) {
      const { done, value } = await reader.read();
      if (done) break;
      said += value;
    }
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0];
    ok(url !== undefined, said);
    const page = await until(
      "the dashboard answers",
      () => fetch(url).then((page) => page.text()),
      () => true,
    );
    match(page, /<title>.*<\/title>/s);
    ok(page.includes(SHOP), "the dashboard does not show the shop");
    child.kill("SIGINT");
    deepEqual([(await child.status).code, (await reader.read()).done], [0, true]);
  } finally {
    if ((await Promise.race([child.status, Promise.resolve(undefined)])) === undefined) child.kill("SIGKILL");
  }
}

export async function lookAround(cluster: KubernetesCluster): Promise<void> {
  await seesCalls(cluster);
  await asksControllers(cluster);
  await opensDashboard(cluster);
  equal(JSON.parse(await linkerd(cluster, "check", "-o", "json")).success, true);
}
