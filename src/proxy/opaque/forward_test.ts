import { deepEqual, equal } from "node:assert/strict";
import type { ConnectWaiter } from "../connect/turn_queue.ts";
import { Endpoint } from "../connect/endpoint.ts";
import { PassedConnection } from "../outbound/passed_connection.ts";
import { TestAuthority } from "../testing/certificates.ts";
import { balanced, endpointAt } from "../testing/fake_control.ts";
import { CLIENT, startTestProxy, type TestProxy } from "../testing/meshed_pair.ts";

const authority = await TestAuthority.create();
const REDIS = "redis.shop.svc.cluster.local:6379", ADDRESS = { ip: "10.43.0.8", port: 6379 };

interface Rig {
  readonly proxy: TestProxy;
  readonly endpoint: Endpoint;
}

/** An application that greets, behind a proxy that knows its port to be opaque. */
async function withOpaque(use: (rig: Rig) => Promise<void>): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of listener) {
      await connection.write(new TextEncoder().encode("hello")).catch(() => {}); // a client may have left
      connection.close();
    }
  })();
  const proxy = await startTestProxy(authority, CLIENT);
  proxy.redirect("outbound", ADDRESS);
  proxy.control.decisions.set("10.43.0.8:6379", balanced(REDIS, "opaque"));
  proxy.control.endpoints.set(REDIS, [
    endpointAt({ ip: "127.0.0.1", port: (listener.addr as Deno.NetAddr).port }),
  ]);
  const destination = proxy.outbound.destinationOf(ADDRESS)!;
  const passed = new PassedConnection(proxy.runtime, destination, "");
  let endpoint = passed.pick(undefined);
  while (!(endpoint instanceof Endpoint)) {
    await new Promise((done) => setTimeout(done, 1));
    endpoint = passed.pick(undefined);
  }
  try {
    await use({ proxy, endpoint });
    deepEqual(proxy.faults, []);
  } finally {
    await proxy.stop();
    listener.close();
    await serving.catch(() => {}); // the listener was closed
  }
  equal(proxy.runtime.arena.slots.used, 0, "every buffer was given back");
}

/** Makes all connections that may be made at once, in name only. @returns resolves when the next one could be */
function exhaust(endpoint: Endpoint, onTurn: () => void): void {
  const waiter: ConnectWaiter = { onTurn, onTooLate: () => {} };
  while (endpoint.takeTurn(waiter) === undefined);
}

Deno.test("an opaque connection waits its turn where too many are being made at once", async () => {
  await withOpaque(async ({ proxy, endpoint }) => {
    let openBefore = -1;
    exhaust(endpoint, () => openBefore = endpoint.open);
    const connection = await Deno.connect({ port: proxy.outboundAddress.port });
    const buffer = new Uint8Array(10), count = await connection.read(buffer);
    equal(new TextDecoder().decode(buffer.subarray(0, count ?? 0)), "hello");
    equal(openBefore, 0, "whoever came before had its turn before");
    connection.close();
  });
});
