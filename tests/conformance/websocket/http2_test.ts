/**
 * WebSocket of an HTTP/2 client (extended CONNECT) through a meshed pair: to an application that knows it as HTTP/1's
 * Upgrade, and to one that takes it as it is. RFC 8441, RFC 6455 §4.
 */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import hpack from "hpack.js";
import { endpointAt } from "../../../src/proxy/testing/fake_control.ts";
import { type Pair, SERVER, withPair } from "../../../src/proxy/testing/meshed_pair.ts";
import { Server } from "../../faults/data_path/peers.ts";
import { latin1 } from "../http1/wire.ts";
import {
  ACK,
  DATA,
  data,
  END_HEADERS,
  END_STREAM,
  type Fields,
  frame,
  HEADERS,
  headers,
  number32,
  PREFACE,
  RawPeer,
  RST_STREAM,
  setting,
  SETTINGS,
  WINDOW_UPDATE,
  wordOf,
} from "../http2/peer.ts";
import { acceptOf, Socket, switching, WEB, WEBSOCKET, withHttp1 } from "./http2_peers.ts";

const CANCEL = 8, NO_ERROR = 0;

Deno.test("a traced WebSocket goes on from the proxies' spans, which end where it begins", async () => {
  const trace = "4bf92f3577b34da6a3ce929d0e0e4736", parent = "00f067aa0ba902b7";
  await withHttp1(async ({ client, server }, application) => {
    const fields: Fields = [...WEBSOCKET, ["traceparent", `00-${trace}-${parent}-01`]];
    const socket = await Socket.ask(client.outboundAddress.port, fields);
    const request = await application.upgrade();
    equal((await socket.head()).get(":status"), "200");
    const spans = [...client.spans, ...server.spans], chain = [parent];
    equal(spans.length, 4, "before any of its bytes");
    while (chain.length < 5) {
      const next = spans.find(({ parentId }) => parentId.toHex() === chain.at(-1))!;
      equal(next.error, undefined);
      chain.push(next.spanId.toHex());
    }
    deepEqual(request.match(/^traceparent:.*$/gm), [`traceparent: 00-${trace}-${chain.at(-1)}-01`]);
    await application.say("hello");
    equal(await socket.take(5), "hello");
    socket.peer.close();
    await application.until(() => false).catch(() => {}); // its end, or its reset
    equal(client.spans.length + server.spans.length, 4);
  }, { LINKERD2_PROXY_TRACE_COLLECTOR_SVC_ADDR: "localhost.:1" });
});

Deno.test("an extended CONNECT is an Upgrade to an application of HTTP/1, and its bytes pass both ways", async () => {
  await withHttp1(async ({ client }, application) => {
    const socket = await Socket.ask(client.outboundAddress.port);
    const request = await application.upgrade();
    match(request, /^GET \/chat\?room=1 HTTP\/1\.1\r\n/);
    const lines = request.toLowerCase().split("\r\n");
    for (
      const line of ["host: web", "connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13"]
    ) {
      equal(lines.filter((said) => said === line).length, 1, request);
    }
    ok(!/^:|protocol: websocket|transfer-encoding|content-length/m.test(request), request);
    match(request, /^sec-websocket-key: [A-Za-z0-9+/]{22}==\r$/m);
    const answer = await socket.head();
    equal(answer.get(":status"), "200");
    equal(answer.get("sec-websocket-protocol"), "mesh.v1");
    for (const name of ["sec-websocket-accept", "connection", "upgrade"]) {
      equal(answer.has(name), false, name);
    }
    await socket.say("\x89\x04ping");
    equal(await application.until((text) => text.length >= 6), "\x89\x04ping");
    await application.say("\x8a\x04pong");
    equal(await socket.take(6), "\x8a\x04pong");
    socket.peer.close();
  });
});

Deno.test("two WebSockets have keys of their own", async () => {
  await withHttp1(async ({ client }, application) => {
    const socket = await Socket.ask(client.outboundAddress.port, [...WEBSOCKET, [
      "sec-websocket-key",
      "mine",
    ]]);
    const request = await application.upgrade();
    equal(request.match(/^sec-websocket-key: /gm)?.length, 1);
    equal(request.includes("mine"), false);
    equal((await socket.head()).get(":status"), "200");
    socket.peer.close();
  });
});

Deno.test("bytes right behind the application's 101 are the WebSocket's first", async () => {
  await withHttp1(async ({ client }, application) => {
    const socket = await Socket.ask(client.outboundAddress.port);
    await application.upgrade((key) => switching(acceptOf(key), "\x81\x02hi"));
    equal((await socket.head()).get(":status"), "200");
    equal(await socket.take(4), "\x81\x02hi");
    socket.peer.close();
  });
});

const SMUGGLED = "GET /smuggled HTTP/1.1\r\nhost: web\r\n\r\n";

