/** Many requests at one moment, before an application that has no connection yet. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { endpointAt } from "../../../src/proxy/testing/fake_control.ts";
import { type Pair, SERVER, type TestProxy, withPair } from "../../../src/proxy/testing/meshed_pair.ts";
import {
  GET as FIELDS,
  GOAWAY,
  HEADERS,
  headers,
  RawPeer,
  RST_STREAM,
} from "../../conformance/http2/peer.ts";
import { bytesOf } from "../../conformance/http1/wire.ts";
import { isGone, Server, until, WEB } from "./peers.ts";

const BURST = 600, ANSWER = bytesOf("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
/** HTTP/2 to the proxies, HTTP/1 to the application. */
const DOWNGRADED = [...FIELDS, ["l5d-orig-proto", "HTTP/1.1"]] as const;

async function withApplication(
  answer: (connection: Deno.TcpConn) => Promise<unknown>,
  use: (pair: Pair, application: Server) => Promise<void>,
): Promise<void> {
  const application = new Server(async (connection) => {
    const buffer = new Uint8Array(4096);
    while (await connection.read(buffer) !== null) await answer(connection);
    connection.close();
  });
  await withPair(() => new Response(), async (pair) => {
    const address = { ip: "127.0.0.1", port: application.port };
    pair.client.control.endpoints.set(WEB, [endpointAt(address, SERVER, pair.server.inboundAddress.port)]);
    await use(pair, application);
  });
  await application.close();
}

/** The server's proxy alone, to which its clients' connections were redirected. */
function redirected(server: TestProxy, { port }: Server): number {
  server.redirect("inbound", { ip: "127.0.0.1", port });
  return server.inboundAddress.port;
}

/** `count` requests in one write; how each was answered. */
async function burst(port: number, count: number): Promise<Map<string, number>> {
  const peer = await RawPeer.connect(port), answers = new Map<string, number>();
  await peer.greet();
  await peer.write(...Array.from({ length: count }, (_, i) => headers(2 * i + 1, DOWNGRADED)));
  for (let left = count; left > 0; left--) {
    const answer = await peer.until(({ type }) => type === HEADERS || type === RST_STREAM || type === GOAWAY);
    const kind = answer?.type === HEADERS ? `status ${answer.payload[0]! & 127}` : `frame ${answer?.type}`;
    answers.set(kind, (answers.get(kind) ?? 0) + 1);
  }
  peer.close();
  return answers;
}

Deno.test("a burst of requests makes fewer connections than there are requests, and all are answered", async () => {
  await withApplication((connection) => connection.write(ANSWER), async ({ server }, application) => {
    deepEqual([...await burst(redirected(server, application), BURST)], [["status 8", BURST]]);
    const { length } = application.connections;
    ok(length < BURST, `${length} connections`);
    equal(server.inbound.inFlight.count, 0);
  });
});

Deno.test("an application that is slow still gets a connection for each request that waits", async () => {
  const held: Deno.TcpConn[] = [];
  await withApplication(
    (connection) => Promise.resolve(held.push(connection)),
    async ({ server }, application) => {
      const answers = burst(redirected(server, application), 300);
      await until("300 requests are with it", () => held.length === 300);
      for (const connection of held) await connection.write(ANSWER);
      deepEqual([...await answers], [["status 8", 300]]);
    },
  );
});

Deno.test("a client that leaves while its requests wait takes them along", async () => {
  let asked = 0;
  await withApplication(() => Promise.resolve(asked++), async ({ server }, application) => {
    const peer = await RawPeer.connect(redirected(server, application));
    await peer.greet();
    await peer.write(...Array.from({ length: BURST }, (_, i) => headers(2 * i + 1, DOWNGRADED)));
    peer.close();
    await until(
      "nothing is in hand",
      () => server.inbound.inFlight.count === 0 && server.inbound.connections.size === 0,
    );
    ok(asked <= BURST);
  });
});

Deno.test("a burst of HTTP/1 clients is answered too", async () => {
  await withApplication((connection) => connection.write(ANSWER), async ({ client }) => {
    const statuses = await Promise.all(Array.from({ length: 300 }, async () => {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port: client.outboundAddress.port });
      try {
        await connection.write(bytesOf("GET / HTTP/1.1\r\nhost: web\r\n\r\n"));
        const buffer = new Uint8Array(1024), count = await connection.read(buffer);
        return new TextDecoder().decode(buffer.subarray(9, Math.min(count ?? 0, 12)));
      } catch (error) {
        if (!isGone(error)) throw error;
        return "gone";
      } finally {
        connection.close();
      }
    }));
    deepEqual(statuses.filter((status) => status !== "200"), []);
  });
});
