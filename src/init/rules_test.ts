import assert from "node:assert/strict";
import { parseOptions, UsageError } from "./options.ts";
import { formatRule, rulesOf } from "./rules.ts";

const BASE = ["-p", "4143", "-o", "4140"];
const lines = (...args: string[]) =>
  rulesOf(parseOptions([...BASE, ...args])).map((rule) =>
    formatRule(rule).replace("add rule inet linkerd ", "").replace(/ comment .*/, "")
  );

Deno.test("every connection is redirected but the proxy's own, loopback and the ignored ports, in Linkerd's order", () => {
  assert.deepEqual(
    lines(
      "-u",
      "2102",
      "-g",
      "2103",
      "--inbound-ports-to-ignore",
      "4190,4191,25-30",
      "--outbound-ports-to-ignore",
      "4567",
      "--subnets-to-ignore",
      "10.9.0.0/16,fd00::/8",
    ),
    [
      "PROXY_INIT_REDIRECT tcp dport 4190 return",
      "PROXY_INIT_REDIRECT tcp dport 4191 return",
      "PROXY_INIT_REDIRECT tcp dport 25-30 return",
      "PROXY_INIT_REDIRECT ip saddr 10.9.0.0/16 return",
      "PROXY_INIT_REDIRECT ip6 saddr fd00::/8 return",
      "PROXY_INIT_REDIRECT meta l4proto tcp redirect to :4143",
      "PROXY_INIT_OUTPUT meta skuid 2102 return",
      "PROXY_INIT_OUTPUT meta skgid 2103 return",
      "PROXY_INIT_OUTPUT meta mark 0x4c5d return",
      'PROXY_INIT_OUTPUT oifname "lo" return',
      "PROXY_INIT_OUTPUT tcp dport 4567 return",
      "PROXY_INIT_OUTPUT meta l4proto tcp redirect to :4140",
    ],
  );
});

Deno.test("with ports to redirect, only those are, and no user or group is exempt unless named", () => {
  assert.deepEqual(lines("-r", "80,8000-8010"), [
    "PROXY_INIT_REDIRECT tcp dport 80 redirect to :4143",
    "PROXY_INIT_REDIRECT tcp dport 8000-8010 redirect to :4143",
    "PROXY_INIT_OUTPUT meta mark 0x4c5d return",
    'PROXY_INIT_OUTPUT oifname "lo" return',
    "PROXY_INIT_OUTPUT meta l4proto tcp redirect to :4140",
  ]);
});

Deno.test("a subnet that is none is refused by name", () => {
  assert.throws(
    () => lines("--subnets-to-ignore", "10.0.0.0/40"),
    (error) =>
      error instanceof UsageError && /--subnets-to-ignore: not a network: "10.0.0.0\/40"/.test(error.message),
  );
});
