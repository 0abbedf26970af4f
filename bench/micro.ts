/**
 * The smallest pieces of the request path, each alone: `deno bench -A bench/micro.ts`.
 * Targets: head of 703 bytes at most 200 ns, histogram record at most 10 ns; a request's field block of 12 fields
 * decoded in at most 150 ns when indexed and 600 ns when Huffman coded, its head written for HTTP/2 in at most 400 ns and
 * for HTTP/1 in at most 200 ns.
 */
import { clientHello } from "../src/wasm/client_hello.ts";
import { headSteps } from "../src/wasm/head_bench.ts";
import { Workbench } from "../src/wasm/workbench.ts";

/** The request of picohttpparser's own benchmark, 703 bytes. */
const PICOHTTPPARSER_REQUEST =
  "GET /wp-content/uploads/2010/03/hello-kitty-darth-vader-pink.jpg HTTP/1.1\r\n" +
  "Host: www.kittyhell.com\r\n" +
  "User-Agent: Mozilla/5.0 (Macintosh; U; Intel Mac OS X 10.6; ja-JP-mac; rv:1.9.2.3) Gecko/20100401 " +
  "Firefox/3.6.3 Pathtraq/0.9\r\n" +
  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n" +
  "Accept-Language: ja,en-us;q=0.7,en;q=0.3\r\n" +
  "Accept-Encoding: gzip,deflate\r\n" +
  "Accept-Charset: Shift_JIS,utf-8;q=0.7,*;q=0.7\r\n" +
  "Keep-Alive: 115\r\n" +
  "Connection: keep-alive\r\n" +
  "Cookie: wp_ozh_wsa_visits=2; wp_ozh_wsa_visit_lasttime=xxxxxxxxxx; " +
  "__utma=xxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.x; " +
  "__utmz=xxxxxxxxx.xxxxxxxxxx.x.x.utmccn=(referral)|utmcsr=reader.livedoor.com|utmcct=/reader/|utmcmd=referral\r\n\r\n";

const RESPONSE = "HTTP/1.1 200 OK\r\nServer: nginx/1.24.0\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n" +
  'Content-Type: application/json\r\nContent-Length: 27\r\nConnection: keep-alive\r\nETag: "5f3a-1b"\r\n\r\n';

/** Calls per measured iteration, so that the clock's own cost does not count. */
const CALLS = 1000;

const workbench = new Workbench();
const { module, record, at } = workbench;
const { exports, memory } = module;

/** Puts bytes, one per character, at an offset of 8 KiB each from the first. @returns where they begin and end */
function place(slot: number, text: string | Uint8Array): readonly [begin: number, end: number] {
  const begin = at + slot * 8192;
  for (let index = 0; index < text.length; index++) {
    memory.bytes[begin + index] = typeof text === "string" ? text.charCodeAt(index) : text[index] ?? 0;
  }
  return [begin, begin + text.length];
}

const [requestAt, requestEnd] = place(0, PICOHTTPPARSER_REQUEST);
const [responseAt, responseEnd] = place(1, RESPONSE);
const [smallAt, smallEnd] = place(
  2,
  "GET / HTTP/1.1\r\nHost: web.demo.svc.cluster.local:8080\r\nUser-Agent: wrk\r\n\r\n",
);
const [helloAt, helloEnd] = place(
  3,
  clientHello({ serverName: "web.demo.serviceaccount", alpn: ["h2"], padding: 300 }),
);
const histogram = at + 4 * 8192;
const [chunkAt, chunkEnd] = place(5, `400\r\n${"d".repeat(1024)}\r\n`.repeat(4));

Deno.bench(`request head, ${requestEnd - requestAt} bytes (x${CALLS})`, () => {
  for (let call = 0; call < CALLS; call++) {
    exports.parseRequestHead(requestAt, requestEnd, record, 0, 65536, 8192, 100);
  }
});

Deno.bench(`request head, ${smallEnd - smallAt} bytes (x${CALLS})`, () => {
  for (let call = 0; call < CALLS; call++) {
    exports.parseRequestHead(smallAt, smallEnd, record, 0, 65536, 8192, 100);
  }
});

Deno.bench(`response head, ${responseEnd - responseAt} bytes (x${CALLS})`, () => {
  for (let call = 0; call < CALLS; call++) {
    exports.parseResponseHead(responseAt, responseEnd, record, 0, 65536, 100, 1);
  }
});

Deno.bench(`detection of HTTP/1 (x${CALLS})`, () => {
  for (let call = 0; call < CALLS; call++) exports.detect(requestAt, requestEnd, record, 16384);
});

Deno.bench(`detection of TLS, ClientHello of ${helloEnd - helloAt} bytes (x${CALLS})`, () => {
  for (let call = 0; call < CALLS; call++) exports.detect(helloAt, helloEnd, record, 16384);
});

Deno.bench(`four chunks of 1 KiB (x${CALLS})`, () => {
  exports.chunkedStart(record, 4096, 4096);
  for (let call = 0; call < CALLS; call++) exports.chunkedForward(record, chunkAt, chunkEnd);
});

Deno.bench(`histogram record (x${CALLS})`, () => {
  for (let call = 0; call < CALLS; call++) exports.histogramRecord(histogram, call * 37);
});

Deno.bench(`histogram quantile (x${CALLS})`, () => {
  for (let call = 0; call < CALLS; call++) exports.histogramQuantile(histogram, 0.99);
});

for (const { name, run } of headSteps()) {
  Deno.bench(`${name} (x${CALLS})`, () => {
    for (let call = 0; call < CALLS; call++) run();
  });
}

const clock = Deno.dlopen("libc.so.6", {
  getpid: { parameters: [], result: "i32" },
  memchr: { parameters: ["pointer", "i32", "usize"], result: "pointer" },
});
const pointer = memory.pointer(at, 16);

Deno.bench(`FFI call, no arguments, a cheap system call (x${CALLS})`, () => {
  for (let call = 0; call < CALLS; call++) clock.symbols.getpid();
});

const SIXTEEN = 16n;
Deno.bench(`FFI call, pointer and numbers (x${CALLS})`, () => {
  for (let call = 0; call < CALLS; call++) clock.symbols.memchr(pointer, 71, SIXTEEN);
});
