/** WebSocket frame by frame, for what a browser's interface does not show: ping, pong, fragments, ends. RFC 6455. */
import { deepEqual, equal } from "node:assert/strict";
import { endpointAt } from "../../../src/proxy/testing/fake_control.ts";
import { SERVER, withPair } from "../../../src/proxy/testing/meshed_pair.ts";
import { bytesOf, latin1 } from "../http1/wire.ts";

const WEB = "web.shop.svc.cluster.local:80";
const UPGRADE =
  "GET /ws HTTP/1.1\r\nHost: web\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const SWITCH =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/** Reads whole runs of bytes of one connection. */
class Reader {
  #pending = "";
  constructor(readonly connection: Deno.TcpConn) {}

  async #more(): Promise<boolean> {
    const buffer = new Uint8Array(65536), count = await this.connection.read(buffer);
    if (count !== null) this.#pending += latin1(buffer.subarray(0, count));
    return count !== null;
  }

  async take(length: number): Promise<string> {
    while (this.#pending.length < length) {
      if (!await this.#more()) throw new Error(`it ended after ${JSON.stringify(this.#pending)}`);
    }
    const taken = this.#pending.slice(0, length);
    this.#pending = this.#pending.slice(length);
    return taken;
  }

  async head(): Promise<string> {
    let text = "";
    while (!text.endsWith("\r\n\r\n")) text += await this.take(1);
    return text;
  }

  /** What is left until the end. */
  async rest(): Promise<string> {
    while (await this.#more());
    return this.#pending;
  }

  async write(text: string): Promise<void> {
    for (let left = bytesOf(text); left.length > 0;) left = left.subarray(await this.connection.write(left));
  }
}

/** Client and application, both of raw bytes, after the upgrade. */
async function withTunnel(
  use: (client: Reader, application: Reader) => Promise<void>,
  early = "",
  answered = "",
): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await withPair(() => new Response(), async ({ client, server }) => {
    client.control.endpoints.set(WEB, [
      endpointAt({ ip: "127.0.0.1", port: listener.addr.port }, SERVER, server.inboundAddress.port),
    ]);
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: client.outboundAddress.port });
    const near = new Reader(connection);
    await near.write(UPGRADE + early);
    const far = new Reader(await listener.accept());
    const head = (await far.head()).toLowerCase();
    for (
      const line of [
        "connection: upgrade",
        "upgrade: websocket",
        "sec-websocket-key: dghlihnhbxbszsbub25jzq==",
      ]
    ) {
      equal(head.includes(`\r\n${line}\r\n`), true, head);
    }
    await far.write(SWITCH + answered);
    const answer = (await near.head()).toLowerCase();
    equal(answer.startsWith("http/1.1 101 "), true, answer);
    for (
      const line of [
        "connection: upgrade",
        "upgrade: websocket",
        "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=",
      ]
    ) {
      equal(answer.includes(`\r\n${line}\r\n`), true, answer);
    }
    await use(near, far);
    near.connection.close();
    far.connection.close();
  });
  listener.close();
}

const PING = "\x89\x04ping",
  PONG = "\x8a\x84\x01\x02\x03\x04qkmc",
  FRAGMENTS = "\x01\x03Hel\x00\x01l\x80\x01o";

Deno.test("pings, pongs, fragments and reserved bits pass both ways, byte for byte", async () => {
  await withTunnel(async (client, application) => {
    for (const bytes of [PING, PONG, FRAGMENTS, "\xf2\x00", "\x88\x02\x03\xe8", "no frame at all\r\n\r\n"]) {
      await client.write(bytes);
      equal(await application.take(bytes.length), bytes);
      await application.write(bytes);
      equal(await client.take(bytes.length), bytes);
    }
  });
});

Deno.test("frames right behind the heads are not lost", async () => {
  await withTunnel(
    async (client, application) => {
      equal(await client.take(PONG.length), PONG);
      equal(await application.take(PING.length), PING);
    },
    PING,
    PONG,
  );
});

Deno.test("bytes that look like a request in a tunnel are no request", async () => {
  const request = "GET /smuggled HTTP/1.1\r\nHost: web\r\n\r\n";
  await withTunnel(async (client, application) => {
    await client.write(request);
    equal(await application.take(request.length), request); // not one byte was added
  });
});

Deno.test("one side ends and the other still speaks", async () => {
  await withTunnel(async (client, application) => {
    await client.connection.closeWrite();
    equal(await application.rest(), "");
    const late = PING.repeat(50_000);
    const [, heard] = await Promise.all([
      application.write(late).then(() => application.connection.closeWrite()),
      client.rest(),
    ]);
    equal(heard === late, true, `${heard.length} bytes`);
  });
});

Deno.test("an application that is gone ends the client's side", async () => {
  await withTunnel(async (client, application) => {
    await application.write(PING);
    await application.connection.closeWrite();
    deepEqual(await client.rest(), PING);
  });
});
