import assert from "node:assert/strict";
import fc from "fast-check";
import { canonicalIp, formatIp, Network, parseIp } from "./address.ts";

Deno.test("IPv4 is one big-endian number, IPv6 two halves", () => {
  assert.deepEqual(parseIp("1.2.3.4"), { ip: { $case: "ipv4", value: 0x01020304 } });
  assert.deepEqual(parseIp("fd00::1"), { ip: { $case: "ipv6", value: { first: 0xfd00n << 48n, last: 1n } } });
  assert.equal(formatIp(parseIp("255.255.255.255")), "255.255.255.255");
});

Deno.test("what is no address is none", () => {
  const strange = [
    "",
    "1.2.3",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4.5",
    "::1::",
    ":::",
    "g::1",
    "1:2:3:4:5:6:7:8:9",
    "1:2",
    "a.b",
  ];
  for (const text of strange) assert.equal(parseIp(text), undefined, text);
});

Deno.test("IPv6 is spelt as browsers spell it, whichever way it came", () => {
  fc.assert(fc.property(fc.ipV6(), (text) => {
    const browser = new URL(`http://[${text}]/`).hostname.slice(1, -1);
    assert.equal(canonicalIp(text), browser);
    assert.equal(canonicalIp(browser), browser);
  }));
});

Deno.test("IPv4 survives the way there and back", () => {
  fc.assert(fc.property(fc.ipV4(), (text) => assert.equal(canonicalIp(text), text)));
});

Deno.test("networks hold what their prefix says, and nothing of the other family", () => {
  const table: [string, string, boolean][] = [
    ["10.0.0.0/8", "10.255.0.1", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["10.1.2.3/8", "10.0.0.1", true],
    ["0.0.0.0/0", "1.2.3.4", true],
    ["0.0.0.0/0", "::1", false],
    ["::/0", "fd00::1", true],
    ["fd00::/8", "fdff::1", true],
    ["fd00::/8", "fe00::1", false],
    ["192.168.1.1", "192.168.1.1", true],
    ["192.168.1.1", "192.168.1.2", false],
  ];
  for (const [network, ip, isInside] of table) {
    assert.equal(Network.parse(network)?.contains(parseIp(ip)!), isInside, `${ip} in ${network}`);
  }
  for (const strange of ["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "::/129", "x/8"]) {
    assert.equal(Network.parse(strange), undefined, strange);
  }
});
