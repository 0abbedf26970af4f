import assert from "node:assert/strict";
import { connect } from "node:tls";
import { Workbench } from "./workbench.ts";
import { Detect, DetectReason, Protocol } from "./detect.ts";
import { latin1 } from "./head.ts";
import { clientHello, helloMessage, intoRecords } from "./client_hello.ts";

const bench = new Workbench();
const { module, record, at } = bench;
const LIMIT = 16384;

interface Detected {
  readonly protocol: Protocol;
  readonly guess: Protocol;
  readonly reason: DetectReason;
  readonly serverName: string;
  readonly alpn: string[];
  readonly helloLength: number;
}

function detect(bytes: string | Uint8Array, maxBytes = LIMIT): Detected {
  const end = bench.put(bytes);
  const protocol = module.exports.detect(at, end, record, maxBytes);
  const word = (index: number) => module.memory.words[(record >> 2) + index] ?? 0;
  const list = latin1(module.memory, record + Detect.Alpn * 4, word(Detect.AlpnLength));
  const alpn: string[] = [];
  for (let index = 0; index < list.length; index += 1 + list.charCodeAt(index)) {
    alpn.push(list.slice(index + 1, index + 1 + list.charCodeAt(index)));
  }
  return {
    protocol,
    guess: word(Detect.Guess),
    reason: word(Detect.Reason),
    serverName: latin1(module.memory, record + Detect.ServerName * 4, word(Detect.ServerNameLength)),
    alpn,
    helloLength: word(Detect.HelloLength),
  };
}

/** Whatever comes later, an answer stays; and until then more is asked for. Returns the final answer. */
function detectEveryPrefix(bytes: string | Uint8Array, maxBytes = LIMIT): Protocol {
  let answer = Protocol.NeedMore;
  for (let length = 0; length <= bytes.length; length++) {
    const { protocol } = detect(bytes.slice(0, length), maxBytes);
    if (answer !== Protocol.NeedMore) assert.equal(protocol, answer, `after ${length} bytes`);
    answer = protocol;
  }
  return answer;
}

const texts: readonly (readonly [string, Protocol])[] = [
  ["GET / HTTP/1.1\r\n", Protocol.Http1],
  ["GET /", Protocol.Http1],
  ["PROPFIND /", Protocol.Http1],
  ["\r\nGET /", Protocol.Http1],
  [" GET / HTTP/1.1\r\n", Protocol.Http1],
  ["\x0bGET / HTTP/1.1\r\n", Protocol.Http1],
  ["\x0c\x1c\x1d\x1e\x1fGET / HTTP/1.1\r\n", Protocol.Http1],
  ["\x85PURGE /x HTTP/1.1\r\n", Protocol.Http1],
  ["\xa0\r\nGET /", Protocol.Http1],
  ["\x0c\x00\x01", Protocol.Opaque],
  ["\x1fhello\r\n", Protocol.Opaque],
  ["get / http/1.1\r\n", Protocol.Http1],
  ["G@T / HTTP/1.1\r\n", Protocol.Http1],
  ["GET\t/ HTTP/1.1\r\n", Protocol.Http1],
  ["GET  / HTTP/1.1\r\n", Protocol.Http1],
  ["GET http://a/ HTTP/1.1\r\n", Protocol.Http1],
  ["OPTIONS * HTTP/1.1\r\n", Protocol.Http1],
  ["CONNECT a:443 HTTP/1.1\r\n", Protocol.Http1],
  ["PURGE /x HTTP/1.1\n", Protocol.Http1],
  ["PURGE /x\0y HTTP/1.1\r\n", Protocol.Http1],
  ["GET foo\r\n", Protocol.Http1],
  ["PURGE /foo\r\n", Protocol.Http1],
  ["GET\0/ HTTP/1.1\r\n", Protocol.Http1],
  ["POST\x0b/ HTTP/1.1\r\n", Protocol.Http1],
  ["GET\xe9 / HTTP/1.1\r\n", Protocol.Http1],
  ["PURGE\0/ HTTP/1.1\r\n", Protocol.Opaque],
  ["set /foo 0 0 5\r\n", Protocol.Opaque],
  ["GET\r\n", Protocol.Http1],
  ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Protocol.Http2],
  ["PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", Protocol.Http1],
  ["PRI /x HTTP/1.1\r\n", Protocol.Http1],
  ["OPTIONS rtsp://cam/1 RTSP/1.0\r\n", Protocol.Opaque],
  ["INVITE sip:a@b SIP/2.0\r\n", Protocol.Opaque],
  ["OPTIONS sip:a@b SIP/2.0\r\n", Protocol.Opaque],
  ['CONNECT {"verbose":false}\r\n', Protocol.Opaque],
  ["CONNECT\naccept-version:1.2\n\n\0", Protocol.Opaque],
  ["PING\r\n", Protocol.Opaque],
  ["*1\r\n$4\r\nPING\r\n", Protocol.Opaque],
  ["set key 0 0 5\r\nhello\r\n", Protocol.Opaque],
  ["get key\r\n", Protocol.Opaque],
  ["EHLO mail.demo\r\n", Protocol.Opaque],
  ["SSH-2.0-OpenSSH_9.6 Debian\r\n", Protocol.Opaque],
  ['{"json":true}', Protocol.Opaque],
  ["AMQP\0\0\x09\x01", Protocol.Opaque],
  ["\0\0\0\x08\x04\xd2\x16\x2f", Protocol.Opaque],
  ["0\x0c\x02\x01\x01", Protocol.Opaque],
  ["\x10\x0c\0\x04MQTT", Protocol.Opaque],
  ["\xff\xfe", Protocol.Opaque],
  ["GE", Protocol.NeedMore],
  ["GET ", Protocol.NeedMore],
  ["hello", Protocol.NeedMore],
  ["\r\n", Protocol.NeedMore],
  ["", Protocol.NeedMore],
  ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r", Protocol.NeedMore],
];

