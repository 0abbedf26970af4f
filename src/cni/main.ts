/**
 * The process of the linkerd-cni DaemonSet: installs the plugin on its node, keeps it there, repairs pods that came
 * before it, and takes it away when it ends.
 *
 * Its settings come from the environment, filled in from ConfigMap linkerd-cni-config: DEST_CNI_NET_DIR,
 * DEST_CNI_BIN_DIR (as the node names them), CNI_NETWORK_CONFIG (the plugin's entry as JSON), NODE_NAME, and REPAIR.
 */
import { inClusterConfig } from "../kube/config.ts";
import { createHttpKubeClient } from "../kube/http_client.ts";
import type { PluginEntry } from "./conflist.ts";
import { Installer, type InstallerStatus } from "./installer.ts";
import { CNI_PORT } from "../mesh/cni_values.ts";
import { KUBECONFIG_FILE } from "./names.ts";
import { type Repair, startRepair } from "./repair.ts";

/** Where the node's directories are mounted. */
const HOST = "/host";
const HOME = "/usr/lib/linkerd";
const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
/** Changes are told by the kernel; this is for what it does not tell: a new token, a file changed in a mount. */
const SWEEP_MS = 10_000;
const SETTLE_MS = 100;

function setting(name: string, otherwise?: string): string {
  const value = Deno.env.get(name) ?? otherwise;
  if (value === undefined || value === "") throw new Error(`${name} is not set`);
  return value;
}

/** As JSON, which is YAML: the plugin reads it without loading a parser for the other spellings. */
function kubeconfig(): string {
  const host = setting("KUBERNETES_SERVICE_HOST"), port = setting("KUBERNETES_SERVICE_PORT", "443");
  const server = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const authority = btoa(Deno.readTextFileSync(`${SERVICE_ACCOUNT}/ca.crt`));
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "local", cluster: { server, "certificate-authority-data": authority } }],
    users: [{
      name: "linkerd-cni",
      user: { token: Deno.readTextFileSync(`${SERVICE_ACCOUNT}/token`).trim() },
    }],
    contexts: [{ name: "linkerd-cni-context", context: { cluster: "local", user: "linkerd-cni" } }],
    "current-context": "linkerd-cni-context",
  });
}

function libraryDirectory(): string {
  return `/usr/lib/${Deno.build.arch}-linux-gnu`;
}

function serve(status: () => InstallerStatus, repair: Repair | undefined): Deno.HttpServer {
  const metrics = () => {
    const { isReady, repairs } = status(), { deleted = 0, failed = 0 } = repair?.counts ?? {};
    return [
      "# TYPE linkerd_cni_installed gauge",
      `linkerd_cni_installed ${isReady ? 1 : 0}`,
      "# TYPE linkerd_cni_mended_total counter",
      `linkerd_cni_mended_total ${repairs}`,
      "# TYPE linkerd_cni_repair_controller_pods_deleted_total counter",
      `linkerd_cni_repair_controller_pods_deleted_total ${deleted}`,
      "# TYPE linkerd_cni_repair_controller_pods_delete_errors_total counter",
      `linkerd_cni_repair_controller_pods_delete_errors_total ${failed}`,
      "",
    ].join("\n");
  };
  return Deno.serve({ port: CNI_PORT, hostname: "0.0.0.0", onListen: () => {} }, ({ url }) => {
    const { pathname } = new URL(url);
    if (pathname === "/live") return new Response("ok\n");
    if (pathname === "/status") return Response.json(status());
    if (pathname === "/metrics") return new Response(metrics());
    if (pathname !== "/ready") return new Response("not found\n", { status: 404 });
    const { isReady, problem } = status();
    return isReady ? new Response("ok\n") : new Response(`${problem}\n`, { status: 503 });
  });
}

async function main(): Promise<void> {
  const log = (line: string) => console.error(`${new Date().toISOString()} linkerd-cni: ${line}`);
  const network = setting("DEST_CNI_NET_DIR"), binaries = setting("DEST_CNI_BIN_DIR");
  const entry = JSON.parse(setting("CNI_NETWORK_CONFIG")) as PluginEntry & { kubernetes?: object };
  const installer = new Installer({
    networkDirectory: { here: HOST + network, there: network },
    binaryDirectory: { here: HOST + binaries, there: binaries },
    program: { runtime: `${HOME}/deno`, libraries: libraryDirectory(), script: `${HOME}/cni-plugin.js` },
    entry: { ...entry, kubernetes: { ...entry.kubernetes, kubeconfig: `${network}/${KUBECONFIG_FILE}` } },
    kubeconfig,
    log,
  });
  let status = installer.sync();
  const client = createHttpKubeClient(inClusterConfig());
  const repair = setting("REPAIR", "true") === "true"
    ? startRepair(client, setting("NODE_NAME"), () => status.isReady, log)
    : undefined;
  const server = serve(() => status, repair);
  const sync = () => {
    status = installer.sync();
  };
  const sweep = setInterval(sync, SWEEP_MS);
  const watcher = Deno.watchFs([HOST + network, HOST + binaries], { recursive: false });
  (async () => {
    let settling: ReturnType<typeof setTimeout> | undefined;
    for await (const _ of watcher) {
      clearTimeout(settling);
      settling = setTimeout(sync, SETTLE_MS);
    }
  })().catch((error) =>
    log(`changes are no longer told, and looked for every ${SWEEP_MS / 1000} s: ${error}`)
  );
  const signal = await new Promise<string>((done) => {
    for (const name of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(name, () => done(name));
  });
  log(`${signal}: taking the plugin away`);
  clearInterval(sweep);
  watcher.close();
  repair?.stop();
  installer.remove();
  await server.shutdown();
}

if (import.meta.main) {
  await main();
  Deno.exit(0);
}
