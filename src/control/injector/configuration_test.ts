import { equal, rejects } from "node:assert/strict";
import { CONFIG_MAPS } from "../../kube/kinds.ts";
import { FakeKube } from "../testing/fake_kube.ts";
import { Configuration } from "./configuration.ts";
import { mountedFiles, watchedConfigMaps } from "./configuration_sources.ts";

const NAMESPACE = "linkerd";

function put(kube: FakeKube, name: string, data: Record<string, string>): void {
  kube.put(CONFIG_MAPS, { metadata: { name, namespace: NAMESPACE }, data });
}

async function inDirectory(work: (values: string, anchors: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await work(`${directory}/values`, `${directory}/ca-bundle.crt`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Until what was begun has gone through the fake API. */
const settle = () => new Promise((done) => setTimeout(done));

Deno.test("files serve until the watch has begun, and the watch from then on", () =>
  inDirectory(async (values, anchors) => {
    const kube = new FakeKube();
    await Deno.writeTextFile(values, "linkerdVersion: from-file\nidentityTrustAnchorsPEM: x\n");
    put(kube, "linkerd-config", { values: "linkerdVersion: from-api\n" });
    put(kube, "linkerd-identity-trust-roots", { "ca-bundle.crt": "anchors" });
    const watched = watchedConfigMaps(kube, NAMESPACE);
    try {
      const configuration = new Configuration([watched, mountedFiles(values, anchors)]);
      equal((await configuration.read()).linkerdVersion, "from-file");
      await settle();
      equal((await configuration.read()).linkerdVersion, "from-api");
      equal((await configuration.read()).identityTrustAnchorsPEM, "anchors");
      put(kube, "linkerd-config", { values: "linkerdVersion: next\n" });
      await settle();
      equal((await configuration.read()).linkerdVersion, "next");
    } finally {
      watched.stop();
    }
  }));

Deno.test("a configuration that cannot be read leaves the last good one, and a first one is refused", () =>
  inDirectory(async (values, anchors) => {
    const configuration = new Configuration([mountedFiles(values, anchors)]);
    await rejects(configuration.read(), Deno.errors.NotFound);
    await Deno.writeTextFile(values, "linkerdVersion: one\n");
    await rejects(configuration.read(), /no trust anchors/);
    await Deno.writeTextFile(anchors, "anchors");
    equal((await configuration.read()).linkerdVersion, "one");
    await Deno.writeTextFile(values, "linkerdVersion: [broken");
    equal((await configuration.read()).linkerdVersion, "one");
    await Deno.writeTextFile(values, "linkerdVersion: two-again\n");
    equal((await configuration.read()).linkerdVersion, "two-again");
  }));
