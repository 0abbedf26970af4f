import assert from "node:assert/strict";
import { parse } from "yaml";
import { SYSTEM } from "../environment.ts";
import { runCli } from "../main.ts";

Deno.test("install --output-chart writes both charts with the flags as defaults, and says how to install them", async () => {
  const directory = await Deno.makeTempDir({ prefix: "charts-" });
  let printed = "", told = "";
  const environment = {
    ...SYSTEM,
    print: (text: string) => void (printed += text),
    tell: (text: string) => void (told += text),
  };
  try {
    const args = ["install", "--output-chart", `${directory}/out/`, "--ha", "--registry", "registry.example"];
    assert.equal(await runCli(args, environment), 0, told);
    assert.equal(printed, `${directory}/out/linkerd-crds\n${directory}/out/linkerd-control-plane\n`);
    assert.match(told, /helm install linkerd-crds .* --create-namespace/);
    const values = parse(Deno.readTextFileSync(`${directory}/out/linkerd-control-plane/values.yaml`));
    assert.equal(values.controllerReplicas, 3);
    assert.equal(values.controllerImage, "registry.example/controller");
    assert.equal(values.identity.issuer.tls.keyPEM, "");
    assert.equal(parse(Deno.readTextFileSync(`${directory}/out/linkerd-crds/Chart.yaml`)).apiVersion, "v2");
    Deno.writeTextFileSync(`${directory}/file`, "");
    assert.equal(await runCli(["install", "--output-chart", `${directory}/file`], environment), 2);
    assert.match(told, /the charts cannot be written to .*\/file/);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
