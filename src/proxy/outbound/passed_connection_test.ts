import { deepEqual, equal } from "node:assert/strict";
import { Endpoint } from "../connect/endpoint.ts";
import type { OutboundDecision } from "../control/plane.ts";
import { TestAuthority } from "../testing/certificates.ts";
import { balanced, endpointAt } from "../testing/fake_control.ts";
import { greeter, heard } from "../testing/heard.ts";
import { CLIENT, startTestProxy, type TestProxy } from "../testing/meshed_pair.ts";
import { rowValue } from "../testing/routed_shop.ts";
import { PassedConnection } from "./passed_connection.ts";

const authority = await TestAuthority.create();
const REDIS = "redis.shop.svc.cluster.local:6379", ADDRESS = { ip: "10.43.0.8", port: 6379 };
const KEY = "10.43.0.8:6379";

async function withDecision(
  decision: OutboundDecision,
  use: (proxy: TestProxy) => Promise<void> | void,
): Promise<void> {
  const proxy = await startTestProxy(authority, CLIENT);
  proxy.redirect("outbound", ADDRESS);
  proxy.control.decisions.set(KEY, decision);
  try {
    await use(proxy);
    deepEqual(proxy.faults, []);
  } finally {
    await proxy.stop();
  }
}

const later = () => new Promise((done) => setTimeout(done, 1));

/** A connection whose destination is known. */
async function passing(proxy: TestProxy, serverName = ""): Promise<PassedConnection> {
  const destination = proxy.outbound.destinationOf(ADDRESS)!;
  while (!destination.isKnown) await later();
  return new PassedConnection(proxy.runtime, destination, serverName);
}

Deno.test("a connection that is passed on is counted by its balancer, once, and not as a request", async () => {
  const listener = greeter();
  const live = endpointAt({ ip: "127.0.0.1", port: listener.port });
  const dead = endpointAt({ ip: "127.0.0.1", port: 1 });
  await withDecision(balanced(REDIS, "opaque"), async (proxy) => {
    proxy.control.endpoints.set(REDIS, [live, dead]);
    for (let i = 0; i < 8; i++) equal(await heard(proxy.outboundAddress.port, "PING"), "hello");
    const told = (name: string, ...labels: string[]) =>
      rowValue(proxy.runtime, `outbound_tcp_balancer_${name}`, ...labels);
    const whole = ['parent_name="web"', 'backend_name="web"', `logical="${REDIS}"`, `concrete="${REDIS}"`];
    equal(told("queue_requests_total", ...whole), 8, "an endpoint that refuses makes no second connection");
    equal(told("queue_latency_seconds"), 8);
    equal(told("queue_length"), 0);
    equal(told("p2c_endpoints"), 2);
    equal(told("p2c_updates_total", 'op="Add"'), 2);
    equal(told("queue_gate_timeout_seconds"), 0.3);
    equal(rowValue(proxy.runtime, "outbound_http_balancer_queue_requests_total"), 0);
    equal(rowValue(proxy.runtime, "outbound_tls_balancer_queue_requests_total"), 0);
  });
  listener.close();
});

Deno.test("connections that go by their TLS name are told apart from others, and a name without a route is not counted", async () => {
  const { opaque, parent } = balanced(REDIS);
  const tls = [{
    names: [{ kind: "exact" as const, value: "redis.example" }],
    resource: { ...parent, kind: "TLSRoute", name: "redis" },
    distribution: opaque,
  }];
  await withDecision({ ...balanced(REDIS, "tls"), tls }, async (proxy) => {
    proxy.control.endpoints.set(REDIS, [endpointAt({ ip: "127.0.0.1", port: 1 })]);
    const known = await passing(proxy, "redis.example"), unknown = await passing(proxy, "other.example");
    while (!(known.pick(undefined) instanceof Endpoint)) await later();
    const refused = unknown.pick(undefined);
    equal(refused !== undefined && "code" in refused && refused.code, "forbidden-route");
    equal(rowValue(proxy.runtime, "outbound_tls_balancer_queue_requests_total", 'parent_name="web"'), 1);
    equal(rowValue(proxy.runtime, "outbound_tls_balancer_queue_requests_total", "logical="), 0);
    equal(rowValue(proxy.runtime, "outbound_tcp_balancer_queue_requests_total"), 0);
  });
});

Deno.test("a connection that must wait is in the balancer's queue until it has an endpoint, or none came in time", async () => {
  await withDecision(balanced(REDIS, "opaque"), async (proxy) => {
    const { loop } = proxy.runtime, waiter = { onMayProceed: () => {} };
    const told = (name: string, ...labels: string[]) =>
      rowValue(proxy.runtime, `outbound_tcp_balancer_${name}`, ...labels);
    const [first, second] = [await passing(proxy), await passing(proxy)];
    for (const connection of [first, second]) {
      equal(connection.pick(undefined), undefined);
      connection.wait(waiter);
      connection.wait(waiter); // woken for nothing
    }
    equal(told("queue_length"), 2);
    equal(told("queue_requests_total"), 2);
    equal(told("queue_latency_seconds"), 0, "nobody has waited to the end yet");
    loop.now += 2_000_000;
    second.stopWaiting(waiter); // its client left
    equal(told("queue_length"), 1);
    loop.now += 2_000_000;
    const refused = first.pick(undefined);
    equal(refused !== undefined && "code" in refused && refused.code, "no-endpoints");
    equal(told("queue_gate_shut_total"), 1);
    proxy.control.update(REDIS, { kind: "add", endpoints: [endpointAt({ ip: "127.0.0.1", port: 1 })] });
    const third = await passing(proxy);
    equal(third.pick(undefined) instanceof Endpoint, true);
    equal(told("queue_gate_open_total"), 2);
    equal(told("queue_length"), 0);
    equal(told("queue_requests_total"), 3);
    equal(told("queue_latency_seconds"), 3);
    equal(Math.round(waitedSeconds(proxy)), 6);
  });
});

/** All time that was waited together. */
function waitedSeconds({ runtime: { telemetry, arena } }: TestProxy): number {
  const row = [...telemetry.balancers][0]!.waits(arena);
  return row.kind === "histogram" ? row.sum : NaN;
}
