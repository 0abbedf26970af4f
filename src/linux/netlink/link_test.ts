import assert from "node:assert/strict";
import { isolatedTest } from "../isolated.ts";
import { createNamespace, inNamespaces } from "../namespace.ts";
import { NetlinkError } from "./connection.ts";
import { Links } from "./link.ts";
import { parsePrefix, Routes } from "./route.ts";

isolatedTest("two namespaces joined by a veth pair carry a TCP connection", import.meta.url, async () => {
  const far = createNamespace("net");
  const links = new Links(), routes = new Routes();
  links.createVeth({ name: "near0", peerName: "eth0", peerNamespace: far.fd, mtu: 1400 });
  routes.addAddress(links.indexOf("near0"), "10.9.0.1/24");
  assert.deepEqual(
    links.list().filter(({ name }) => name === "near0").map(({ kind, isUp, mtu }) => ({ kind, isUp, mtu })),
    [{ kind: "veth", isUp: true, mtu: 1400 }],
  );
  const listener = inNamespaces({ enter: [far] }, () => {
    const inside = new Links(), insideRoutes = new Routes();
    inside.setUp("lo");
    inside.setUp("eth0");
    insideRoutes.addAddress(inside.indexOf("eth0"), "10.9.0.2/24");
    insideRoutes.addRoute({ gateway: "10.9.0.1" });
    const found = insideRoutes.routes().map(({ destination = "default", gateway }) =>
      `${destination} ${gateway ?? ""}`
    );
    assert.ok(found.includes("default 10.9.0.1") && found.includes("10.9.0.0/24 "), found.join(", "));
    return Deno.listen({ hostname: "10.9.0.2", port: 0 });
  });
  const port = (listener.addr as Deno.NetAddr).port;
  const accepted = listener.accept();
  const connection = await Deno.connect({ hostname: "10.9.0.2", port });
  const other = await accepted;
  assert.equal((other.remoteAddr as Deno.NetAddr).hostname, "10.9.0.1");
  await connection.write(new TextEncoder().encode("hello"));
  const buffer = new Uint8Array(5);
  assert.equal(await other.read(buffer), 5);
  connection.close();
  other.close();
  listener.close();
  links.delete("near0");
  assert.equal(links.find("near0"), undefined);
  assert.equal(inNamespaces({ enter: [far] }, () => new Links().find("eth0")), undefined);
  far.close();
});

isolatedTest("a bridge holds its ports, and what is refused says what and why", import.meta.url, () => {
  const links = new Links(), routes = new Routes();
  links.createBridge("pods");
  links.createVeth({ name: "a0", peerName: "a1" });
  links.enslave("a0", "pods");
  assert.equal(links.find("a0")?.master, links.find("pods")?.index);
  links.createBridge("nowhere");
  routes.addRoute({ destination: "10.43.0.0/16", interfaceIndex: links.indexOf("nowhere") });
  routes.addAddress(links.indexOf("nowhere"), "10.43.0.1/32");
  assert.ok(
    routes.addresses().some(({ address, prefixLength }) => address === "10.43.0.1" && prefixLength === 32),
  );
  routes.addRoute({ destination: "10.44.0.0/16", isUnreachable: true });
  assert.deepEqual(routes.routes().find(({ isUnreachable }) => isUnreachable)?.destination, "10.44.0.0/16");
  routes.deleteRoute({ destination: "10.44.0.0/16", isUnreachable: true });
  assert.equal(routes.routes().some(({ isUnreachable }) => isUnreachable), false);
  links.setForwarding("a0");
  assert.equal(Deno.readTextFileSync("/proc/sys/net/ipv4/conf/a0/forwarding").trim(), "1");
  links.setDown("a0");
  assert.equal(links.find("a0")?.isUp, false);
  assert.throws(() => links.createBridge("pods"), (error: NetlinkError) => {
    assert.ok(error instanceof NetlinkError);
    assert.match(error.message, /create bridge pods.*EEXIST/);
    return true;
  });
  assert.throws(() => links.enslave("a0", "missing"), /missing/);
});

Deno.test("a network is an address and how many of its bits count", () => {
  assert.deepEqual(parsePrefix("10.42.0.0/16"), { family: 2, bytes: [10, 42, 0, 0], length: 16 });
  assert.equal(parsePrefix("10.42.0.7").length, 32);
  assert.equal(parsePrefix("fd00::/8").bytes.length, 16);
  for (const text of ["", "10.42.0.0/33", "10.42.0/16", "10.42.0.0/x", "fd00::/129", "a.b.c.d"]) {
    assert.throws(() => parsePrefix(text), SyntaxError, text);
  }
});
