/** Linkerd's flags, one by one: each is accepted, and does what it says to what is rendered. Source: cli.md §2. */
import assert from "node:assert/strict";
import { parse, parseAllDocuments } from "yaml";
import type { Values } from "../mesh/values.ts";
import { SYSTEM } from "./environment.ts";
import { createProgram, runCli } from "./main.ts";

type Line = readonly [flags: string, read: (values: Values) => unknown, expected: unknown];

const INSTALL: readonly Line[] = [
  ["--cluster-domain k8s.example", (v) => [v.clusterDomain, v.identityTrustDomain], [
    "k8s.example",
    "k8s.example",
  ]],
  ["--identity-trust-domain mesh.example", (v) => v.identityTrustDomain, "mesh.example"],
  ["--linkerd-cni-enabled", (v) => v.cniEnabled, true],
  ["--controller-log-level debug", (v) => v.controllerLogLevel, "debug"],
  ["--ha", (v) => [v.controllerReplicas, v.webhookFailurePolicy, v.highAvailability], [3, "Fail", true]],
  ["--ha --controller-replicas 5", (v) => v.controllerReplicas, 5],
  ["--controller-uid 3000", (v) => v.controllerUID, 3000],
  ["--controller-gid 3001", (v) => v.controllerGID, 3001],
  ["--disable-h2-upgrade", (v) => v.enableH2Upgrade, false],
  ["--disable-heartbeat", (v) => v.namespace, "linkerd"],
  ["--identity-issuance-lifetime 48h", (v) => v.identity.issuer.issuanceLifetime, "48h"],
  ["--identity-clock-skew-allowance 1m", (v) => v.identity.issuer.clockSkewAllowance, "1m"],
  ["--enable-endpoint-slices=false", (v) => v.enableEndpointSlices, false],
  ["--registry r.example/x", (v) => [v.controllerImage, v.proxy.image.name], [
    "r.example/x/controller",
    "r.example/x/proxy",
  ]],
  ["--proxy-image r.example/p", (v) => v.proxy.image.name, "r.example/p"],
  ["--image-pull-policy Always", (v) => v.proxy.image.pullPolicy, "Always"],
  ["--proxy-version 9", (v) => v.proxy.image.version, "9"],
  ["-v 9", (v) => v.proxy.image.version, "9"],
  ["--inbound-port 5143", (v) => v.proxy.ports.inbound, 5143],
  ["--outbound-port 5140", (v) => v.proxy.ports.outbound, 5140],
  ["--control-port 5190", (v) => v.proxy.ports.control, 5190],
  ["--admin-port 5191", (v) => v.proxy.ports.admin, 5191],
  ["--skip-inbound-ports 22,8000-8010", (v) => v.proxyInit.ignoreInboundPorts, "22,8000-8010"],
  ["--skip-outbound-ports 3306", (v) => v.proxyInit.ignoreOutboundPorts, "3306"],
  ["--proxy-uid 7000", (v) => v.proxy.uid, 7000],
  ["--proxy-gid 7001", (v) => v.proxy.gid, 7001],
  ["--proxy-log-level debug", (v) => v.proxy.logLevel, "debug"],
  ["--proxy-cpu-request 100m", (v) => v.proxy.resources.cpu.request, "100m"],
  ["--proxy-cpu-limit 1500m", (v) => v.proxy.resources.cpu.limit, "1500m"],
  ["--proxy-memory-request 20Mi", (v) => v.proxy.resources.memory.request, "20Mi"],
  ["--proxy-memory-limit 250Mi", (v) => v.proxy.resources.memory.limit, "250Mi"],
  ["--proxy-cpu 200m", (v) => v.proxy.resources.cpu.request, "200m"],
  ["--proxy-memory 30Mi", (v) => v.proxy.resources.memory.request, "30Mi"],
  ["--proxy-cpu 200m --proxy-cpu-request 100m", (v) => v.proxy.resources.cpu.request, "100m"],
  ["--enable-external-profiles", (v) => v.proxy.enableExternalProfiles, true],
  ["--default-inbound-policy deny", (v) => v.proxy.defaultInboundPolicy, "deny"],
  ["--set proxy.await=false --set-string proxy.logLevel=info", (v) => [v.proxy.await, v.proxy.logLevel], [
    false,
    "info",
  ]],
];

for (const [flags, read, expected] of INSTALL) {
  Deno.test(`linkerd install ${flags} says so in what it renders`, async () => {
    let printed = "", told = "";
    const environment = {
      ...SYSTEM,
      print: (text: string) => void (printed += text),
      tell: (text: string) => void (told += text),
      variable: () => undefined,
    };
    const args = ["install", "--ignore-cluster", "-o", "json", ...flags.split(" ")];
    assert.equal(await runCli(args, environment), 0, told);
    const { items } = JSON.parse(printed) as {
      items: { kind: string; metadata: { name: string }; data: { values: string } }[];
    };
    const config = items.find(({ kind, metadata }) =>
      kind === "ConfigMap" && metadata.name === "linkerd-config"
    );
    assert.deepEqual(read(parse(config!.data.values) as Values), expected);
  });
}

