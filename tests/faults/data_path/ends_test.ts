/** Applications that end a connection as it begins, or before they have read all: what they said is what the client hears. */
import { deepEqual, equal, ok } from "node:assert/strict";
import http2 from "node:http2";
import { endpointAt } from "../../../src/proxy/testing/fake_control.ts";
import { type Pair, SERVER, withPair } from "../../../src/proxy/testing/meshed_pair.ts";
import {
  ACK,
  bytesOf,
  END_HEADERS,
  END_STREAM,
  frame,
  GOAWAY,
  HEADERS,
  join,
  number32,
  PREFACE,
  RawPeer,
  RST_STREAM,
  SETTINGS,
} from "../../conformance/http2/peer.ts";
import { Client, closeIfOpen, GET, Server, WEB } from "./peers.ts";

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const POST = "POST /a HTTP/1.1\r\nHost: web\r\nContent-Length: 0\r\n\r\n";
const MAX_STREAMS = 3, REFUSED = 7;

/** `application` behind one proxy or two. */
async function withApplication(
  isMeshed: boolean,
  serve: (connection: Deno.TcpConn, count: number) => Promise<void>,
  use: (pair: Pair, application: Server) => Promise<void>,
): Promise<void> {
  let count = 0;
  const application = new Server((connection) => serve(connection, ++count));
  await withPair(() => new Response(), async (pair) => {
    const address = { ip: "127.0.0.1", port: application.port };
    pair.client.control.endpoints.set(WEB, [
      isMeshed ? endpointAt(address, SERVER, pair.server.inboundAddress.port) : endpointAt(address),
    ]);
    await use(pair, application);
  });
  await application.close();
}

async function answer(connection: Deno.TcpConn, text = OK): Promise<void> {
  while (await connection.read(new Uint8Array(4096)) !== null) await connection.write(bytesOf(text));
  closeIfOpen(connection);
}

/** Statuses of as many requests beside each other. */
function askMany(session: http2.ClientHttp2Session, count: number, method = "GET"): Promise<unknown[]> {
  return Promise.all(Array.from({ length: count }, () =>
    new Promise<unknown>((done) => {
      const stream = session.request({ ":path": "/", ":method": method });
      let status: unknown;
      stream.on("response", (head) => status = head[":status"]);
      stream.on("error", (error) => done(error.message));
      stream.on("end", () => done(status));
      stream.end();
      stream.resume();
    })));
}

const accept = (peer: RawPeer, stream: number) =>
  peer.write(frame(HEADERS, END_HEADERS | END_STREAM, stream, Uint8Array.of(0x88)));

