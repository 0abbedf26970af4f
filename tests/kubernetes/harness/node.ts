/**
 * The node from inside its namespaces: starts etcd, containerd and Kubernetes in order, gives the cluster its DNS, and
 * does what it is told on its standard input (`stop NAME SIGNAL`, `start NAME`). When it ends, everything ends.
 *
 *   node.ts DIRECTORY CGROUP_ROOT IMAGE...    `{"ready":true}` on standard output says when it can be used
 */
import { createHttpKubeClient } from "../../../src/kube/http_client.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { startInformer } from "../../../src/kube/informer.ts";
import { ENDPOINT_SLICES, NODES, SERVICES } from "../../../src/kube/kinds.ts";
import { readLines } from "../../../src/kube/lines.ts";
import { Links } from "../../../src/linux/netlink/link.ts";
import { Routes } from "../../../src/linux/netlink/route.ts";
import { mountTmpfs } from "../../../src/linux/mount.ts";
import { startDns } from "../../../src/local/dns/server.ts";
import { joinStreams } from "../../../src/local/join_streams.ts";
import { serveRelay } from "../../../src/local/relay.ts";
import { must } from "../../../tools/command.ts";
import { eventually } from "./eventually.ts";
import {
  API_PORT,
  API_SERVER,
  CLUSTER_DOMAIN,
  DNS_SERVICE_ADDRESS,
  NODE_ADDRESS,
  NODE_NAME,
} from "./addresses.ts";
import { Component } from "./component.ts";
import { componentCommands, type ComponentName, START_ORDER } from "./components.ts";
import { type NodePaths, writeConfiguration } from "./configuration.ts";
import { runtimePrograms } from "./runtime_programs.ts";

/** Its own address, forwarding, and places that no process of the machine looks into. */
function prepareNetwork(): void {
  const links = new Links(), routes = new Routes();
  links.setUp("lo");
  links.createBridge("eth0");
  routes.addAddress(links.indexOf("eth0"), `${NODE_ADDRESS}/24`);
  links.setUp("eth0");
  // Addresses of services lead somewhere before kube-proxy's rules say where.
  routes.addRoute({ interfaceIndex: links.indexOf("eth0") });
  Deno.writeTextFileSync("/proc/sys/net/ipv4/ip_forward", "1");
  // Network namespaces of pods, sockets of shims and the kubelet's links to logs are this node's alone.
  mountTmpfs("/run");
  Deno.mkdirSync("/run/netns");
  mountTmpfs("/var/log");
}

async function importImages(
  paths: NodePaths,
  images: readonly string[],
  env: Record<string, string>,
): Promise<void> {
  const ctr = ["-a", paths.containerdSocket, "-n", "k8s.io"];
  await eventually("containerd answers", () => must("ctr", [...ctr, "version"], { env }), () => true);
  for (const image of images) await must("ctr", [...ctr, "images", "import", image], { env });
}

/** The cluster's names, served by this process behind the Service that the kubelet tells pods of. */
async function provideDns(client: KubeClient): Promise<void> {
  const metadata = { name: "kube-dns", namespace: "kube-system" };
  const ports = (["UDP", "TCP"] as const).map((protocol) => ({
    name: protocol.toLowerCase(),
    port: 53,
    protocol,
  }));
  await client.create(SERVICES, { metadata, spec: { clusterIP: DNS_SERVICE_ADDRESS, ports } });
  await client.create(ENDPOINT_SLICES, {
    metadata: { ...metadata, labels: { "kubernetes.io/service-name": metadata.name } },
    addressType: "IPv4",
    endpoints: [{ addresses: [NODE_ADDRESS] }],
    ports,
  });
}

/** Passes connections at a socket in the directory on to the API server. */
async function serveApiSocket(path: string): Promise<void> {
  for await (const near of Deno.listen({ transport: "unix", path })) {
    Deno.connect({ hostname: NODE_ADDRESS, port: API_PORT }).then(
      (far) => joinStreams(near, far),
      () => near.close(), // the API server is stopped: so it looks from outside, too
    );
  }
}

async function run(directory: string, cgroupRoot: string, images: readonly string[]): Promise<void> {
  prepareNetwork();
  const programs = await runtimePrograms(), paths = await writeConfiguration(directory, cgroupRoot);
  for (const { name } of Deno.readDirSync(programs.networkPlugins)) {
    Deno.copyFileSync(`${programs.networkPlugins}/${name}`, `${paths.networkPlugins}/${name}`);
  }
  const environment: Record<string, string> = {
    PATH: [...programs.path, Deno.env.get("PATH") ?? ""].join(":"),
    ...(programs.libraries.length === 0 ? {} : { LD_LIBRARY_PATH: programs.libraries.join(":") }),
  };
  Deno.env.set("PATH", environment.PATH!);
  const commands = componentCommands(paths);
  const onEnd = (name: string, code: number) =>
    console.error(`${name} ended with code ${code}: see ${name}.log`);
  const components = new Map<ComponentName, Component>(
    START_ORDER.map((
      name,
    ) => [name, new Component({ name, command: commands[name], directory, environment, onEnd })]),
  );
  const start = (...names: ComponentName[]) => names.forEach((name) => components.get(name)!.start());
  const client = createHttpKubeClient({
    server: API_SERVER,
    caCertificate: Deno.readTextFileSync(paths.authority),
    token: Deno.readTextFileSync(paths.token),
  });
  start("etcd", "containerd", "kube-apiserver");
  const imported = importImages(paths, images, environment);
  await eventually("the API server is ready", () => client.raw("GET", "/readyz"), ({ ok }) => ok);
  start("kube-controller-manager", "kube-scheduler", "kube-proxy");
  await imported;
  start("kubelet");
  await provideDns(client);
  const services = startInformer(client, SERVICES), slices = startInformer(client, ENDPOINT_SLICES);
  await Promise.all([services.synced, slices.synced]);
  await startDns({ address: NODE_ADDRESS, domain: CLUSTER_DOMAIN, services, slices });
  serveRelay(`${directory}/relay.sock`, services, slices);
  serveApiSocket(`${directory}/api.sock`);
  await eventually(
    "the node is ready",
    () => client.get(NODES, NODE_NAME),
    ({ status }) =>
      status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false,
  );
  console.log(JSON.stringify({ ready: true }));
  await obey(components);
}

/** Until standard input ends, which is the end of whoever started us. */
async function obey(components: ReadonlyMap<ComponentName, Component>): Promise<void> {
  for await (const line of readLines(Deno.stdin.readable)) {
    const [verb, name, signal = "SIGTERM"] = line.split(" ");
    const component = components.get(name as ComponentName);
    if (component === undefined) throw new Error(`no component ${name}`);
    if (verb === "stop") await component.stop(signal as Deno.Signal);
    else component.start();
    console.log(JSON.stringify({ done: line }));
  }
}

if (import.meta.main) {
  const [directory, cgroupRoot, ...images] = Deno.args;
  await run(directory!, cgroupRoot!, images);
  Deno.exit(0);
}
