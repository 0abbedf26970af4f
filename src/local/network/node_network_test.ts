import assert from "node:assert/strict";
import { isolatedTest } from "../../linux/isolated.ts";
import { inNamespaces, type Namespace } from "../../linux/namespace.ts";
import { Links } from "../../linux/netlink/link.ts";
import { ECONNREFUSED } from "../../linux/errno.ts";
import {
  accept,
  close,
  connectTcp,
  listenTcp,
  localAddress,
  originalDestination,
  peerAddress,
  socketError,
} from "../../linux/socket.ts";
import { formatAddress } from "../../linux/address.ts";
import { runInit } from "../../init/main.ts";
import { openNftables } from "../../linux/netlink/nftables/batch.ts";
import { listRules } from "../../linux/netlink/nftables/dump.ts";
import { TABLE } from "./service_rules.ts";
import { NodeNetwork, type PodNetwork } from "./node_network.ts";
import type { ServicePort, Target } from "./service_ports.ts";

const port = (address: string, targets: Target[], protocol: "TCP" | "UDP" = "TCP"): ServicePort => ({
  name: `shop/${address}`,
  address,
  protocol,
  port: 80,
  targets,
});

const within = <T>(pod: PodNetwork | undefined, work: () => T): T =>
  pod === undefined ? work() : inNamespaces({ enter: [pod.namespace as Namespace] }, work);

const pause = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);

/** Waits for a handshake, which a busy kernel ends a moment after connect. @returns 0, or the errno it failed with */
function settled(fd: number): number {
  for (let waited = 0; waited < 2000; waited++) {
    const error = socketError(fd);
    if (error !== 0 || peerAddress(fd) !== undefined) return error;
    pause();
  }
  throw new Error("a connection neither stands nor fails");
}

/** The next connection of a listener; negative when none comes. */
function acceptSoon(listener: number): number {
  let fd = accept(listener);
  for (let waited = 0; fd < 0 && waited < 1000; waited++) {
    pause();
    fd = accept(listener);
  }
  return fd;
}

/** Connects from a pod (or the node) and closes again: 0, or the errno with which it failed. */
function connect(from: PodNetwork | undefined, ip: string): number {
  const fd = within(from, () => connectTcp({ ip, port: 80 }));
  if (fd < 0) return -fd;
  const error = settled(fd);
  close(fd);
  return error;
}

isolatedTest("pods and the node reach pods, service addresses and each other", import.meta.url, async () => {
  const network = new NodeNetwork();
  const client = network.addPod(), one = network.addPod(), two = network.addPod();
  const listeners = [one, two].map((pod) => within(pod, () => listenTcp({ ip: "0.0.0.0", port: 80 })));
  const api = listenTcp({ ip: "10.43.0.1", port: 80 });
  const take = (listener: number) => {
    const fd = acceptSoon(listener);
    // The client has closed already, which getpeername does not mind before the FIN is read.
    const from = fd < 0 ? undefined : peerAddress(fd)?.ip;
    if (fd >= 0) close(fd);
    return from;
  };

  connect(client, one.address);
  assert.equal(take(listeners[0]!), client.address, "pod to pod");
  connect(undefined, one.address);
  assert.equal(take(listeners[0]!), "10.42.0.1", "node to pod");
  connect(client, "10.43.0.1");
  assert.equal(take(api), client.address, "pod to the node's own service address");

  network.setServices([
    port("10.43.0.50", [{ ip: one.address, port: 80 }]),
    port("10.43.0.51", [one, two].map(({ address }) => ({ ip: address, port: 80 }))),
    port("10.43.0.52", []),
  ]);
  connect(client, "10.43.0.50");
  assert.equal(take(listeners[0]!), client.address, "pod to service");
  connect(undefined, "10.43.0.50");
  assert.equal(take(listeners[0]!), "10.42.0.1", "node to service");
  connect(one, "10.43.0.50");
  assert.equal(take(listeners[0]!), "10.42.0.1", "pod to itself by its service");

  const counts = [0, 0];
  for (let i = 0; i < 100; i++) connect(client, "10.43.0.51");
  for (let waited = 0; counts[0]! + counts[1]! < 100 && waited < 2000; waited++) {
    for (const [index, listener] of listeners.entries()) {
      for (let fd = accept(listener); fd >= 0; fd = accept(listener)) {
        counts[index]!++;
        close(fd);
      }
    }
    pause();
  }
  assert.equal(counts[0]! + counts[1]!, 100);
  assert.ok(counts[0]! > 20 && counts[1]! > 20, `spread over both: ${counts}`);

  for (const from of [client, undefined]) {
    for (const address of ["10.43.0.52", "10.43.9.9"]) {
      assert.equal(connect(from, address), ECONNREFUSED, "no endpoints: refused at once");
    }
  }

  network.setServices([port("10.43.0.50", [{ ip: two.address, port: 80 }])]);
  connect(client, "10.43.0.50");
  assert.equal(take(listeners[1]!), client.address, "the rules follow");
  assert.equal(connect(client, "10.43.0.51"), ECONNREFUSED);

  await network.close();
  for (const fd of [...listeners, api]) close(fd);
  assert.deepEqual(new Links().list().filter(({ name }) => name.startsWith("pod")), [], "no cable is left");
});

