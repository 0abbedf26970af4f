/** Requests that nobody read, since the application was about to leave: they go elsewhere, and others are not repeated. */
import { deepEqual, equal } from "node:assert/strict";
import http2 from "node:http2";
import { createServer, type Socket } from "node:net";
import { endpointAt } from "../../../src/proxy/testing/fake_control.ts";
import { type Pair, SERVER, withPair } from "../../../src/proxy/testing/meshed_pair.ts";
import { Client, GET, until, WEB } from "./peers.ts";

/** TCP connections at `port` in which bytes wait to be read. */
function unreadAt(port: number): number {
  const ESTABLISHED = "01", hex = port.toString(16).toUpperCase().padStart(4, "0");
  return Deno.readTextFileSync("/proc/net/tcp").split("\n").map((line) => line.trim().split(/\s+/))
    .filter(([, local = "", , state, queues = ""]) =>
      local.endsWith(`:${hex}`) && state === ESTABLISHED && !queues.endsWith(":00000000")
    ).length;
}

const POST = "POST /a HTTP/1.1\r\nHost: web\r\nContent-Length: 0\r\n\r\n";

/** An application that treats each connection in its way. */
async function withApplication(
  take: (connection: Socket, count: number) => void,
  use: (port: number, connections: readonly Socket[]) => Promise<void>,
): Promise<void> {
  const connections: Socket[] = [];
  const server = createServer((connection) => {
    connection.on("error", () => {});
    take(connection, connections.push(connection));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", () => done()));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it listens nowhere");
  await use(address.port, connections);
  for (const connection of connections) connection.destroy();
  await new Promise((done) => server.close(done));
}

const reset = (each: Socket): void => void each.once("data", () => each.resetAndDestroy());
const end = (each: Socket): void => void each.once("data", () => each.destroy());
const greet = (each: Socket): void =>
  void each.once("data", () => each.write("HTTP/1.1 100 Continue\r\n\r\n"));

/** `port` on the server's side, where the client's proxy finds it. */
function at({ server }: Pair, port: number, isMeshed: boolean) {
  const address = { ip: "127.0.0.1", port };
  return isMeshed ? endpointAt(address, SERVER, server.inboundAddress.port) : endpointAt(address);
}

for (const isMeshed of [true, false]) {
  const where = isMeshed ? "behind both proxies" : "behind the client's proxy";

  Deno.test(`an application that stops listening with 40 connections in its queue loses no GET: ${where}`, async () => {
    await withPair(() => new Response("fine"), async (pair) => {
      const { client, port } = pair, leaving = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      client.control.endpoints.set(WEB, [at(pair, leaving.addr.port, isMeshed)]);
      const clients = await Promise.all(
        Array.from({ length: 40 }, () => Client.connect(client.outboundAddress.port)),
      );
      const answers = clients.map((each) => each.ask(GET));
      await until("all requests wait in the queue", () => unreadAt(leaving.addr.port) === 40);
      client.control.update(WEB, { kind: "add", endpoints: [at(pair, port, isMeshed)] });
      leaving.close();
      deepEqual((await Promise.all(answers)).map((answer) => answer?.status), clients.map(() => 200));
      for (const each of clients) each.close();
    });
  });

  for (
    const [what, request, take, asked] of [
      ["a GET that nobody read is repeated, once", GET, reset, 2],
      ["a POST that nobody read is not repeated", POST, reset, 1],
      [
        "a GET after which an application ends is not repeated",
        GET,
        end,
        1,
      ],
    ] as const
  ) {
    Deno.test(`${what}: ${where}`, async () => {
      await withApplication(take, async (port, connections) => {
        await withPair(() => new Response(), async (pair) => {
          pair.client.control.endpoints.set(WEB, [at(pair, port, isMeshed)]);
          const client = await Client.connect(pair.client.outboundAddress.port);
          equal((await client.ask(request))?.status, 502);
          equal(connections.length, asked);
          client.close();
        });
      });
    });
  }

  Deno.test(`a GET of which an application has said something is not repeated: ${where}`, async () => {
    await withApplication(greet, async (port, connections) => {
      await withPair(() => new Response(), async (pair) => {
        pair.client.control.endpoints.set(WEB, [at(pair, port, isMeshed)]);
        const client = await Client.connect(pair.client.outboundAddress.port);
        equal((await client.ask(GET))?.status, 100);
        connections[0]!.resetAndDestroy();
        equal((await client.hear())?.status, 502);
        equal(connections.length, 1);
        client.close();
      });
    });
  });
}

Deno.test("HTTP/2 that was reset before the application's settings is sent again, whatever its method", async () => {
  const application = http2.createServer((_request, response) => response.end("fine"));
  const take = (connection: Socket, count: number): void => {
    if (count === 1) reset(connection);
    else application.emit("connection", connection);
  };
  await withApplication(take, async (port, connections) => {
    await withPair(() => new Response(), async (pair) => {
      pair.server.redirect("inbound", { ip: "127.0.0.1", port });
      const session = http2.connect(`http://127.0.0.1:${pair.server.inboundAddress.port}`);
      const status = await new Promise((done) => {
        const stream = session.request({ ":path": "/", ":method": "POST" });
        stream.on("response", (head) => done(head[":status"]));
        stream.on("error", done);
        stream.end();
        stream.resume();
      });
      equal(status, 200);
      equal(connections.length, 2);
      session.destroy();
    });
  });
});