for (const [text, protocol] of texts) {
  const names = ["more bytes needed", "HTTP/1", "HTTP/2", "TLS", "opaque"];
  Deno.test(`${JSON.stringify(text)} is ${names[protocol]}, and so at every beginning of it`, () => {
    assert.equal(detectEveryPrefix(text), protocol);
    if (protocol !== Protocol.NeedMore) {
      assert.equal(detect(text + "\r\nmore HTTP/1.1\r\n\0").protocol, protocol);
    }
  });
}

Deno.test("when the time is over, what has begun like HTTP or TLS is guessed so", () => {
  assert.equal(detect("GET ").guess, Protocol.Http1);
  assert.equal(detect("PURGE /a").guess, Protocol.Http1);
  assert.equal(detect("PRI * HTTP/2.0").guess, Protocol.Http2);
  assert.equal(detect("\x16\x03").guess, Protocol.Tls);
  assert.equal(detect("hello").guess, Protocol.Opaque);
});

Deno.test("at the limit an endless line is HTTP when it began so, opaque otherwise", () => {
  assert.equal(detect("PURGE /" + "a".repeat(100), 100).protocol, Protocol.Http1);
  assert.equal(detect("PURGE a" + "a".repeat(100), 100).protocol, Protocol.Opaque);
  assert.equal(detect("a".repeat(100), 100).protocol, Protocol.Opaque);
  assert.equal(detect("a".repeat(99), 100).protocol, Protocol.NeedMore);
  assert.equal(detect("\r\n".repeat(50), 100).protocol, Protocol.Http1);
});

Deno.test("a ClientHello gives its server name in lower case, its protocols and its length", () => {
  const hello = clientHello({ serverName: "Web.Demo.serviceaccount", alpn: ["transport.l5d.io/v1", "h2"] });
  const found = detect(hello);
  assert.equal(found.protocol, Protocol.Tls);
  assert.equal(found.serverName, "web.demo.serviceaccount");
  assert.deepEqual(found.alpn, ["transport.l5d.io/v1", "h2"]);
  assert.equal(found.helloLength, hello.length);
  assert.equal(detectEveryPrefix(hello), Protocol.Tls);
});

Deno.test("a ClientHello over records of every size is read the same", () => {
  const options = { serverName: "a.b", alpn: ["h2", "http/1.1"], padding: 40 };
  for (let recordSize = 1; recordSize < 200; recordSize++) {
    const found = detect(clientHello({ ...options, recordSize }));
    assert.equal(found.protocol, Protocol.Tls, `records of ${recordSize}`);
    assert.equal(found.serverName, "a.b");
    assert.deepEqual(found.alpn, ["h2", "http/1.1"]);
  }
  assert.equal(detectEveryPrefix(clientHello({ ...options, recordSize: 7 })), Protocol.Tls);
});