isolatedTest("redirected pods reach services through their proxies", import.meta.url, async () => {
  const network = new NodeNetwork();
  const client = network.addPod(), server = network.addPod();
  const args = ["-p", "4143", "-o", "4140", "-u", "2102"];
  for (const pod of [client, server]) assert.equal(within(pod, () => runInit(args, () => {})), 0);
  network.setServices([port("10.43.0.50", [{ ip: server.address, port: 8080 }])]);
  const outbound = within(client, () => listenTcp({ ip: "127.0.0.1", port: 4140 }));
  const inbound = within(server, () => listenTcp({ ip: "0.0.0.0", port: 4143 }));
  const api = listenTcp({ ip: "10.43.0.1", port: 80 });
  const arrival = (listener: number, ip: string, mark: number) => {
    const fd = within(client, () => connectTcp({ ip, port: 80 }, mark));
    const accepted = acceptSoon(listener);
    const original = accepted < 0 ? undefined : originalDestination(accepted) ?? localAddress(accepted);
    for (const each of [fd, accepted]) if (each >= 0) close(each);
    return original && formatAddress(original);
  };
  assert.equal(
    arrival(outbound, "10.43.0.50", 0),
    "10.43.0.50:80",
    "the application's connection meets its proxy",
  );
  assert.equal(
    arrival(inbound, "10.43.0.50", 0x4c5d),
    `${server.address}:8080`,
    "the proxy's meets the other proxy",
  );
  assert.equal(arrival(inbound, server.address, 0x4c5d), `${server.address}:80`, "by the pod's address too");
  assert.equal(arrival(api, "10.43.0.1", 0x4c5d), "10.43.0.1:80", "and reaches the node");
  for (const fd of [outbound, inbound, api]) close(fd);
  await network.close();
});

isolatedTest("a hundred services of three endpoints are set in one batch", import.meta.url, async () => {
  const network = new NodeNetwork();
  const ports = Array.from(
    { length: 100 },
    (_, i) =>
      port(
        `10.43.1.${i}`,
        [2, 3, 4].map((host) => ({ ip: `10.42.${i}.${host}`, port: 80 })),
        i % 2 ? "TCP" : "UDP",
      ),
  );
  network.setServices(ports);
  const rules = () =>
    listRules(openNftables(), "ip", TABLE).filter(({ expressions }) => expressions.includes("numgen"));
  assert.equal(rules().length, 100);
  network.setServices(ports.slice(1));
  assert.equal(rules().length, 99);
  await network.close();
});