/** Flags that other commands take: those of §2.6.2 beside. */
const PROXY = INSTALL.map(([flags]) => flags.split(" ")[0]!).filter((flag) =>
  /^--(proxy-|image-pull|inbound|outbound|control-port|admin|skip-|enable-external|default-inbound)/.test(
    flag,
  )
);

const OTHERS: Readonly<Record<string, readonly string[]>> = {
  install: ["--crds", "--ignore-cluster", "--output", "--identity-external-issuer", "--identity-external-ca"]
    .concat([
      "--identity-issuer-certificate-file",
      "--identity-issuer-key-file",
      "--identity-trust-anchors-file",
      "--set",
      "--set-string",
      "--set-file",
      "--values",
    ]),
  upgrade: [
    "--crds",
    "--from-manifests",
    "--force",
    "--output",
    "--ha",
    "--registry",
    "--set",
    "--values",
    ...PROXY,
  ],
  inject: [
    "--manual",
    "--ignore-cluster",
    "--enable-debug-sidecar",
    "--close-wait-timeout",
    "--ingress",
    ...PROXY,
  ].concat([
    "--native-sidecar",
    "--opaque-ports",
    "--require-identity-on-inbound-ports",
    "--wait-before-exit-seconds",
    "--disable-identity",
  ]),
  "install-cni": [
    "--linkerd-version",
    "--registry",
    "--proxy-uid",
    "--proxy-gid",
    "--inbound-port",
    "--outbound-port",
  ].concat([
    "--control-port",
    "--admin-port",
    "--skip-inbound-ports",
    "--skip-outbound-ports",
    "--redirect-ports",
    "--cni-image",
    "--cni-image-version",
    "--cni-log-level",
    "--dest-cni-net-dir",
    "--dest-cni-bin-dir",
    "--priority-class-name",
    "--use-wait-flag",
    "--set",
  ]),
  uninstall: ["--force"],
  check: ["--pre", "--crds", "--proxy", "--namespace", "--wait", "--linkerd-cni-enabled", "--output"],
  version: ["--short", "--client", "--proxy", "--namespace"],
  identity: ["--namespace", "--selector"],
  profile: ["--template", "--open-api", "--proto", "--namespace", "--ignore-cluster", "--output"],
};

Deno.test("every other flag of Linkerd's commands is known", () => {
  const { commands } = createProgram(SYSTEM);
  const missing = Object.entries(OTHERS).flatMap(([name, flags]) => {
    const known = commands.find((one) => one.name() === name)?.options.map(({ long }) => long) ?? [];
    return flags.filter((flag) => !known.includes(flag)).map((flag) => `${name} ${flag}`);
  });
  assert.deepEqual(missing, []);
});

Deno.test("upgrade --from-manifests goes on from what install printed, with its credentials, and refuses anything else", async () => {
  let printed = "", told = "";
  const environment = {
    ...SYSTEM,
    print: (text: string) => void (printed += text),
    tell: (text: string) => void (told += text),
    variable: () => undefined,
    readStandardInput: () => Promise.resolve(printed),
    connect: () => Promise.reject(new Error("no cluster is asked")),
  };
  assert.equal(
    await runCli(["install", "--ignore-cluster", "--proxy-log-level", "debug"], environment),
    0,
    told,
  );
  const before = parseAllDocuments(printed).map((document) => document.toJS());
  const input = printed;
  printed = "";
  const upgrading = { ...environment, readStandardInput: () => Promise.resolve(input) };
  const args = ["upgrade", "--from-manifests", "-", "--force", "--controller-replicas", "2", "-o", "json"];
  assert.equal(await runCli(args, upgrading), 0, told);
  const after = JSON.parse(printed).items;
  const find = (objects: { kind: string; metadata: { name: string } }[], name: string) =>
    objects.find(({ metadata }) => metadata.name === name);
  assert.deepEqual(find(after, "linkerd-identity-issuer"), find(before, "linkerd-identity-issuer"));
  const deployment = after.find((one: { kind: string; metadata: { name: string } }) =>
    one.kind === "Deployment" && one.metadata.name === "linkerd-identity"
  );
  assert.equal(deployment.spec.replicas, 2);
  assert.match(
    find(after, "linkerd-config") === undefined ? "" : JSON.stringify(find(after, "linkerd-config")),
    /logLevel: debug/,
  );
  const other = { ...environment, readStandardInput: () => Promise.resolve("kind: Pod\napiVersion: v1\n") };
  assert.equal(await runCli(["upgrade", "--from-manifests", "-"], other), 2);
  assert.match(told, /holds no ConfigMap linkerd-config/);
});
