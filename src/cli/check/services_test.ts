import assert from "node:assert/strict";
import type { Namespace, Node, Pod, Service } from "../../kube/kinds.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { ResourceKind } from "../../kube/resource.ts";
import { defaultValues } from "../../mesh/values.ts";
import { stringify } from "../../kube/yaml.ts";
import { SYSTEM } from "../environment.ts";
import { clusterNetworks } from "./categories/cluster_networks.ts";
import { serviceAnnotations } from "./categories/service_annotations.ts";
import { everyPodHasItsProxy } from "./categories/unmeshed.ts";
import { type Check, SKIPPED } from "./check_model.ts";
import { Facts } from "./facts.ts";

const OPAQUE = "config.linkerd.io/opaque-ports";

function service(
  name: string,
  clusterIP: string,
  annotations: Record<string, string>,
  ports: object[],
): Service {
  return {
    metadata: { name, namespace: "shop", annotations },
    spec: { clusterIP, selector: { app: name }, ports },
  } as Service;
}

function pod(name: string, podIP: string, annotations: Record<string, string>, ports: object[] = []): Pod {
  return {
    metadata: { name: `${name}-1`, namespace: "shop", labels: { app: name }, annotations },
    spec: { containers: [{ name, ports }] },
    status: { podIP },
  } as Pod;
}

interface World {
  readonly nodes?: readonly Node[];
  readonly pods?: readonly Pod[];
  readonly services?: readonly Service[];
  readonly clusterNetworks?: string;
  readonly namespaces?: readonly Namespace[];
}

/** What each check says of a cluster with these objects; undefined where it holds. */
async function saidBy(checks: readonly Check[], world: World): Promise<(string | symbol | undefined)[]> {
  const lists: Record<string, readonly unknown[]> = {
    nodes: world.nodes ?? [],
    pods: world.pods ?? [],
    services: world.services ?? [],
    namespaces: world.namespaces ?? [],
  };
  const values = { ...defaultValues(), clusterNetworks: world.clusterNetworks ?? "10.0.0.0/8, fd00::/8" };
  const client = {
    list: ({ plural }: ResourceKind) => Promise.resolve({ items: lists[plural] }),
    get: () => Promise.resolve({ data: { values: stringify(values) } }),
  } as unknown as KubeClient;
  const connect = () => Promise.resolve({ client, namespace: "default", server: "", close: () => {} });
  const facts = new Facts(
    { linkerdNamespace: "linkerd", cniNamespace: "linkerd-cni", verbose: false },
    { ...SYSTEM, connect },
    undefined,
  );
  await facts.connect();
  return await Promise.all(
    checks.map((check) =>
      check.run(facts).then((said) => said === SKIPPED ? SKIPPED : undefined, (error: Error) => error.message)
    ),
  );
}

Deno.test("addresses and networks outside of clusterNetworks are named, of both families", async () => {
  const node = (name: string, ...podCIDRs: string[]) => ({ metadata: { name }, spec: { podCIDRs } }) as Node;
  const host = pod("host", "203.0.113.1", {});
  host.spec!.hostNetwork = true;
  const [nodes, pods, services] = await saidBy(clusterNetworks, {
    nodes: [node("a", "10.1.0.0/24", "fd00:1::/64"), node("b", "198.51.100.0/24"), node("c", "0.0.0.0/0")],
    pods: [pod("in", "10.2.0.1", {}), pod("out", "203.0.113.9", {}), pod("six", "2001:db8::1", {}), host],
    services: [
      service("in", "10.96.0.1", {}, []),
      service("out", "198.18.0.1", {}, []),
      service("headless", "None", {}, []),
    ],
  });
  const introduction = "the value clusterNetworks does not contain:\n";
  assert.equal(nodes, `${introduction}* node b: 198.51.100.0/24\n* node c: 0.0.0.0/0`);
  assert.equal(pods, `${introduction}* pod shop/out-1: 203.0.113.9\n* pod shop/six-1: 2001:db8::1`);
  assert.equal(services, `${introduction}* service shop/out: 198.18.0.1`);
});

