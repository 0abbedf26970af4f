/** What connections to an application leave behind in the system: local ports that wait, and word of who is gone. */
import { deepEqual, equal, ok } from "node:assert/strict";
import {
  DATA,
  END_STREAM,
  frame,
  GET,
  headers,
  number32,
  RawPeer,
  RST_STREAM,
} from "../../conformance/http2/peer.ts";
import { bytesOf } from "../../conformance/http1/wire.ts";
import { type Pair, withPair } from "../../../src/proxy/testing/meshed_pair.ts";
import { Server, until } from "./peers.ts";

/** TCP connections to `port` whose local end waits for the minute to pass, in either kind of address. */
function waitingPorts(port: number): number {
  const TIME_WAIT = "06", hex = port.toString(16).toUpperCase().padStart(4, "0");
  return ["tcp", "tcp6"].flatMap((file) => Deno.readTextFileSync(`/proc/net/${file}`).split("\n"))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , remote = "", state]) => state === TIME_WAIT && remote.endsWith(`:${hex}`)).length;
}

async function withApplication(
  serve: (connection: Deno.TcpConn) => Promise<void>,
  use: (pair: Pair, port: number, application: Server) => Promise<void>,
): Promise<void> {
  const application = new Server(serve);
  await withPair(() => new Response(), async (pair) => {
    pair.server.redirect("inbound", { ip: "127.0.0.1", port: application.port });
    await use(pair, pair.server.inboundAddress.port, application);
  });
  await application.close();
}

const FIELDS = [...GET, ["l5d-orig-proto", "HTTP/1.1"]] as const;
const REQUEST = bytesOf("GET / HTTP/1.1\r\nhost: web\r\n\r\n");

Deno.test("an application that wants a connection for each request does not use up the ports", async () => {
  const last = bytesOf("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
  const closed = new Set<Promise<void>>();
  await withApplication(async (connection) => {
    await connection.read(new Uint8Array(4096));
    await connection.write(last);
    // It leaves the closing to its client.
    const end = connection.read(new Uint8Array(1)).then(() => {}, () => {}).finally(() => connection.close());
    closed.add(end);
  }, async (_pair, port, application) => {
    await Promise.all(Array.from({ length: 60 }, async () => {
      const client = await Deno.connect({ port }), buffer = new Uint8Array(4096);
      for (let asked = 0; asked < 50; asked++) {
        await client.write(REQUEST);
        ok((await client.read(buffer))! > 0);
      }
      client.close();
    }));
    await Promise.all(closed);
    const waiting = waitingPorts(application.port);
    ok(waiting > 1000 && waiting < 2700, `${waiting} ports wait`);
  });
});

Deno.test("an application hears by a reset that its client is gone, and no port waits for it", async () => {
  const asked: Deno.TcpConn[] = [], heard: string[] = [];
  await withApplication(async (connection) => {
    await connection.read(new Uint8Array(4096));
    await connection.write(bytesOf("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
    await connection.read(new Uint8Array(4096));
    asked.push(connection);
    await connection.read(new Uint8Array(1)).then(
      (count) => heard.push(`end ${count}`),
      (error) => heard.push(error.name),
    );
    connection.close();
  }, async (_pair, port, application) => {
    const client = await RawPeer.connect(port);
    await client.greet();
    await client.write(headers(1, FIELDS));
    await client.until(({ type, flags }) => type === DATA && (flags & END_STREAM) !== 0);
    await client.write(headers(3, FIELDS));
    await until("the request is with it", () => asked.length === 1);
    await client.write(frame(RST_STREAM, 0, 3, number32(8)));
    await until("it has heard", () => heard.length === 1);
    deepEqual(heard, ["ConnectionReset"]);
    equal(waitingPorts(application.port), 0);
    client.close();
  });
});
