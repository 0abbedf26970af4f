import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { parseDuration, PortSet } from "./duration.ts";
import { ConfigError, readConfig } from "./environment.ts";
import { addressBytes, contains, parseNetwork } from "./network.ts";

/** What the injector writes, shortened. */
export const ENVIRONMENT: Record<string, string> = {
  LINKERD2_PROXY_IDENTITY_DIR: "/var/run/linkerd/identity/end-entity",
  LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS: "-----BEGIN CERTIFICATE-----\n",
  LINKERD2_PROXY_IDENTITY_TOKEN_FILE: "/var/run/secrets/tokens/linkerd-identity-token",
  LINKERD2_PROXY_IDENTITY_LOCAL_NAME: "web.shop.serviceaccount.identity.linkerd.cluster.local",
  LINKERD2_PROXY_IDENTITY_SVC_ADDR: "linkerd-identity-headless.linkerd.svc.cluster.local.:8080",
  LINKERD2_PROXY_IDENTITY_SVC_NAME: "linkerd-identity.linkerd.serviceaccount.identity.linkerd.cluster.local",
  LINKERD2_PROXY_DESTINATION_SVC_ADDR: "localhost.:8086",
  LINKERD2_PROXY_POLICY_SVC_ADDR: "linkerd-policy.linkerd.svc.cluster.local.:8090",
  LINKERD2_PROXY_POLICY_SVC_NAME: "linkerd-destination.linkerd.serviceaccount.identity.linkerd.cluster.local",
  LINKERD2_PROXY_POLICY_WORKLOAD: '{"ns":"shop", "pod":"web-1"}',
};

Deno.test("the injector's environment makes a configuration with Linkerd's defaults", () => {
  const config = readConfig({
    ...ENVIRONMENT,
    LINKERD2_PROXY_INBOUND_CONNECT_TIMEOUT: "100ms",
    LINKERD2_PROXY_INBOUND_PORTS: "80,8080-8082",
    LINKERD2_PROXY_INBOUND_IPS: "10.42.0.7,fd00::7",
    LINKERD2_PROXY_OUTBOUND_LISTEN_ADDRS: "127.0.0.1:4140,[::1]:4140",
  });
  equal(config.inbound.connectTimeoutMs, 100);
  equal(config.outbound.connectTimeoutMs, 1000);
  equal(config.outbound.poolIdleTimeoutMs, 3000);
  deepEqual([...config.inboundPorts], [80, 8080, 8081, 8082]);
  ok(config.inboundIps.has("fd00::7"));
  deepEqual(config.outboundListen, [{ ip: "127.0.0.1", port: 4140 }, { ip: "::1", port: 4140 }]);
  deepEqual(config.destination.service, { host: "localhost.", port: 8086, identity: undefined });
  equal(config.policy.service.identity?.startsWith("linkerd-destination."), true);
  equal(config.defaultPolicy, "all-unauthenticated");
});

Deno.test("everything that is wrong is reported at once, by variable", () => {
  throws(
    () =>
      readConfig({
        ...ENVIRONMENT,
        LINKERD2_PROXY_IDENTITY_LOCAL_NAME: "",
        LINKERD2_PROXY_INBOUND_DETECT_TIMEOUT: "1.5s",
        LINKERD2_PROXY_INBOUND_DEFAULT_POLICY: "open",
        LINKERD2_PROXY_CONTROL_STREAM_INITIAL_TIMEOUT: "10m",
        LINKERD2_PROXY_CONTROL_STREAM_IDLE_TIMEOUT: "5m",
        LINKERD2_PROXY_OUTBOUND_CONNECT_EXP_BACKOFF_MIN: "1s",
      }),
    (error: unknown) => {
      ok(error instanceof ConfigError);
      equal(error.problems.length, 5);
      for (
        const name of ["LOCAL_NAME", "DETECT_TIMEOUT", "DEFAULT_POLICY", "CONTROL_STREAM", "BACKOFF_MIN"]
      ) {
        ok(error.message.includes(name), name);
      }
      return true;
    },
  );
});

Deno.test("durations have a whole number and a unit, or are a bare zero", () => {
  deepEqual(["0", "1ms", "10s", "2m", "1h", "365d"].map(parseDuration), [
    0,
    1,
    10_000,
    120_000,
    3.6e6,
    3.1536e10,
  ]);
  for (const wrong of ["", "10", "1.5s", "-1s", "1 s", "s", "1w"]) {
    equal(parseDuration(wrong), undefined, wrong);
  }
});

Deno.test("a list of ports with a part that is none is refused as a whole", () => {
  ok(PortSet.parse("25,587,4000-4010")!.has(4010));
  equal(PortSet.parse("25,587,4000-4010")!.has(4011), false);
  for (const wrong of ["http", "80-70", "70000", "1-2-3"]) equal(PortSet.parse(wrong), undefined, wrong);
});

Deno.test("an address lies in a network by its prefix, never across families", () => {
  const ten = parseNetwork("10.0.0.0/8")!, odd = parseNetwork("100.64.0.0/10")!;
  ok(contains(ten, addressBytes("10.255.1.2")!));
  equal(contains(ten, addressBytes("11.0.0.1")!), false);
  ok(contains(odd, addressBytes("100.127.255.255")!));
  equal(contains(odd, addressBytes("100.128.0.0")!), false);
  ok(contains(parseNetwork("0.0.0.0/0")!, addressBytes("1.2.3.4")!));
  equal(contains(parseNetwork("::/0")!, addressBytes("1.2.3.4")!), false);
  ok(contains(parseNetwork("fd00::/8")!, addressBytes("fdff::1")!));
  for (const wrong of ["10.0.0.0/33", "10.0.0/8", "x/8", "10.0.0.0/8/8"]) {
    equal(parseNetwork(wrong), undefined);
  }
});
