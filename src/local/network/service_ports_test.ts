import assert from "node:assert/strict";
import type { EndpointSlice, Service } from "../../kube/kinds.ts";
import { AddressPool } from "./address_pool.ts";
import { servicePorts } from "./service_ports.ts";

const service = (spec: Service["spec"]): Service => ({
  metadata: { namespace: "shop", name: "web" },
  spec: spec!,
});
const slice = (
  endpoints: EndpointSlice["endpoints"],
  ports: NonNullable<EndpointSlice["ports"]> = [{ name: "http", port: 8080, protocol: "TCP" }],
): EndpointSlice => ({
  metadata: { namespace: "shop", name: "web-1", labels: { "kubernetes.io/service-name": "web" } },
  addressType: "IPv4",
  endpoints,
  ports,
});
const HTTP = { name: "http", port: 80, targetPort: 8080 };

Deno.test("a service port leads to the ready endpoints of its name, each once", () => {
  const ports = servicePorts([
    service({ clusterIP: "10.43.0.7", ports: [HTTP, { name: "dns", port: 53, protocol: "UDP" }] }),
  ], [
    slice([{ addresses: ["10.42.0.2"], conditions: { ready: true } }, { addresses: ["10.42.0.3"] }]),
    slice([{ addresses: ["10.42.0.2"] }, { addresses: ["10.42.0.9"], conditions: { ready: false } }]),
  ]);
  assert.deepEqual(ports.map(({ targets }) => targets.map(({ ip, port }) => `${ip}:${port}`)), [
    ["10.42.0.2:8080", "10.42.0.3:8080"],
    [],
  ]);
  assert.equal(ports[0]?.name, "shop/web:http");
  assert.equal(ports[1]?.protocol, "UDP");
});

Deno.test("endpoints that terminate serve on while no other is ready", () => {
  const terminating = {
    addresses: ["10.42.0.4"],
    conditions: { ready: false, serving: true, terminating: true },
  };
  const of = (endpoints: EndpointSlice["endpoints"]) =>
    servicePorts([service({ clusterIP: "10.43.0.7", ports: [HTTP] })], [slice(endpoints)])[0]?.targets.map((
      { ip },
    ) => ip);
  assert.deepEqual(of([terminating]), ["10.42.0.4"]);
  assert.deepEqual(of([terminating, { addresses: ["10.42.0.5"] }]), ["10.42.0.5"]);
});

Deno.test("headless services, names of elsewhere and the node's own addresses have no rules", () => {
  const none = [
    service({ clusterIP: "None", ports: [HTTP] }),
    service({ type: "ExternalName", externalName: "example.com", ports: [HTTP] }),
    service({ clusterIP: "10.43.0.1", ports: [HTTP] }),
    service({ clusterIPs: ["fd00::1"], clusterIP: "fd00::1", ports: [HTTP] }),
  ];
  assert.deepEqual(servicePorts(none, [], new Set(["10.43.0.1"])), []);
});

Deno.test("addresses are given out in turn, rest when given back, and end", () => {
  const pool = new AddressPool("10.42.0.0/29");
  assert.equal(pool.first, "10.42.0.1");
  assert.equal(pool.take(), "10.42.0.2");
  pool.giveBack("10.42.0.2");
  assert.deepEqual([1, 2, 3, 4, 5].map(() => pool.take()), [
    "10.42.0.3",
    "10.42.0.4",
    "10.42.0.5",
    "10.42.0.6",
    "10.42.0.2",
  ]);
  assert.throws(() => pool.take(), RangeError);
  assert.throws(() => new AddressPool("fd00::/64"), RangeError);
});
