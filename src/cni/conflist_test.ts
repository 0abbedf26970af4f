import { deepEqual, equal } from "node:assert/strict";
import { activeConfiguration, callsPlugin, withoutPlugin, withPlugin } from "./conflist.ts";

const ENTRY = { type: "linkerd-cni", log_level: "info", linkerd: { "proxy-uid": 2102 } };
const LIST = JSON.stringify({
  cniVersion: "1.0.0",
  name: "net",
  plugins: [{ type: "calico", mtu: 1 }, { type: "portmap" }],
});

function typesOf(text: string | undefined): string[] {
  return JSON.parse(text ?? "{}").plugins.map(({ type }: { type: string }) => type);
}

Deno.test("the runtime's configuration is the first by name; other files are none", () => {
  const names = [
    "README",
    "ZZZ-linkerd-cni-kubeconfig",
    "20-b.conflist",
    "10-a.conf",
    "10-a.conf.before-linkerd-cni",
  ];
  equal(activeConfiguration(names), "10-a.conf");
  equal(activeConfiguration(["x.yaml", "10-a.conflist.linkerd-cni-new"]), undefined);
});

Deno.test("the plugin comes last, once, and everything else stays as it was", () => {
  const once = withPlugin(LIST, ENTRY)!;
  deepEqual(JSON.parse(once), {
    cniVersion: "1.0.0",
    name: "net",
    plugins: [{ type: "calico", mtu: 1 }, { type: "portmap" }, ENTRY],
  });
  equal(withPlugin(once, ENTRY), once, "what is right is not written again");
  equal(typesOf(withPlugin(once, { ...ENTRY, log_level: "debug" })).join(), "calico,portmap,linkerd-cni");
});

Deno.test("a plugin that another installer put behind ours, or an entry twice, is put right", () => {
  const broken = JSON.parse(withPlugin(LIST, ENTRY)!);
  broken.plugins.push({ type: "istio-cni" }, ENTRY);
  equal(typesOf(withPlugin(JSON.stringify(broken), ENTRY)).join(), "calico,portmap,istio-cni,linkerd-cni");
});

Deno.test("a single plugin becomes a list", () => {
  const text = withPlugin(
    JSON.stringify({ cniVersion: "0.4.0", name: "net", type: "bridge", ipam: {} }),
    ENTRY,
  );
  deepEqual(JSON.parse(text!), {
    cniVersion: "0.4.0",
    name: "net",
    plugins: [{ type: "bridge", ipam: {} }, ENTRY],
  });
});

Deno.test("taking the plugin out gives back what was there, and leaves others' files alone", () => {
  deepEqual(JSON.parse(withoutPlugin(withPlugin(LIST, ENTRY)!)), JSON.parse(LIST));
  equal(withoutPlugin(LIST), LIST);
  equal(callsPlugin(LIST), false);
  equal(callsPlugin(withPlugin(LIST, ENTRY)!), true);
});

Deno.test("a file that is half written, or none at all, is left for later", () => {
  const whole = withPlugin(LIST, ENTRY)!;
  for (let length = 0; length < whole.trimEnd().length; length++) {
    equal(withPlugin(whole.slice(0, length), ENTRY), undefined);
  }
  for (const text of ["[]", "null", "7", '"x"', "{}", '{"name":"x"}']) {
    equal(withPlugin(text, ENTRY), undefined);
    equal(withoutPlugin(text), text);
  }
});
