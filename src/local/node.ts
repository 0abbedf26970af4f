/**
 * The laptop cluster's one machine: API server, controllers, network, DNS and pods in one process, which runs in
 * namespaces of its own (cluster/cluster.ts starts it there). When it ends, everything it made is gone with it.
 *
 *   node.ts DIRECTORY      sockets are made there; `{"ready":true}` on stdout says when they can be used
 */
import { startInformer } from "../kube/informer.ts";
import { ENDPOINT_SLICES, SERVICES } from "../kube/kinds.ts";
import { KubeError } from "../kube/client.ts";
import { runInit } from "../init/main.ts";
import { accessLog } from "./access_log.ts";
import { startApiServer } from "./api/server.ts";
import { startControllers } from "./controllers/start.ts";
import { NodeNetwork } from "./network/node_network.ts";
import { type NodeServices, startNodeServices } from "./pods/node_services.ts";
import { programs } from "./programs.ts";
import { serveRelay } from "./relay.ts";

const NODE_NAME = "laptop";

async function run(directory: string): Promise<void> {
  const report = (error: unknown) => console.error("node:", error instanceof Error ? error.stack : error);
  const network = new NodeNetwork();
  const started: { node?: NodeServices } = {};
  const api = await startApiServer({
    tcp: [{ hostname: "10.43.0.1", port: 443 }],
    unix: [{ path: `${directory}/api.sock`, tls: true }],
    advertise: { hostname: network.nodeAddress, port: 443 },
    nodeName: NODE_NAME,
    authorization: "rbac",
    onAccess: accessLog(`${directory}/access.log`),
    readLogs: (namespace, pod, container, wish) => {
      if (started.node === undefined) {
        throw new KubeError(503, "ServiceUnavailable", "the node is still starting");
      }
      return started.node.runner.readLogs(namespace, pod, container, wish);
    },
    onError: report,
  });
  const { client } = api;
  const controllers = startControllers(api, { onError: report });
  const services = startInformer(client, SERVICES), slices = startInformer(client, ENDPOINT_SLICES);
  await Promise.all([controllers.synced, services.synced, slices.synced]);
  const podDirectory = `${directory}/run`;
  Deno.mkdirSync(podDirectory, { recursive: true });
  const { images, commands } = programs();
  const node = started.node = await startNodeServices({
    client,
    network,
    nodeName: NODE_NAME,
    directory: podDirectory,
    images: { images, commands: { ...commands, "/usr/lib/linkerd/linkerd2-proxy-init": runInit } },
    onError: report,
  });
  const relay = serveRelay(`${directory}/relay.sock`, services, slices);
  Deno.writeTextFileSync(`${directory}/token`, api.adminToken, { mode: 0o600 });
  Deno.writeTextFileSync(`${directory}/ca.crt`, api.caBundle);
  console.log(JSON.stringify({ ready: true }));
  // The end of our standard input is the end of whoever started us.
  await Deno.stdin.readable.pipeTo(new WritableStream()).catch(report);
  relay.close();
  controllers.stop();
  await node.stop(0);
  await api.stop();
}

if (import.meta.main) {
  await run(Deno.args[0]!);
  Deno.exit(0);
}
