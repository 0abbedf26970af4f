import assert from "node:assert/strict";
import { parse } from "yaml";
import { policyConfig, servePolicy } from "../../control/policy/role.ts";
import { Flags } from "../../control/process/flags.ts";
import { shopController } from "../../control/testing/shop.ts";
import { putComponent, withNetwork } from "../../local/api/testing.ts";
import { type Environment, SYSTEM } from "../environment.ts";
import { forwardComponent } from "../forward.ts";
import { runCli } from "../main.ts";

interface Outcome {
  readonly code: number;
  readonly printed: string;
  readonly told: string;
}

async function run(
  args: string[],
  variables: Readonly<Record<string, string>> = {},
  world: Partial<Environment> = {},
): Promise<Outcome> {
  let printed = "", told = "";
  const code = await runCli(["diagnostics", ...args], {
    ...SYSTEM,
    print: (text) => void (printed += text),
    tell: (text) => void (told += text),
    variable: (name) => variables[name],
    ...world,
  });
  return { code, printed, told };
}

/** A destination controller and a policy controller over a small shop, each at its address. */
async function withControllers(use: (destination: string, policy: string) => Promise<void>): Promise<void> {
  const { state, server } = shopController();
  const port = await server.listen(0, "127.0.0.1");
  const policy = await servePolicy(state, policyConfig(new Flags([])), 0, {});
  try {
    await use(`127.0.0.1:${port}`, `127.0.0.1:${policy.port}`);
  } finally {
    await server.stop(100);
    await policy.server.stop(100);
    state.stop();
  }
}

const WEB = "web.shop.svc.cluster.local:80";

Deno.test("diagnostics asks the control plane as a proxy does: endpoints, profile and policies", () =>
  withControllers(async (destination, policy) => {
    const table = await run(["endpoints", WEB, "--api-addr", destination]);
    assert.equal(table.code, 0, table.told);
    assert.match(
      table.printed,
      /^NAMESPACE +IP +PORT +POD +SERVICE\nshop +10\.42\.0\.5 +\d+ +web-1 +web\.shop\.svc/,
    );
    const [row] = JSON.parse((await run(["ep", WEB, "-o", "json", "--api-addr", destination])).printed);
    assert.deepEqual([row.ip, row.pod, row.service, typeof row.weight, row.labels.pod], [
      "10.42.0.5",
      "web-1",
      WEB,
      "number",
      "web-1",
    ]);
    const profile = JSON.parse((await run(["profile", "10.43.0.5:80", "--api-addr", destination])).printed);
    assert.equal(profile.fullyQualifiedName, "web.shop.svc.cluster.local");
    const inbound = await run(["policy", "-n", "shop", "po/web-1", "8080", "--api-addr", policy]);
    assert.equal(parse(inbound.printed).labels.name, "all-unauthenticated", inbound.told);
    const outbound = await run(["policy", "-n", "shop", "svc/web", "80", "-o", "json", "--api-addr", policy]);
    assert.equal(JSON.parse(outbound.printed).metadata.resource.name, "web", outbound.told);
  }));

Deno.test("what the controller refuses, what is no resource, and a controller that is not there are told", () =>
  withControllers(async (destination, policy) => {
    const refused = await run(["endpoints", "not a name", "--api-addr", destination]);
    assert.deepEqual([refused.code, refused.printed], [2, ""]);
    assert.match(refused.told, /the controller says: .*controller-refused/s);
    const wrong = await run(["policy", "deploy/web", "80", "--api-addr", policy]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.told, /policy-resource-invalid/);
    const missing = await run(["profile", WEB, "--api-addr", "127.0.0.1:1"]);
    assert.equal(missing.code, 1);
    assert.match(missing.told, /the controller at 127\.0\.0\.1:1 cannot be reached/);
  }));

/** A cluster, over the network, whose pod of linkerd-destination is on loopback. */
async function withDestinationPod(
  use: (connect: Environment["connect"], setReady: (isReady: boolean) => Promise<void>) => Promise<void>,
): Promise<void> {
  await withNetwork(async (connect, { client }) => {
    await putComponent(client, "destination", false);
    await use(
      () => Promise.resolve({ client: connect(), namespace: "default", server: "", close: () => {} }),
      (isReady) => putComponent(client, "destination", isReady),
    );
  });
}

Deno.test("without an address the controller's port is forwarded through the API server, to a pod that is ready", () =>
  withControllers((destination) =>
    withDestinationPod(async (connect, setReady) => {
      const global = { linkerdNamespace: "linkerd", cniNamespace: "linkerd-cni", verbose: false };
      const port = Number(destination.split(":")[1]);
      await assert.rejects(
        forwardComponent("destination", port, global, { connect }),
        /no pod of destination is ready in namespace linkerd/,
      );
      await setReady(true);
      const forwarded = await forwardComponent("destination", port, global, { connect });
      try {
        const found = await run(["endpoints", WEB, "--api-addr", forwarded.address]);
        assert.match(found.printed, /web-1/, found.told);
        assert.equal(forwarded.complaint(), undefined);
      } finally {
        await forwarded.close();
      }
    })
  ));

Deno.test("that nobody listens behind the forwarded port is told in the words of the cluster", () =>
  withDestinationPod(async (connect, setReady) => {
    await setReady(true);
    // No controller runs here: the port that the command asks for is refused by the pod.
    const failed = await run(["endpoints", WEB], {}, { connect });
    assert.equal(failed.code, 1);
    assert.match(failed.told, /cannot be reached: cannot connect to port 8086 of the pod: .*refused/);
  }));
