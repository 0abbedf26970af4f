import assert from "node:assert/strict";
import type { Container, Pod } from "../../kube/kinds.ts";
import { identityPrefix, parseIdMap } from "./identity.ts";

const EVERYBODY = parseIdMap("         0          0 4294967295\n"), ONE = parseIdMap("0 1000 1\n");
const prefix = (context: Container["securityContext"], podContext = {}, ranges = EVERYBODY) => {
  const pod: Pod = { spec: { containers: [], securityContext: podContext } };
  return identityPrefix(
    { name: "app", ...(context === undefined ? {} : { securityContext: context }) },
    pod,
    ranges,
  )
    ?.join(" ");
};

Deno.test("a container that asks for nobody in particular runs as the runner does", () => {
  assert.equal(prefix(undefined), "");
  assert.equal(prefix({ runAsUser: 0 }), "");
});

Deno.test("the container's user wins over the pod's; it may read this machine's files and has what it was given", () => {
  assert.equal(
    prefix({ runAsUser: 2102, capabilities: { add: ["NET_ADMIN", "CAP_NET_RAW"] } }, { runAsUser: 1 }),
    "setpriv --reuid 2102 --regid 0 --clear-groups --inh-caps=+dac_read_search,+net_admin,+net_raw " +
      "--ambient-caps=+dac_read_search,+net_admin,+net_raw --",
  );
  assert.equal(
    prefix({ allowPrivilegeEscalation: false }, {
      runAsUser: 7,
      runAsGroup: 8,
      supplementalGroups: [9],
      fsGroup: 10,
    }),
    "setpriv --reuid 7 --regid 8 --groups 9,10 --inh-caps=+dac_read_search --ambient-caps=+dac_read_search " +
      "--no-new-privs --",
  );
});

Deno.test("where one user exists, another cannot be had", () => {
  assert.equal(prefix({ runAsUser: 2102 }, {}, ONE), undefined);
  assert.equal(prefix({ runAsUser: 2102 }, {}, []), undefined);
  assert.equal(prefix({ runAsUser: 0 }, {}, ONE), "");
});

Deno.test("a capability that is no name never reaches the command line", () => {
  const text = prefix({ runAsUser: 5, capabilities: { add: ["x,+all", "ALL", "-a b"] } });
  assert.ok(text?.includes("--inh-caps=+dac_read_search "), String(text));
});
