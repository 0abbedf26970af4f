import { deepEqual, equal } from "node:assert/strict";
import { Server } from "../../../proto/gen/inbound.ts";
import { serverPolicyOf } from "./translate_inbound.ts";

const anyone = {
  networks: [{
    net: { ip: { ip: { $case: "ipv4" as const, value: 0x0a000000 } }, prefixLen: 8 },
    except: [],
  }],
  authentication: { permit: { $case: "unauthenticated" as const, value: {} } },
  labels: {},
  metadata: { kind: { $case: "default" as const, value: "probe" } },
};

function serverOf(changes: Partial<Server>): Server {
  return {
    protocol: { kind: { $case: "opaque", value: {} } },
    serverIps: [],
    authorizations: [],
    labels: { group: "policy.linkerd.io", kind: "server", name: "web" },
    ...changes,
  };
}

Deno.test("the kubelet's probes are a route of their own, found by path and method", () => {
  const match = {
    path: { kind: { $case: "exact" as const, value: "/healthz" } },
    headers: [],
    queryParams: [],
    method: { type: { $case: "registered" as const, value: 0 } },
  };
  const route = { hosts: [], authorizations: [anyone], rules: [{ matches: [match], filters: [] }] };
  const policy = serverPolicyOf(serverOf({
    protocol: {
      kind: {
        $case: "detect",
        value: {
          timeout: { seconds: 10n, nanos: 0 },
          httpLocalRateLimit: undefined,
          httpRoutes: [
            {
              metadata: { kind: { $case: "default", value: "default" } },
              hosts: [],
              authorizations: [],
              rules: [],
            },
            { metadata: { kind: { $case: "default", value: "probe" } }, ...route },
            {
              metadata: { kind: { $case: "default", value: "by host" } },
              ...route,
              hosts: [{ match: undefined }],
            },
          ],
        },
      },
    },
  }));
  equal(policy?.detectTimeoutMs, 10_000);
  deepEqual(policy?.routes.map(({ resource, matches }) => [resource.name, matches]), [
    ["probe", [{ path: "/healthz", method: "GET" }]],
  ]);
  equal(policy?.routes[0]?.authorizations[0]?.networks[0]?.network.prefixLength, 8);
});

Deno.test("identities and suffixes become names, and no parts match every identity", () => {
  const permit = (identities: string[], suffixes: string[][]) => ({
    permit: {
      $case: "meshTLS" as const,
      value: {
        clients: {
          $case: "identities" as const,
          value: {
            identities: identities.map((name) => ({ name })),
            suffixes: suffixes.map((parts) => ({ parts })),
          },
        },
      },
    },
  });
  const authorizations = [{ ...anyone, authentication: permit(["a.b"], [["foo", "bar"], []]) }];
  const policy = serverPolicyOf(serverOf({ authorizations }));
  deepEqual(policy?.authorizations[0]?.authentication, {
    kind: "identity",
    names: new Set(["a.b"]),
    suffixes: [".foo.bar", ""],
  });
});

Deno.test("a policy that lacks what is required is none", () => {
  equal(serverPolicyOf(serverOf({ protocol: undefined })), undefined);
  equal(serverPolicyOf(serverOf({ labels: {} })), undefined);
  equal(serverPolicyOf(serverOf({ authorizations: [{ ...anyone, networks: [] }] })), undefined);
  equal(serverPolicyOf(serverOf({ authorizations: [{ ...anyone, authentication: undefined }] })), undefined);
  equal(serverPolicyOf(Server.decode(new Uint8Array(0))), undefined);
});
