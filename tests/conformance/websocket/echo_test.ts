/** WebSocket through a meshed pair: what the application echoes is what the client said, whatever its size. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { type Pair, withPair } from "../../../src/proxy/testing/meshed_pair.ts";
import { converse } from "../http1/dialogue.ts";

const KIB = 1024, MIB = 1024 * KIB;

function echo(request: Request): Response {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return new Response(`plain ${new URL(request.url).pathname}`);
  }
  const protocol = request.headers.get("sec-websocket-protocol");
  const { socket, response } = Deno.upgradeWebSocket(request, protocol === null ? {} : { protocol });
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    if (data === "close me") socket.close(4321, "as you wish");
    else socket.send(data);
  };
  return response;
}

function withEcho(use: (pair: Pair & { readonly ws: string }) => Promise<void>): Promise<void> {
  // Fifty handshakes at once take their time on a busy machine.
  return withPair(echo, (pair) => use({ ...pair, ws: pair.url.replace("http", "ws") }), {
    LINKERD2_PROXY_INBOUND_DETECT_TIMEOUT: "30s",
  });
}

async function open(url: string, protocols: string[] = []): Promise<WebSocket> {
  const socket = new WebSocket(url, protocols);
  socket.binaryType = "arraybuffer";
  await new Promise((done, failed) => {
    socket.onopen = done;
    socket.onerror = failed;
  });
  return socket;
}

/** The next `count` messages. */
function hear<T>(socket: WebSocket, count: number): Promise<T[]> {
  const heard: T[] = [];
  return new Promise((done, failed) => {
    socket.onclose = ({ code }) => failed(new Error(`closed with ${code} after ${heard.length} messages`));
    socket.onmessage = ({ data }) => {
      heard.push(data);
      if (heard.length === count) done(heard);
    };
  });
}

async function close(socket: WebSocket, code?: number, reason?: string): Promise<CloseEvent> {
  const closed = new Promise<CloseEvent>((done) => socket.onclose = done);
  if (code === undefined) socket.close();
  else socket.close(code, reason);
  return await closed;
}

function patterned(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(size).map((_, i) => i * 31 + (i >> 8) * 7 + (i >> 16));
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}

Deno.test("binary messages of 1 KB to 16 MB come back as they were sent", async () => {
  await withEcho(async ({ ws }) => {
    const socket = await open(ws);
    for (const size of [0, 1, 125, 126, KIB, 16 * KIB, 65535, 65536, 100_000, MIB, 4 * MIB, 16 * MIB]) {
      const sent = patterned(size), heard = hear<ArrayBuffer>(socket, 1);
      socket.send(sent);
      ok(isSame(new Uint8Array((await heard)[0]!), sent), `${size} bytes`);
    }
    await close(socket);
  });
});

Deno.test("text messages of 1 KB to 16 MB come back as they were sent", async () => {
  await withEcho(async ({ ws }) => {
    const socket = await open(ws);
    for (const size of [1, KIB, 64 * KIB, MIB, 16 * MIB]) {
      const sent = "mesh äöü € 😀 ".repeat(Math.ceil(size / 22)), heard = hear<string>(socket, 1);
      socket.send(sent);
      equal((await heard)[0] === sent, true, `${size} bytes`);
    }
    await close(socket);
  });
});

Deno.test("a thousand messages sent at once come back in their order", async () => {
  await withEcho(async ({ ws }) => {
    const socket = await open(ws), heard = hear<string>(socket, 1000);
    const sent = Array.from({ length: 1000 }, (_, i) => `${i} ${"x".repeat(i * 7 % 3000)}`);
    for (const text of sent) socket.send(text);
    deepEqual(await heard, sent);
    await close(socket);
  });
});

Deno.test("fifty sockets echo beside each other, and plain requests beside them", async () => {
  await withEcho(async ({ ws, url }) => {
    const sockets = await Promise.all(Array.from({ length: 50 }, () => open(ws)));
    const answers = sockets.map(async (socket, i) => {
      const heard = hear<ArrayBuffer>(socket, 4);
      for (let n = 0; n < 4; n++) socket.send(patterned(20_000 + i * 100 + n));
      (await heard).forEach((data, n) => ok(isSame(new Uint8Array(data), patterned(20_000 + i * 100 + n))));
    });
    for (let i = 0; i < 50; i++) equal(await (await fetch(`${url}/${i}`)).text(), `plain /${i}`);
    await Promise.all(answers);
    for (const socket of sockets) await close(socket);
  });
});

Deno.test("the client's close code and reason reach the application, and the application's the client", async () => {
  const heard = Promise.withResolvers<CloseEvent>();
  await withPair((request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = () => socket.close(4321, "as you wish");
    socket.onclose = (event) => heard.resolve(event);
    return response;
  }, async ({ url }) => {
    const ws = url.replace("http", "ws"), closing = await open(ws);
    await close(closing, 4000, "enough");
    const { code, reason } = await heard.promise;
    deepEqual([code, reason], [4000, "enough"]);
    const asking = await open(ws), closed = new Promise<CloseEvent>((done) => asking.onclose = done);
    asking.send("close me");
    const event = await closed;
    deepEqual([event.code, event.reason, event.wasClean], [4321, "as you wish", true]);
  });
});

Deno.test("a subprotocol is agreed on through the pair", async () => {
  await withEcho(async ({ ws }) => {
    const socket = await open(ws, ["mesh.v1"]);
    equal(socket.protocol, "mesh.v1");
    await close(socket);
  });
});

Deno.test("an application that refuses the upgrade is heard, and the connection serves the next request", async () => {
  const ask = "GET /a HTTP/1.1\r\nHost: web\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  await withPair(
    (request) => new Response("no sockets here", { status: request.url.endsWith("/a") ? 426 : 200 }),
    async ({ client }) => {
      const { text } = await converse(
        client.outboundAddress.port,
        `${ask}GET /b HTTP/1.1\r\nHost: web\r\n\r\n`,
        2,
      );
      deepEqual([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status), ["426", "200"]);
    },
  );
});
