/** Patched pods, whole, as they were reviewed against Linkerd's. `UPDATE_GOLDEN=1 deno test -A` writes them anew. */
import assert from "node:assert/strict";
import { parse, stringify } from "yaml";
import type { Pod } from "../../kube/kinds.ts";
import type { OwnerKind } from "../../mesh/labels.ts";
import { defaultValues, mergeValues, type PartialValues } from "../../mesh/values.ts";
import { applyPatch, injectPod } from "./inject.ts";

const FOLDER = new URL("./testdata/", import.meta.url);

interface Input {
  namespace: { name: string; annotations: Record<string, string> };
  owner?: { kind: OwnerKind; name: string };
  values?: PartialValues;
  pod: Pod;
}

for (const name of ["plain", "configured", "cni", "traced"]) {
  Deno.test(`the injected pod of ${name}.input.yaml is the one that was reviewed`, async () => {
    const input = parse(await Deno.readTextFile(new URL(`${name}.input.yaml`, FOLDER))) as Input;
    const base = mergeValues(defaultValues(), {
      linkerdVersion: "test",
      identityTrustAnchorsPEM: "-----BEGIN CERTIFICATE-----\nanchor\n-----END CERTIFICATE-----\n",
    });
    const injection = injectPod({
      pod: { metadata: input.pod.metadata!, spec: input.pod.spec! },
      namespace: input.namespace,
      values: mergeValues(base, input.values ?? {}),
      ...(input.owner === undefined ? {} : { owner: input.owner }),
      createdBy: "proxy-injector",
    });
    assert.deepEqual(injection.misread, []);
    const actual = stringify(applyPatch(input.pod, injection.patch), {
      lineWidth: 0,
      aliasDuplicateObjects: false,
    });
    const golden = new URL(`${name}.golden.yaml`, FOLDER);
    if (Deno.env.get("UPDATE_GOLDEN") === "1") await Deno.writeTextFile(golden, actual);
    assert.equal(actual, await Deno.readTextFile(golden));
  });
}
