import assert from "node:assert/strict";
import type { Pod } from "../kube/kinds.ts";
import { isolatedTest } from "../linux/isolated.ts";
import { createNamespace, inNamespaces } from "../linux/namespace.ts";
import { openNftables } from "../linux/netlink/nftables/batch.ts";
import { listRules } from "../linux/netlink/nftables/dump.ts";
import { type Invocation, runPlugin } from "./plugin.ts";
import { optionsFor, reasonToSkip } from "./pod_options.ts";

const LINKERD = {
  "incoming-proxy-port": 4143,
  "outgoing-proxy-port": 4140,
  "proxy-uid": 2102,
  "inbound-ports-to-ignore": ["4567", 4568],
  "outbound-ports-to-ignore": ["4567-4568"],
};
const CONFIG = {
  cniVersion: "1.0.0",
  name: "net",
  type: "linkerd-cni",
  linkerd: LINKERD,
  kubernetes: { kubeconfig: "/etc/cni/net.d/ZZZ-linkerd-cni-kubeconfig" },
  prevResult: { cniVersion: "1.0.0", ips: [{ address: "10.1.0.2/24" }] },
};
const MESHED: Pod = {
  metadata: { name: "web-1", namespace: "shop" },
  spec: { initContainers: [{ name: "linkerd-proxy" }], containers: [{ name: "web" }] },
};

async function call(change: Partial<Invocation>, config: object = CONFIG) {
  const log: string[] = [], printed: string[] = [];
  const code = await runPlugin({
    environment: {
      CNI_COMMAND: "ADD",
      CNI_NETNS: "/proc/self/ns/net",
      CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-1",
    },
    input: JSON.stringify(config),
    readPod: () => Promise.resolve(MESHED),
    log: (line) => log.push(line),
    ...change,
  }, (text) => printed.push(text));
  return {
    code,
    log: log.join("\n"),
    answer: printed.length === 0 ? undefined : JSON.parse(printed.join("")),
  };
}

isolatedTest(
  "a meshed pod's network is redirected, and the result of the plugin before is passed on",
  import.meta.url,
  async () => {
    const pod = createNamespace("net"), path = `/proc/self/fd/${pod.fd}`;
    const environment = {
      CNI_COMMAND: "ADD",
      CNI_NETNS: path,
      CNI_ARGS: "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-1",
    };
    const { code, answer, log } = await call({ environment });
    assert.equal(code, 0, log);
    assert.deepEqual(answer, CONFIG.prevResult);
    const rules = () =>
      inNamespaces({ enter: [pod] }, () => {
        const connection = openNftables();
        try {
          return listRules(connection, "ip", "linkerd").length;
        } finally {
          connection.close();
        }
      });
    const count = rules();
    assert.ok(count >= 9, `${count} rules`);
    assert.equal((await call({ environment })).code, 0);
    assert.equal(rules(), count, "added again, they are the same");
    pod.close();
  },
);

Deno.test("pods without a proxy, with an init container, or unknown to Kubernetes are left alone", async () => {
  assert.equal(reasonToSkip(MESHED), undefined);
  const plain: Pod = { metadata: {}, spec: { containers: [{ name: "web" }] } };
  const initiated: Pod = {
    spec: { initContainers: [{ name: "linkerd-init" }], containers: [{ name: "linkerd-proxy" }] },
  };
  for (const pod of [plain, initiated, undefined]) {
    const { code, log, answer } = await call({
      readPod: () => Promise.resolve(pod),
      environment: {
        CNI_COMMAND: "ADD",
        CNI_NETNS: "/nowhere",
        CNI_ARGS: "K8S_POD_NAMESPACE=a;K8S_POD_NAME=b",
      },
    });
    assert.equal(code, 0, log);
    assert.match(log, /left alone/);
    assert.deepEqual(answer, CONFIG.prevResult);
  }
});

Deno.test("pods of an excluded namespace are passed without asking the API server", async () => {
  const kubernetes = { ...CONFIG.kubernetes, exclude_namespaces: ["shop"] };
  const { code, log } = await call({ readPod: () => Promise.reject(new Error("asked")) }, {
    ...CONFIG,
    kubernetes,
  });
  assert.equal(code, 0);
  assert.match(log, /namespace shop is excluded/);
});

Deno.test("annotations of the pod come before the plugin's configuration", () => {
  const annotations = {
    "config.linkerd.io/skip-outbound-ports": "443,6443",
    "config.linkerd.io/inbound-port": "5143",
    "config.linkerd.io/admin-port": "5191",
    "config.linkerd.io/skip-subnets": "10.0.0.0/8, 172.16.0.0/12",
  };
  const options = optionsFor(LINKERD, { ...MESHED, metadata: { annotations } });
  assert.equal(options.incomingProxyPort, 5143);
  assert.equal(options.outgoingProxyPort, 4140);
  const ports = (list: readonly { first: number; last: number }[]) =>
    list.map(({ first, last }) => `${first}-${last}`).join();
  assert.equal(ports(options.outboundPortsToIgnore), "443-443,6443-6443");
  assert.equal(ports(options.inboundPortsToIgnore), "4190-4190,5191-5191,4567-4567,4568-4568");
  assert.deepEqual(options.subnetsToIgnore, ["10.0.0.0/8", "172.16.0.0/12"]);
});

Deno.test("what goes wrong is told the runtime as the specification says, in one sentence", async () => {
  const { prevResult: _, ...first } = CONFIG;
  const cases: readonly (readonly [Partial<Invocation>, object, number, RegExp])[] = [
    [{}, first, 7, /must stand behind another plugin/],
    [{ input: "{" }, {}, 7, /not JSON/],
    [{}, { ...CONFIG, kubernetes: {} }, 7, /lacks kubernetes\.kubeconfig/],
    [{ environment: { CNI_COMMAND: "ADD" } }, CONFIG, 4, /CNI_NETNS/],
    [{ environment: {} }, CONFIG, 4, /CNI_COMMAND/],
    [
      { readPod: () => Promise.reject(new Error("connection refused")) },
      CONFIG,
      11,
      /could not read pod shop\/web-1/,
    ],
    [
      {
        environment: {
          CNI_COMMAND: "ADD",
          CNI_NETNS: "/nowhere",
          CNI_ARGS: "K8S_POD_NAMESPACE=a;K8S_POD_NAME=b",
        },
      },
      CONFIG,
      100,
      /could not redirect pod shop\/web-1/,
    ],
  ];
  for (const [change, config, expected, message] of cases) {
    const { code, answer } = await call(change, config);
    assert.equal(code, 1);
    assert.equal(answer.code, expected);
    assert.match(answer.msg, message);
  }
});

Deno.test("an annotation that cannot be read keeps the pod from starting unredirected", async () => {
  const annotations = { "config.linkerd.io/skip-inbound-ports": "http" };
  const pod: Pod = { ...MESHED, metadata: { name: "web-1", namespace: "shop", annotations } };
  const { code, answer } = await call({ readPod: () => Promise.resolve(pod) });
  assert.equal(code, 1);
  assert.match(answer.details, /skip-inbound-ports.*neither a port/);
});

Deno.test("commands that need nothing do nothing, and versions are told", async () => {
  for (const command of ["DEL", "CHECK", "GC", "STATUS"]) {
    const { code, answer } = await call({ environment: { CNI_COMMAND: command }, input: "" });
    assert.equal(code, 0);
    assert.equal(answer, undefined);
  }
  const { answer } = await call({ environment: { CNI_COMMAND: "VERSION" }, input: "" });
  assert.ok(answer.supportedVersions.includes("1.0.0"));
});
