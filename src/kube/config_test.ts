import assert from "node:assert/strict";
import { fileToken, inClusterConfig, KubeConfigError, loadKubeConfig } from "./config.ts";

async function withFiles(
  files: Record<string, string>,
  use: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${directory}/${name}`, text);
    await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function withEnvironment(variables: Record<string, string>, use: () => Promise<void>): Promise<void> {
  const before = Object.keys(variables).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
  try {
    await use();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
}

const CONFIG = `
apiVersion: v1
kind: Config
current-context: one
clusters:
- name: here
  cluster: { server: "https://here:6443", certificate-authority: ca.pem }
- name: there
  cluster: { server: "https://there:6443", certificate-authority-data: ${btoa("CA DATA")} }
- name: careless
  cluster: { server: "https://careless", insecure-skip-tls-verify: true }
contexts:
- { name: one, context: { cluster: here, user: token, namespace: shop } }
- { name: two, context: { cluster: there, user: certificate } }
- { name: three, context: { cluster: careless, user: token } }
users:
- { name: token, user: { token: secret } }
- { name: certificate, user: { client-certificate-data: ${btoa("CERT")}, client-key-data: ${btoa("KEY")} } }
`;

Deno.test("the current context leads to server, authority, token and namespace", () =>
  withFiles({ config: CONFIG, "ca.pem": "CA FILE" }, async (directory) => {
    assert.deepEqual(await loadKubeConfig({ path: `${directory}/config` }), {
      server: "https://here:6443",
      caCertificate: "CA FILE",
      token: "secret",
      namespace: "shop",
    });
  }));

Deno.test("a named context, and what is given on the command line, win", () =>
  withFiles({ config: CONFIG, "ca.pem": "CA FILE" }, async (directory) => {
    const path = `${directory}/config`;
    const two = await loadKubeConfig({ path, context: "two" });
    assert.equal(two.caCertificate, "CA DATA");
    assert.equal(two.clientCertificate, "CERT");
    assert.equal(two.clientKey, "KEY");
    const given = await loadKubeConfig({ path, server: "https://x", token: "t", namespace: "n", as: "bob" });
    assert.equal(given.server, "https://x");
    assert.equal(given.token, "t");
    assert.equal(given.namespace, "n");
    assert.deepEqual(given.impersonate, { user: "bob", groups: [] });
  }));

Deno.test("of several files the first to name a thing wins, and missing ones are skipped", () =>
  withFiles({
    a: JSON.stringify({
      "current-context": "two",
      clusters: [{ name: "there", cluster: { server: "https://a" } }],
    }),
    config: CONFIG,
    "ca.pem": "CA FILE",
  }, (directory) =>
    withEnvironment(
      { KUBECONFIG: `${directory}/missing:${directory}/a:${directory}/config` },
      async () => {
        const { server, clientCertificate } = await loadKubeConfig();
        assert.equal(server, "https://a");
        assert.equal(clientCertificate, "CERT");
      },
    )));

for (
  const [sentence, config, options, code, text] of [
    ["a file that is not there", undefined, {}, "kubeconfig-missing", /cannot read/],
    ["text that is no YAML", "{ not yaml: [", {}, "kubeconfig-invalid", /config:/],
    [
      "a context that does not exist",
      CONFIG,
      { context: "nine" },
      "kubeconfig-invalid",
      /"nine" does not exist/,
    ],
    [
      "TLS without verification",
      CONFIG,
      { context: "three" },
      "kubeconfig-unsupported",
      /insecure-skip-tls-verify/,
    ],
    ["no context at all", "{}", {}, "kubeconfig-invalid", /pass --context/],
  ] as const
) {
  Deno.test(`${sentence} is refused with its code and what to do`, () =>
    withFiles(
      config === undefined ? {} : { config, "ca.pem": "CA" },
      async (directory) => {
        await assert.rejects(
          loadKubeConfig({ path: `${directory}/config`, ...options }),
          (error) => error instanceof KubeConfigError && error.code === code && text.test(error.message),
        );
      },
    ));
}

Deno.test("a pod finds the server and its token by the service account's files", () =>
  withFiles({ "ca.crt": "CA", namespace: "shop\n", token: "t1\n" }, (directory) =>
    withEnvironment(
      { KUBERNETES_SERVICE_HOST: "10.43.0.1", KUBERNETES_SERVICE_PORT: "443" },
      () => {
        const { server, caCertificate, namespace, token } = inClusterConfig(directory);
        assert.equal(server, "https://10.43.0.1:443");
        assert.equal(caCertificate, "CA");
        assert.equal(namespace, "shop");
        assert.equal((token as () => string)(), "t1");
        return Promise.resolve();
      },
    )));

Deno.test("a rotated token is read again after a while", () =>
  withFiles({ token: "old" }, async (directory) => {
    let now = 0;
    const token = fileToken(`${directory}/token`, () => now);
    assert.equal(token(), "old");
    await Deno.writeTextFile(`${directory}/token`, "new");
    assert.equal(token(), "old");
    now = 20_000;
    assert.equal(token(), "new");
  }));

Deno.test("an exec plugin's token is used until it expires", () =>
  withFiles({
    "plugin.sh": `#!/bin/sh
echo run >> "$(dirname "$0")/runs"
echo "$KUBERNETES_EXEC_INFO" > "$(dirname "$0")/info"
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s","expirationTimestamp":"%s"}}' "$1" "$2"
`,
  }, async (directory) => {
    await Deno.chmod(`${directory}/plugin.sh`, 0o700);
    const config = (expires: string) =>
      JSON.stringify({
        "current-context": "a",
        clusters: [{ name: "a", cluster: { server: "https://a" } }],
        contexts: [{ name: "a", context: { cluster: "a", user: "a" } }],
        users: [{
          name: "a",
          user: {
            exec: {
              apiVersion: "client.authentication.k8s.io/v1",
              command: "./plugin.sh",
              args: ["token", expires],
              interactiveMode: "Never",
              provideClusterInfo: true,
            },
          },
        }],
      });
    const runs = async () => (await Deno.readTextFile(`${directory}/runs`)).trim().split("\n").length;
    const path = `${directory}/config`;
    await Deno.writeTextFile(path, config(new Date(Date.now() + 3_600_000).toISOString()));
    const lasting = (await loadKubeConfig({ path })).credentials!;
    assert.deepEqual(await lasting(), { token: "token" });
    await lasting();
    assert.equal(await runs(), 1);
    const info = JSON.parse(await Deno.readTextFile(`${directory}/info`));
    assert.equal(info.spec.cluster.server, "https://a");
    await Deno.writeTextFile(path, config(new Date(Date.now() + 1000).toISOString()));
    const short = (await loadKubeConfig({ path })).credentials!;
    await short();
    await short();
    assert.equal(await runs(), 3);
  }));