Deno.test("content before the application has agreed waits for it, and is never seen by one that does not", async () => {
  for (const isAgreed of [true, false]) {
    await withHttp1(async ({ client }, application) => {
      const peer = await RawPeer.connect(client.outboundAddress.port), socket = new Socket(peer, 1);
      await peer.greet();
      await peer.write(headers(1, WEBSOCKET, END_HEADERS), data(1, SMUGGLED));
      const request = await application.until((text) => text.includes("\r\n\r\n"));
      equal(request.endsWith("\r\n\r\n") && !request.includes("smuggled"), true, request);
      const key = /^sec-websocket-key: (.*)\r$/m.exec(request)![1]!;
      if (isAgreed) {
        await application.say(switching(acceptOf(key)));
        equal(await application.until((text) => text.length >= SMUGGLED.length), SMUGGLED);
        equal((await socket.head()).get(":status"), "200");
      } else {
        await application.say("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno");
        equal((await socket.head()).get(":status"), "403");
        deepEqual(await socket.rest(), ["no", "ended"]);
        equal(await application.until(() => false), ""); // it is closed without another byte
      }
      peer.close();
    });
  }
});

for (
  const [name, answer] of [
    ["a key that was not answered", () => switching("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")],
    ["no answer to the key", () => "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"],
    ["another protocol", (key: string) => switching(acceptOf(key)).replace("WebSocket", "h2c")],
    [
      "no protocol",
      (key: string) =>
        `HTTP/1.1 101 X\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptOf(key)}\r\n\r\n`,
    ],
    ["200, which would be a WebSocket to HTTP/2", () => "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"],
  ] as const
) {
  Deno.test(`an application's answer of ${name} is a bad gateway`, async () => {
    await withHttp1(async ({ client }, application) => {
      const socket = await Socket.ask(client.outboundAddress.port);
      await application.upgrade(answer);
      equal((await socket.head()).get(":status"), "502");
      socket.peer.close();
    });
  });
}

Deno.test("the client's end is the application's, which may still speak; and the other way round", async () => {
  await withHttp1(async ({ client }, application) => {
    const socket = await Socket.ask(client.outboundAddress.port);
    await application.upgrade();
    await socket.head();
    await socket.say("last", END_STREAM);
    equal(await application.until(() => false), "last");
    await application.say("and mine");
    await (await application.accepted.promise).closeWrite();
    deepEqual(await socket.rest(), ["and mine", "ended"]);
    socket.peer.close();
  });
  await withHttp1(async ({ client }, application) => {
    const socket = await Socket.ask(client.outboundAddress.port);
    await application.upgrade();
    await socket.head();
    await application.say("last");
    await (await application.accepted.promise).closeWrite();
    deepEqual(await socket.rest(), ["last", "ended"]);
    await socket.say("and mine", END_STREAM);
    equal(await application.until(() => false), "and mine");
    socket.peer.close();
  });
});

Deno.test("a reset resets the application's connection, and a broken one resets the stream", async () => {
  await withHttp1(async ({ client }, application) => {
    const socket = await Socket.ask(client.outboundAddress.port);
    await application.upgrade();
    await socket.head();
    await socket.peer.write(frame(RST_STREAM, 0, 1, number32(CANCEL)));
    await rejects(application.until(() => false), Deno.errors.ConnectionReset); // as RFC 8441 §5 has it
    socket.peer.close();
  });
  await withHttp1(async ({ client }, application) => {
    const socket = await Socket.ask(client.outboundAddress.port);
    await application.upgrade();
    await socket.head();
    const connection = await application.accepted.promise;
    await socket.say("unread");
    await application.until((text) => text.includes("unread"));
    connection.close();
    await socket.say("x", END_STREAM);
    const [, ending] = await socket.rest();
    ok(ending === "ended" || ending.startsWith("reset"), ending);
    socket.peer.close();
  });
});

Deno.test("16 MB are echoed by a WebSocket application, by the windows of HTTP/2", async () => {
  const size = 16 << 20;
  await withPair((request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.binaryType = "arraybuffer";
    let heard = 0;
    socket.onmessage = ({ data }) => {
      heard += data.byteLength;
      socket.send(data);
      if (heard === size) socket.close(1000);
    };
    return response;
  }, async ({ client }) => {
    const socket = await Socket.ask(
      client.outboundAddress.port,
      WEBSOCKET.filter(([name]) =>
        !name.endsWith("ol") ||
        name === ":protocol"
      ),
    );
    equal((await socket.head()).get(":status"), "200");
    await socket.peer.write(frame(WINDOW_UPDATE, 0, 0, number32(1 << 30)));
    await socket.peer.write(frame(WINDOW_UPDATE, 0, 1, number32(1 << 30)));
    // Messages masked with zeroes, each a window's worth or less; what is sent heeds what is given back.
    const part = 16 << 10, head = `\x82\xfe${String.fromCharCode(part >> 8, part & 255)}\0\0\0\0`;
    const whole = head + "x".repeat(part), first = whole.slice(0, 9000), second = whole.slice(9000);
    let window = 65535, { credit } = socket, sent = 0, heard = 0;
    while (heard < size) {
      while (sent < size && window >= whole.length && credit >= whole.length) {
        await socket.say(first);
        await socket.say(second);
        window -= whole.length;
        credit -= whole.length;
        sent += part;
      }
      const next = await socket.peer.read();
      ok(next !== undefined, "the connection ended");
      if (next.type === WINDOW_UPDATE && next.stream === 1) window += wordOf(next);
      else if (next.type === WINDOW_UPDATE) credit += wordOf(next);
      else if (next.type === DATA) heard += next.payload.length;
      else ok(next.type !== RST_STREAM, "the stream was reset");
    }
    ok(heard >= size);
    socket.peer.close();
  });
});

