import { deepEqual, equal } from "node:assert/strict";
import { type HttpLocalRateLimit, type HttpRoute, Server } from "../../../proto/gen/inbound.ts";
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

const metadata = (value: string) => ({ kind: { $case: "default" as const, value } });

function detect(httpRoutes: HttpRoute[], httpLocalRateLimit?: HttpLocalRateLimit): Partial<Server> {
  const timeout = { seconds: 10n, nanos: 0 };
  return { protocol: { kind: { $case: "detect", value: { timeout, httpRoutes, httpLocalRateLimit } } } };
}

/** As the proxy gets it. */
const received = (changes: Partial<Server>) =>
  serverPolicyOf(Server.decode(Server.encode(serverOf(changes)).finish()));

const MATCH = {
  path: { kind: { $case: "exact" as const, value: "/healthz" } },
  headers: [{ name: "X-A", value: { $case: "exact" as const, value: Uint8Array.of(0x61, 0xe9) } }],
  queryParams: [{ name: "q", value: { $case: "regex" as const, value: "a+" } }],
  method: { type: { $case: "registered" as const, value: 0 } },
};

Deno.test("routes are kept with hosts, matches, filters and who may take them", () => {
  const host = { match: { $case: "suffix" as const, value: { reverseLabels: ["com", "example"] } } };
  const policy = received(detect([
    { metadata: metadata("default"), hosts: [], authorizations: [], rules: [{ matches: [], filters: [] }] },
    {
      metadata: metadata("probe"),
      hosts: [host],
      authorizations: [anyone],
      rules: [{ matches: [MATCH], filters: [{ kind: undefined }] }],
    },
  ]));
  equal(policy?.detectTimeoutMs, 10_000);
  deepEqual(policy?.routes.map(({ resource, hosts, rules }) => [resource.name, hosts, rules]), [
    ["default", [], [{ matches: [], filters: [] }]],
    ["probe", [{ kind: "suffix", reverseLabels: ["com", "example"] }], [{
      matches: [{
        kind: "http",
        path: { kind: "exact", value: "/healthz" },
        headers: [{ name: "x-a", value: { kind: "exact", value: "a\xe9" } }],
        queryParams: [{ name: "q", value: { kind: "regex", pattern: "a+" } }],
        method: "GET",
      }],
      filters: [{ kind: "invalid", message: "a filter that this proxy does not know" }],
    }]],
  ]);
  equal(policy?.routes[1]?.authorizations[0]?.networks[0]?.network.prefixLength, 8);
});

Deno.test("a policy with a route that cannot be understood fails every request", () => {
  const regex = { kind: { $case: "regex" as const, value: "(" } };
  for (
    const [hosts, path] of [[[{ match: undefined }], MATCH.path], [[], regex], [[], {
      kind: undefined,
    }]] as const
  ) {
    const rules = [{ matches: [{ ...MATCH, path }], filters: [] }];
    const policy = received(
      detect([{ metadata: metadata("bad"), hosts: [...hosts], authorizations: [], rules }]),
    );
    deepEqual(policy?.routes.map(({ resource, rules }) => [resource.name, rules[0]?.filters[0]?.kind]), [
      ["invalid", "invalid"],
    ]);
  }
});

Deno.test("a rate limit is kept with its overrides", () => {
  const limit = received(detect([], {
    metadata: {
      kind: {
        $case: "resource",
        value: {
          group: "policy.linkerd.io",
          kind: "HTTPLocalRateLimitPolicy",
          name: "web",
          namespace: "shop",
          section: "",
          port: 0,
        },
      },
    },
    total: { requestsPerSecond: 100 },
    identity: undefined,
    overrides: [{ limit: { requestsPerSecond: 5 }, clients: { identities: [{ name: "a" }, { name: "b" }] } }],
  }))?.rateLimit;
  deepEqual(limit, {
    resource: { group: "policy.linkerd.io", kind: "HTTPLocalRateLimitPolicy", name: "web" },
    total: 100,
    identity: 0,
    overrides: [{ requestsPerSecond: 5, identities: ["a", "b"] }],
  });
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
