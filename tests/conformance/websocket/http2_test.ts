/**
 * WebSocket of an HTTP/2 client (extended CONNECT) through a meshed pair: to an application that knows it as HTTP/1's
 * Upgrade, and to one that takes it as it is. RFC 8441, RFC 6455 §4.
 */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { createHash } from "node:crypto";
import hpack from "hpack.js";
import { endpointAt } from "../../../src/proxy/testing/fake_control.ts";
import { type Pair, SERVER, withPair } from "../../../src/proxy/testing/meshed_pair.ts";
import { Server } from "../../faults/data_path/peers.ts";
import { bytesOf, latin1 } from "../http1/wire.ts";
import {
  ACK,
  DATA,
  data,
  END_HEADERS,
  END_STREAM,
  type Fields,
  type Frame,
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

const WEB = "web.shop.svc.cluster.local:80", CANCEL = 8, NO_ERROR = 0;
const WEBSOCKET: Fields = [
  [":method", "CONNECT"],
  [":protocol", "websocket"],
  [":scheme", "http"],
  [":path", "/chat?room=1"],
  [":authority", "web"],
  ["sec-websocket-version", "13"],
  ["sec-websocket-protocol", "mesh.v1"],
  ["origin", "http://web"],
];

function acceptOf(key: string): string {
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

/** A WebSocket's side in HTTP/2: frames out, fields and bytes in. */
class Socket {
  readonly #decoder = hpack.decompressor.create({ table: { size: 4096 } });
  #bytes = "";
  ending: string | undefined;
  /** What the connection's window was seen to grow to. */
  credit = 65535;

  constructor(readonly peer: RawPeer, readonly id: number) {}

  static async ask(port: number, fields: Fields = WEBSOCKET, flags = END_HEADERS): Promise<Socket> {
    const peer = await RawPeer.connect(port);
    await peer.greet();
    await peer.write(headers(1, fields, flags));
    return new Socket(peer, 1);
  }

  async #next(): Promise<Frame | undefined> {
    const next = await this.peer.until((frame) => {
      if (frame.type === WINDOW_UPDATE && frame.stream === 0) this.credit += wordOf(frame);
      return frame.stream === this.id;
    });
    if (next?.type === RST_STREAM) this.ending = `reset ${wordOf(next)}`;
    else if (next === undefined) this.ending = "closed";
    else if (next.flags & END_STREAM) this.ending ??= "ended";
    return next;
  }

  /** The fields of the next HEADERS. */
  async head(): Promise<Map<string, string>> {
    for (;;) {
      const next = await this.#next();
      if (next === undefined || next.type === RST_STREAM) return new Map([[":status", this.ending!]]);
      if (next.type !== HEADERS) continue;
      this.#decoder.write(next.payload);
      this.#decoder.execute();
      const fields = new Map<string, string>();
      for (let field = this.#decoder.read(); field !== null; field = this.#decoder.read()) {
        fields.set(field.name, field.value);
      }
      return fields;
    }
  }

  #take({ type, payload }: Frame): void {
    if (type === DATA) this.#bytes += latin1(payload);
  }

  async take(length: number): Promise<string> {
    while (this.#bytes.length < length && this.ending === undefined) {
      const next = await this.#next();
      if (next !== undefined) this.#take(next);
    }
    const taken = this.#bytes.slice(0, length);
    this.#bytes = this.#bytes.slice(length);
    return taken;
  }

  /** All that comes until the stream ends, and how it does. */
  async rest(): Promise<[string, string]> {
    while (this.ending === undefined) {
      const next = await this.#next();
      if (next !== undefined) this.#take(next);
    }
    return [this.#bytes, this.ending];
  }

  say(text: string, flags = 0): Promise<void> {
    return this.peer.write(data(this.id, text, flags));
  }
}

/** What an application of HTTP/1 was sent on its first connection, until the empty line and after. */
class Application {
  readonly server: Server;
  readonly accepted = Promise.withResolvers<Deno.TcpConn>();
  text = "";

  constructor() {
    this.server = new Server((connection) => {
      this.accepted.resolve(connection);
      return Promise.resolve();
    });
  }

  async until(isWhole: (text: string) => boolean): Promise<string> {
    const connection = await this.accepted.promise, buffer = new Uint8Array(65536);
    while (!isWhole(this.text)) {
      const count = await connection.read(buffer);
      if (count === null) break;
      this.text += latin1(buffer.subarray(0, count));
    }
    const { text } = this;
    this.text = "";
    return text;
  }

  /** The request's head; it answers the key unless told to say something else. */
  async upgrade(answer?: (key: string) => string): Promise<string> {
    const head = await this.until((text) => text.includes("\r\n\r\n"));
    const key = /^sec-websocket-key: (.*)\r$/m.exec(head)?.[1] ?? "";
    await this.say(answer?.(key) ?? switching(acceptOf(key)));
    return head;
  }

  async say(text: string): Promise<void> {
    const connection = await this.accepted.promise;
    for (let left = bytesOf(text); left.length > 0;) left = left.subarray(await connection.write(left));
  }
}

const switching = (accept: string, more = "") =>
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n" +
  `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: mesh.v1\r\n\r\n${more}`;

/** An application of HTTP/1 alone behind the pair: what does not begin as HTTP/1 is answered 400 there. */
async function withHttp1(
  use: (pair: Pair, application: Application) => Promise<void>,
  environment: Record<string, string> = {},
): Promise<void> {
  const application = new Application();
  // The proxy asks first whether HTTP/2 is spoken; that connection is none of the case's.
  const accepts = new Server(async (connection) => {
    const first = new Uint8Array(65536), count = await connection.read(first) ?? 0;
    if (latin1(first.subarray(0, count)).startsWith("PRI ")) {
      await connection.write(
        bytesOf("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
      );
      return connection.close();
    }
    application.text = latin1(first.subarray(0, count));
    application.accepted.resolve(connection);
  });
  await withPair(
    () => new Response(),
    async (pair) => {
      pair.client.control.endpoints.set(WEB, [
        endpointAt({ ip: "127.0.0.1", port: accepts.port }, SERVER, pair.server.inboundAddress.port),
      ]);
      await use(pair, application);
    },
    environment,
    environment,
  );
  await accepts.close();
  await application.server.close();
}

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
