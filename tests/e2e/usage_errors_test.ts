/** What is wrong with a command line is said in its words, with what was meant; and nothing is done. */
import { deepEqual, equal, match } from "node:assert/strict";
import { runLinkerd } from "./linkerd.ts";

/** Command line, what is said, and the code it goes by. */
const CASES: readonly (readonly [string, RegExp, string])[] = [
  ["instal", /unknown command 'instal'.*\n.*did you mean install\?/, "unknown-command"],
  ["install --aply", /'--aply'.*\n.*did you mean --apply\?/, "unknown-option"],
  ["install -o xml", /'xml' is invalid.*yaml, json/, "invalid-argument"],
  ["install --set proxy.logLevl=debug", /proxy\.logLevl.*\n.*proxy\.logLevel\?/, "value-unknown"],
  ["install --set proxy.uid=root", /proxy\.uid/, "value-invalid"],
  ["install --set proxy.tracing.enabled=true", /tracing\.collector\.endpoint/, "value-invalid"],
  ["install --set proxy.tracing.collector.meshIdentity.namespace=a", /meshIdentity/, "value-invalid"],
  ["install --values /nowhere.yaml", /\/nowhere\.yaml cannot be read/, "file-unreadable"],
  ["install --ignore-cluster --proxy-cpu-limit much", /--proxy-cpu-limit: "much"/, "flag-invalid"],
  ["install --ignore-cluster --default-inbound-policy denny", /"denny"/, "flag-invalid"],
  ["install --linkerd-namespace Linkerd", /lowercase/, "invalid-argument"],
  ["stat", /missing required argument 'resource'/, "missing-argument"],
  ["stat deploi", /"deploi".*\n.*did you mean deploy\?/, "kind-unknown"],
  ["stat dep", /"dep".*\n.*did you mean deploy/, "kind-unknown"],
  ["stat deploy --to pod", /--to pod: which one\?.*\n.*pod\/NAME/, "peer-unnamed"],
  ["stat deploy --to pod/a --from pod/b", /exclude each other/, "to-and-from"],
  ["stat deploy --from svc/a", /a service sends nothing/, "peer-invalid"],
  ["stat all deploy", /all is everything/, "resource-invalid"],
  ["stat deploy/web -A", /one namespace/, "name-in-all-namespaces"],
  ["tap", /missing required argument 'resource'/, "missing-argument"],
  ["tap deploy/web --max-rps none", /--max-rps none/, "max-rps-invalid"],
  ["tap svc/web", /a service has no proxy.*\n.*--to svc\/NAME/, "tap-kind-invalid"],
  ["viz tap deploy/web deploy/cart", /one resource/, "resource-invalid"],
  ["edges nothing", /"nothing"/, "kind-unknown"],
  ["check --wait soon", /--wait soon: it is not a duration/, "duration-invalid"],
  ["check --pre --proxy", /--pre/, "conflicting-option"],
  ["inject", /missing required argument 'source'/, "missing-argument"],
  ["inject /nowhere.yaml", /\/nowhere\.yaml cannot be read/, "manifest-unreadable"],
  ["local op", /unknown command 'op'.*\n.*did you mean up\?/, "unknown-command"],
  ["completion tcsh", /'tcsh' is invalid.*bash, zsh, fish/, "invalid-argument"],
  ["explain conect-failed", /"conect-failed".*\n.*connect-failed/, "code-unknown"],
  ["diagnostics proxy-metrics", /missing required argument 'resource'/, "missing-argument"],
];

for (const [line, said, code] of CASES) {
  Deno.test(`linkerd ${line}: exit 2 and the right word, as text and as JSON`, async () => {
    const args = line.split(" ");
    const text = await runLinkerd(undefined, args);
    equal(text.code, 2, text.stderr);
    equal(text.stdout, "");
    match(text.stderr, said);
    match(text.stderr, new RegExp(`\\[${code}\\]`));
    // A format that does not exist is the error itself.
    if (args.includes("-o")) return;
    const json = await runLinkerd(undefined, [...args, "-o", "json"]);
    equal(json.code, 2, json.stderr);
    equal(json.stderr, "");
    const { error, ...rest } = JSON.parse(json.stdout);
    deepEqual([error.code, error.source, Object.keys(rest)], [code, "usage", []]);
  });
}

Deno.test("without a cluster a command says so, exits 1, and names what would help", async () => {
  const { code, stderr } = await runLinkerd(undefined, ["stat", "deploy"], {
    env: { KUBECONFIG: "/nowhere/config" },
  });
  equal(code, 1);
  match(stderr, /\/nowhere\/config/);
  match(stderr, /--kubeconfig or KUBECONFIG/);
});
