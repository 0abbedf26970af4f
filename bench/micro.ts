/**
 * The smallest pieces of the request path, each alone: `deno bench -A bench/micro.ts`.
 * Targets: head of 703 bytes at most 200 ns, histogram record at most 10 ns.
 */
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

const { module, record, at, ...bench } = prepare();

function prepare() {
  const workbench = new Workbench();
  const request = workbench.put(PICOHTTPPARSER_REQUEST) - workbench.at;
  return { module: workbench.module, record: workbench.record, at: workbench.at, request, workbench };
}

function place(offset: number, text: string): number {
  for (let index = 0; index < text.length; index++) {
    module.memory.bytes[offset + index] = text.charCodeAt(index);
  }
  return offset + text.length;
}

const { parseRequestHead, parseResponseHead } = module.exports;
const requestEnd = at + bench.request;
const responseAt = at + 8192;
const responseEnd = place(responseAt, RESPONSE);
const smallAt = at + 16384;
const smallEnd = place(
  smallAt,
  "GET / HTTP/1.1\r\nHost: web.demo.svc.cluster.local:8080\r\nUser-Agent: wrk\r\n\r\n",
);

Deno.bench(`request head, ${bench.request} bytes (x${CALLS})`, () => {
  for (let call = 0; call < CALLS; call++) parseRequestHead(at, requestEnd, record, 0, 65536, 8192, 100);
});

Deno.bench(`request head, ${smallEnd - smallAt} bytes (x${CALLS})`, () => {
  for (let call = 0; call < CALLS; call++) parseRequestHead(smallAt, smallEnd, record, 0, 65536, 8192, 100);
});

Deno.bench(`response head, ${RESPONSE.length} bytes (x${CALLS})`, () => {
  for (let call = 0; call < CALLS; call++) {
    parseResponseHead(responseAt, responseEnd, record, 0, 65536, 100, 1);
  }
});