Deno.test("a ClientHello without name or protocols is TLS all the same", () => {
  const found = detect(clientHello({}));
  assert.equal(found.protocol, Protocol.Tls);
  assert.equal(found.serverName, "");
  assert.deepEqual(found.alpn, []);
});

Deno.test("a large ClientHello is waited for up to the limit, then it is opaque with a reason", () => {
  const hello = clientHello({ serverName: "a", padding: 16000 });
  assert.equal(detect(hello).protocol, Protocol.Tls);
  assert.equal(detect(hello.slice(0, 9000), 9001).protocol, Protocol.NeedMore);
  const cut = detect(hello, 9000);
  assert.equal(cut.protocol, Protocol.Opaque);
  assert.equal(cut.reason, DetectReason.ClientHelloTooLong);
});

const message = helloMessage({ serverName: "web", alpn: ["h2"] });
function broken(change: (bytes: number[]) => void): Uint8Array {
  const copy = [...message];
  change(copy);
  return intoRecords(copy);
}
const sniAt = message.length - 9 - 12;

const brokenHellos: readonly (readonly [string, Uint8Array, DetectReason])[] = [
  ["an impossible major version", Uint8Array.of(22, 2, 1, 0, 50, 1), DetectReason.BadRecord],
  ["an impossible minor version", Uint8Array.of(22, 3, 9, 0, 50, 1), DetectReason.BadRecord],
  ["an empty record", Uint8Array.of(22, 3, 1, 0, 0), DetectReason.BadRecord],
  ["an overlong record", Uint8Array.of(22, 3, 1, 0x40, 1), DetectReason.BadRecord],
  ["another handshake message", broken((bytes) => bytes[0] = 2), DetectReason.BadClientHello],
  ["an impossible length", broken((bytes) => bytes[3] = 3), DetectReason.BadClientHello],
  ["SSL 2 inside", broken((bytes) => bytes[4] = 2), DetectReason.BadClientHello],
  ["a session id of 33 bytes", broken((bytes) => bytes[38] = 33), DetectReason.BadClientHello],
  ["an odd number of cipher bytes", broken((bytes) => bytes[44] = 3), DetectReason.BadClientHello],
  ["extensions longer than the message", broken((bytes) => bytes[52] = 255), DetectReason.BadClientHello],
  [
    "a server name list of another length",
    broken((bytes) => bytes[sniAt + 5]! += 1),
    DetectReason.BadClientHello,
  ],
  ["a blank in the server name", broken((bytes) => bytes[sniAt + 9] = 32), DetectReason.BadClientHello],
  [
    "an ALPN name beyond its list",
    broken((bytes) => bytes[bytes.length - 3] = 9),
    DetectReason.BadClientHello,
  ],
  [
    "an alert in between",
    Uint8Array.of(...intoRecords(message.slice(0, 60)), 21, 3, 1, 0, 2),
    DetectReason.BadRecord,
  ],
];

for (const [what, bytes, reason] of brokenHellos) {
  Deno.test(`a TLS record with ${what} is opaque, with its reason`, () => {
    assert.equal(detectEveryPrefix(bytes), Protocol.Opaque);
    assert.equal(detect(bytes).reason, reason);
    assert.equal(detect(bytes).serverName, "");
  });
}

/** The first bytes that a real TLS client sends. */
async function realHello(options: { servername: string; ALPNProtocols: string[] }): Promise<Uint8Array> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const client = connect({ host: "127.0.0.1", port, rejectUnauthorized: false, ...options });
  client.on("error", () => {/* the server side hangs up: nothing to do */});
  const connection = await listener.accept();
  const bytes = new Uint8Array(4096);
  const length = await connection.read(bytes) ?? 0;
  client.destroy();
  connection.close();
  listener.close();
  return bytes.slice(0, length);
}

Deno.test("the ClientHello of a real TLS library is read at every beginning of it", async () => {
  const hello = await realHello({ servername: "real.example", ALPNProtocols: ["h2", "http/1.1"] });
  assert.equal(detectEveryPrefix(hello), Protocol.Tls);
  const found = detect(hello);
  assert.equal(found.serverName, "real.example");
  assert.deepEqual(found.alpn, ["h2", "http/1.1"]);
});