Deno.test("nodes without networks of their own have nothing to be contained", async () => {
  const world = {
    nodes: [{ metadata: { name: "a" }, spec: {} } as Node],
    pods: [pod("web", "10.0.0.1", {})],
  };
  assert.deepEqual(await saidBy(clusterNetworks, world), [SKIPPED, undefined, undefined]);
});

Deno.test("an export that is an annotation, and a Service and a pod that disagree on opaque ports, are named", async () => {
  const port = (port: number, targetPort?: number | string, name?: string) => ({ port, targetPort, name });
  const said = (services: Service[], pods: Pod[]) => saidBy(serviceAnnotations, { services, pods });
  const marked = service("web", "10.0.0.1", { "mirror.linkerd.io/exported": "true" }, []);
  assert.match(
    String((await said([marked], []))[0]),
    /^shop\/web: mirror.linkerd.io\/exported should be a label$/,
  );
  const cases: [Service, Pod, RegExp | undefined][] = [
    [
      service("db", "10.0.0.1", { [OPAQUE]: "3306" }, [port(3306)]),
      pod("db", "10.0.0.2", { [OPAQUE]: "3306" }),
      undefined,
    ],
    [service("db", "10.0.0.1", {}, [port(80)]), pod("db", "10.0.0.2", {}), undefined],
    [
      service("db", "10.0.0.1", { [OPAQUE]: "sql" }, [port(3306, "db", "sql")]),
      pod("db", "10.0.0.2", { [OPAQUE]: "db" }, [{ name: "db", containerPort: 4000 }]),
      undefined,
    ],
    [
      service("db", "10.0.0.1", { [OPAQUE]: "3306" }, [port(3306, 4000)]),
      pod("db", "10.0.0.2", {}),
      /^pod shop\/db-1: service shop\/db says that its port 4000 is opaque: add 4000 /,
    ],
    [
      service("db", "10.0.0.1", {}, [port(80), port(3306, 4000)]),
      pod("db", "10.0.0.2", { [OPAQUE]: "4000-4010" }),
      /^service shop\/db: port 3306 leads to an opaque port of pod shop\/db-1: add 3306 /,
    ],
    [service("db", "None", { [OPAQUE]: "3306" }, [port(3306)]), pod("db", "10.0.0.2", {}), undefined],
    [service("other", "10.0.0.1", { [OPAQUE]: "3306" }, [port(3306)]), pod("db", "10.0.0.2", {}), undefined],
  ];
  for (const [one, its, expected] of cases) {
    const [, found] = await said([one], [its]);
    if (expected === undefined) assert.equal(found, undefined);
    else assert.match(String(found), expected);
  }
});

Deno.test("pods that ask for a proxy and have none are named; those that are unfit, over or refuse it are not", async () => {
  const INJECT = "linkerd.io/inject";
  const meshed = pod("meshed", "10.1.0.1", {}), host = pod("host", "10.1.0.2", {});
  meshed.spec!.initContainers = [{ name: "linkerd-proxy" }];
  host.spec!.hostNetwork = true;
  const over: Pod = { ...pod("over", "10.1.0.3", {}), status: { phase: "Succeeded" } };
  const elsewhere = pod("elsewhere", "10.1.0.4", { [INJECT]: "enabled" });
  elsewhere.metadata!.namespace = "plain";
  const outside = pod("outside", "10.1.0.5", {});
  outside.metadata!.namespace = "plain";
  const namespaces = [
    { metadata: { name: "shop", annotations: { [INJECT]: "enabled" } } },
    { metadata: { name: "plain" } },
  ];
  const refuses = pod("refuses", "10.1.0.6", { [INJECT]: "disabled" });
  const early = pod("early", "10.1.0.7", {});
  const pods = [meshed, host, over, elsewhere, outside, refuses, early];
  const [said] = await saidBy([everyPodHasItsProxy], { namespaces, pods });
  assert.equal(
    said,
    "Some pods were made without the proxy they ask for, and must be made anew:\n* plain/elsewhere-1\n* shop/early-1",
  );
  assert.deepEqual(await saidBy([everyPodHasItsProxy], { namespaces, pods: [meshed, outside] }), [undefined]);
});