for (const isMeshed of [true, false]) {
  const where = isMeshed ? "behind both proxies" : "behind the client's proxy";

  Deno.test(`a GET to an application that closes the connection as it takes it, unread, is repeated: ${where}`, async () => {
    await withApplication(isMeshed, async (connection, count) => {
      if (count > 1) return await answer(connection);
      closeIfOpen(connection);
    }, async ({ client }, application) => {
      const asking = await Client.connect(client.outboundAddress.port);
      equal((await asking.ask(GET))?.status, 200);
      equal(application.connections.length, 2);
      asking.close();
    });
  });

  Deno.test(`a POST to an application that closes the connection as it takes it is asked once: ${where}`, async () => {
    await withApplication(isMeshed, async (connection) => {
      closeIfOpen(connection);
      await Promise.resolve();
    }, async ({ client }, application) => {
      const asking = await Client.connect(client.outboundAddress.port);
      equal((await asking.ask(POST))?.status, 502);
      equal(application.connections.length, 1);
      asking.close();
    });
  });

  Deno.test(`an application that answers before it has read a body, and closes, is heard: ${where}`, async () => {
    const early = "HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 5\r\n\r\nlarge";
    await withApplication(isMeshed, async (connection) => {
      await connection.read(new Uint8Array(512));
      await connection.write(bytesOf(early));
      closeIfOpen(connection); // by a reset: the body lies unread
    }, async ({ client }) => {
      for (let i = 0; i < 20; i++) {
        const asking = await Client.connect(client.outboundAddress.port), size = 300_000;
        const saying = asking.say(
          `POST / HTTP/1.1\r\nHost: web\r\nContent-Length: ${size}\r\n\r\n${"x".repeat(size)}`,
        ).catch(() => {});
        const heard = await asking.hear();
        deepEqual([i, heard?.status, heard?.body], [i, 413, "large"]);
        await saying;
        asking.close();
      }
    });
  });

  Deno.test(`so is one whose early answer ends with its connection: ${where}`, async () => {
    await withApplication(isMeshed, async (connection) => {
      await connection.read(new Uint8Array(512));
      await connection.write(bytesOf("HTTP/1.1 413 Too Large\r\n\r\nlarge"));
      await connection.closeWrite();
      closeIfOpen(connection);
    }, async ({ client }) => {
      for (let i = 0; i < 20; i++) {
        const asking = await Client.connect(client.outboundAddress.port), size = 300_000;
        const saying = asking.say(
          `POST / HTTP/1.0\r\nHost: web\r\nContent-Length: ${size}\r\n\r\n${"x".repeat(size)}`,
        ).catch(() => {});
        const heard = new Uint8Array(await new Response(asking.connection.readable).arrayBuffer());
        ok(
          new TextDecoder().decode(heard).endsWith("\r\n\r\nlarge"),
          `${i}: ${new TextDecoder().decode(heard)}`,
        );
        await saying;
      }
    });
  });

  for (const method of ["GET", "POST"]) {
    Deno.test(`a ${method} over HTTP/2 to an application that closes the connection as it takes it is repeated: ${where}`, async () => {
      await withApplication(isMeshed, async (connection, count) => {
        if (count === 1) return closeIfOpen(connection);
        const peer = new RawPeer(connection);
        await peer.take(PREFACE.length);
        await peer.write(frame(SETTINGS, 0, 0), frame(SETTINGS, ACK, 0));
        for (let next = await peer.read(); next !== undefined; next = await peer.read()) {
          if (next.type === HEADERS) await accept(peer, next.stream);
        }
        peer.close();
      }, async ({ url }) => {
        const session = http2.connect(url);
        deepEqual(await askMany(session, 1, method), [200]);
        session.destroy();
      });
    });

    Deno.test(`a ${method} to an application whose first word is GOAWAY, of nothing taken, is sent again: ${where}`, async () => {
      await withApplication(isMeshed, async (connection, count) => {
        const peer = new RawPeer(connection);
        await peer.take(PREFACE.length);
        if (count === 1) {
          await peer.write(
            frame(SETTINGS, 0, 0),
            frame(GOAWAY, 0, 0, join(number32(0), number32(0))),
          );
          return peer.close();
        }
        await peer.write(frame(SETTINGS, 0, 0), frame(SETTINGS, ACK, 0));
        for (let next = await peer.read(); next !== undefined; next = await peer.read()) {
          if (next.type === HEADERS) await accept(peer, next.stream);
        }
        peer.close();
      }, async ({ url }) => {
        const session = http2.connect(url);
        deepEqual(await askMany(session, 5, method), Array.from({ length: 5 }, () => 200));
        session.destroy();
      });
    });

    Deno.test(`a ${method} to an application that takes no streams at first waits until it does: ${where}`, async () => {
      await withApplication(isMeshed, async (connection) => {
        const peer = new RawPeer(connection);
        await peer.take(PREFACE.length);
        const limit = (count: number) =>
          frame(SETTINGS, 0, 0, join(Uint8Array.of(0, MAX_STREAMS), number32(count)));
        await peer.write(limit(0), frame(SETTINGS, ACK, 0));
        let isRaised = false;
        const raise = setTimeout(() => {
          isRaised = true;
          peer.write(limit(100));
        }, 100);
        for (let next = await peer.read(); next !== undefined; next = await peer.read()) {
          if (next.type !== HEADERS) continue;
          if (isRaised) await accept(peer, next.stream);
          else await peer.write(frame(RST_STREAM, 0, next.stream, number32(REFUSED)));
        }
        clearTimeout(raise);
        peer.close();
      }, async ({ url }, application) => {
        const session = http2.connect(url);
        deepEqual(await askMany(session, 5, method), Array.from({ length: 5 }, () => 200));
        ok(application.connections.length <= 10, `${application.connections.length} connections`);
        session.destroy();
      });
    });
  }
}
