/**
 * The laptop cluster's one machine: API server, controllers, network, DNS and pods in one process, which runs in
 * namespaces of its own (cluster/cluster.ts starts it there). When it ends, everything it made is gone with it.
 *
 *   node.ts DIRECTORY      sockets are made there; one JSON line a step goes to stdout, the last is {"ready":true}
 */
import { startInformer } from "../kube/informer.ts";
import { CONFIG_MAPS, ENDPOINT_SLICES, PODS, SECRETS, SERVICES } from "../kube/kinds.ts";
import { runInit } from "../init/main.ts";
import { startApiServer } from "./api/server.ts";
import { startControllers } from "./controllers/start.ts";
import { startDns } from "./dns/server.ts";
import { NodeNetwork } from "./network/node_network.ts";
import { followServices } from "./network/service_watch.ts";
import { PodRunner } from "./pods/runner.ts";
import { KubeError } from "../kube/client.ts";
import { programs } from "./programs.ts";
import { serveRelay } from "./relay.ts";
import { registerNode } from "./register_node.ts";

const NODE_NAME = "laptop";

async function run(directory: string): Promise<void> {
  const say = (message: Record<string, unknown>) => console.log(JSON.stringify(message));
  const report = (error: unknown) => console.error("node:", error instanceof Error ? error.stack : error);
  const network = new NodeNetwork();
  let runner: PodRunner | undefined;
  const api = await startApiServer({
    tcp: [{ hostname: "10.43.0.1", port: 443 }],
    unix: [{ path: `${directory}/api.sock`, tls: true }],
    advertise: { hostname: network.nodeAddress, port: 443 },
    nodeName: NODE_NAME,
    readLogs: (namespace, pod, container, wish) => {
      if (runner === undefined) throw new KubeError(503, "ServiceUnavailable", "the node is still starting");
      return runner.readLogs(namespace, pod, container, wish);
    },
    onError: report,
  });
  const { client } = api;
  const informer = <T extends object>(kind: Parameters<typeof startInformer<T>>[1]) =>
    startInformer(client, kind);
  const pods = informer(PODS), services = informer(SERVICES), slices = informer(ENDPOINT_SLICES);
  const configMaps = informer(CONFIG_MAPS), secrets = informer(SECRETS);
  await Promise.all([pods, services, slices, configMaps, secrets].map((each) => each.synced));
  const stopServices = followServices(network, services, slices, report);
  const dns = await startDns({ services, slices });
  const controllers = startControllers(api, { onError: report });
  await controllers.synced;
  await registerNode(client, NODE_NAME, network.nodeAddress);
  const runDirectory = `${directory}/run`;
  Deno.mkdirSync(runDirectory, { recursive: true });
  const { images, commands } = programs();
  runner = new PodRunner({
    client,
    network,
    pods,
    configMaps,
    secrets,
    services,
    nodeName: NODE_NAME,
    directory: runDirectory,
    images: {
      images,
      commands: {
        ...commands,
        "/usr/lib/linkerd/linkerd2-proxy-init": (args, write) => runInit(args, write),
      },
    },
  });
  const relay = serveRelay(`${directory}/relay.sock`, services, slices);
  Deno.writeTextFileSync(`${directory}/token`, api.adminToken, { mode: 0o600 });
  Deno.writeTextFileSync(`${directory}/ca.crt`, api.caBundle);
  say({ ready: true });
  // The end of our standard input is the end of whoever started us.
  await Deno.stdin.readable.pipeTo(new WritableStream()).catch(report);
  relay.close();
  dns.close();
  stopServices();
  controllers.stop();
  await runner.stop(0);
  await api.stop();
}

if (import.meta.main) {
  await run(Deno.args[0]!);
  Deno.exit(0);
}
