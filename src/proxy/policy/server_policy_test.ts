import { equal } from "node:assert/strict";
import { parseNetworks } from "../config/network.ts";
import {
  type Authorization,
  authorize,
  type Client,
  defaultServerPolicy,
  type ServerPolicy,
} from "./server_policy.ts";

const CLUSTER = parseNetworks("10.0.0.0/8")!;
const meshed = (ip: string): Client => ({
  ip,
  isTls: true,
  identity: "web.shop.serviceaccount.identity.linkerd.cluster.local",
});
const plain = (ip: string): Client => ({ ip, isTls: false, identity: undefined });

for (
  const [name, inCluster, outside, inClusterMeshed, outsideMeshed] of [
    ["all-unauthenticated", true, true, true, true],
    ["all-authenticated", false, false, true, true],
    ["cluster-unauthenticated", true, false, true, false],
    ["cluster-authenticated", false, false, true, false],
    ["audit", true, true, true, true],
    ["deny", false, false, false, false],
  ] as const
) {
  Deno.test(`the default policy ${name} admits exactly whom its name says`, () => {
    const policy = defaultServerPolicy(name, CLUSTER, false, 10_000);
    equal(authorize(policy, plain("10.1.2.3")) !== undefined, inCluster);
    equal(authorize(policy, plain("192.0.2.1")) !== undefined, outside);
    equal(authorize(policy, meshed("10.1.2.3")) !== undefined, inClusterMeshed);
    equal(authorize(policy, meshed("192.0.2.1")) !== undefined, outsideMeshed);
    equal(authorize(policy, plain("127.0.0.1")) !== undefined, true, "a workload may talk to itself");
    equal(authorize(policy, plain("::1")) !== undefined, true);
  });
}

function policyOf(authorization: Partial<Authorization>): ServerPolicy {
  const networks = parseNetworks("10.0.0.0/8")!.map((network) => ({
    network,
    except: parseNetworks("10.9.0.0/16")!,
  }));
  return {
    routes: [],
    protocol: "http1",
    detectTimeoutMs: 1000,
    server: { group: "policy.linkerd.io", kind: "server", name: "web" },
    authorizations: [{
      networks,
      authentication: { kind: "none" },
      resource: { group: "policy.linkerd.io", kind: "serverauthorization", name: "a" },
      ...authorization,
    }],
  };
}

Deno.test("an excepted network is outside the authorization", () => {
  equal(authorize(policyOf({}), plain("10.8.0.1"))?.resource.name, "a");
  equal(authorize(policyOf({}), plain("10.9.0.1")), undefined);
});

Deno.test("an identity is admitted by its name or by a suffix on a label's border, a URI only by its name", () => {
  const identity = (names: string[], suffixes: string[]) =>
    policyOf({ authentication: { kind: "identity", names: new Set(names), suffixes } });
  const client = (name: string): Client => ({ ip: "10.0.0.1", isTls: true, identity: name });
  equal(authorize(identity(["a.b"], []), client("a.b")) !== undefined, true);
  equal(authorize(identity(["a.b"], []), client("x.a.b")), undefined);
  equal(authorize(identity([], [".b"]), client("a.b")) !== undefined, true);
  equal(authorize(identity([], [".b"]), client("ab")), undefined);
  equal(authorize(identity([], [".example"]), client("spiffe://x.example")), undefined);
  equal(authorize(identity(["spiffe://x.example"], []), client("spiffe://x.example")) !== undefined, true);
});

Deno.test("a client that proves no identity passes where TLS alone is asked for, and only there", () => {
  const client: Client = { ip: "10.0.0.1", isTls: true, identity: undefined };
  equal(authorize(policyOf({ authentication: { kind: "tls" } }), client) !== undefined, true);
  equal(authorize(policyOf({ authentication: { kind: "tls" } }), plain("10.0.0.1")), undefined);
  const any = policyOf({ authentication: { kind: "identity", names: new Set(), suffixes: [""] } });
  equal(authorize(any, client), undefined);
});

Deno.test("a route admits whom it names beside those the server admits, and no other route gains by it", () => {
  const probe = policyOf({}).authorizations;
  const route = {
    resource: { group: "", kind: "default", name: "probe" },
    authorizations: probe,
    hosts: [],
    rules: [],
  };
  const closed: ServerPolicy = { ...policyOf({}), authorizations: [], routes: [route] };
  equal(authorize(closed, plain("10.8.0.1"), route)?.resource.name, "a");
  equal(authorize(closed, plain("10.8.0.1")), undefined);
});