/** An application of HTTP/2: what it says of itself, and how it answers HEADERS. */
async function withHttp2(
  settings: readonly Uint8Array[],
  use: (pair: Pair, requests: () => string[]) => Promise<void>,
): Promise<void> {
  const requests: string[] = [];
  const server = new Server(async (connection) => {
    const peer = new RawPeer(connection), decoder = hpack.decompressor.create({ table: { size: 4096 } });
    const first = latin1(await peer.take(PREFACE.length));
    if (first !== PREFACE) return connection.close();
    await peer.write(frame(SETTINGS, 0, 0, settings[0]), frame(SETTINGS, ACK, 0));
    for (;;) {
      const next = await peer.read();
      if (next === undefined) return;
      if (next.type === DATA) await peer.write(frame(DATA, 0, next.stream, next.payload));
      if (next.type !== HEADERS) continue;
      decoder.write(next.payload);
      decoder.execute();
      const fields: string[] = [];
      for (let field = decoder.read(); field !== null; field = decoder.read()) {
        if (/^:|^sec/.test(field.name)) fields.push(`${field.name}=${field.value}`);
      }
      requests.push(fields.sort().join(" "));
      await peer.write(headers(next.stream, [[":status", "200"]], END_HEADERS));
    }
  });
  await withPair(() => new Response(), async (pair) => {
    pair.client.control.endpoints.set(WEB, [
      endpointAt({ ip: "127.0.0.1", port: server.port }, SERVER, pair.server.inboundAddress.port),
    ]);
    await use(pair, () => requests);
  });
  await server.close();
}

Deno.test("an application that takes extended CONNECT gets it as it is", async () => {
  await withHttp2([setting(8, 1)], async ({ client }, requests) => {
    for (let i = 0; i < 2; i++) { // the first waits for the application's settings, the second finds them
      const socket = await Socket.ask(client.outboundAddress.port);
      equal((await socket.head()).get(":status"), "200");
      await socket.say("through");
      equal(await socket.take(7), "through");
      socket.peer.close();
    }
    const expected = ":authority=web :method=CONNECT :path=/chat?room=1 :protocol=websocket :scheme=http " +
      "sec-websocket-protocol=mesh.v1 sec-websocket-version=13";
    deepEqual(requests(), [expected, expected]);
  });
});

Deno.test("an application of HTTP/2 that does not take extended CONNECT is never sent one", async () => {
  await withHttp2([setting(3, 100)], async ({ client }, requests) => {
    const socket = await Socket.ask(client.outboundAddress.port);
    equal((await socket.head()).get(":status"), "502"); // it does not speak HTTP/1 either
    socket.peer.close();
    equal(requests().some((request) => request.includes(":protocol")), false, requests().join());
  });
});

Deno.test("a protocol that HTTP/1 has no handshake for is not implemented there", async () => {
  await withHttp2([setting(3, 100)], async ({ client }) => {
    const first = await Socket.ask(client.outboundAddress.port, [
      [":method", "GET"],
      [":scheme", "http"],
      [":path", "/"],
      [":authority", "web"],
    ], END_HEADERS | END_STREAM);
    equal((await first.head()).get(":status"), "200");
    first.peer.close();
    const other = WEBSOCKET.map(([name, value]) =>
      [name, name === ":protocol" ? "connect-udp" : value] as const
    );
    const socket = await Socket.ask(client.outboundAddress.port, other);
    equal((await socket.head()).get(":status"), "501");
    socket.peer.close();
  });
});

Deno.test("an application that cannot be reached fails a WebSocket as any request", async () => {
  const server = new Server(() => Promise.resolve()), { port } = server;
  await server.close();
  await withPair(() => new Response(), async ({ client, server }) => {
    client.control.endpoints.set(WEB, [
      endpointAt({ ip: "127.0.0.1", port }, SERVER, server.inboundAddress.port),
    ]);
    const socket = await Socket.ask(client.outboundAddress.port);
    equal((await socket.head()).get(":status"), "502");
    socket.peer.close();
  });
});

Deno.test("the fields of a refused WebSocket end as every response, with NO_ERROR for what was not wanted", async () => {
  await withHttp1(async ({ client }, application) => {
    const socket = await Socket.ask(client.outboundAddress.port);
    await application.upgrade(() =>
      "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic\r\ncontent-length: 0\r\n\r\n"
    );
    const answer = await socket.head();
    deepEqual([answer.get(":status"), answer.get("www-authenticate")], ["401", "Basic"]);
    const reset = await socket.peer.until(({ type }) => type === RST_STREAM);
    equal(wordOf(reset!), NO_ERROR);
    socket.peer.close();
  });
});
