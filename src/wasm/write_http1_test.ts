import assert from "node:assert/strict";
import { BlockKind } from "./http2.ts";
import { HeaderName } from "./http1.ts";
import { TranscodeBench } from "./transcode_bench.ts";
import { Workbench } from "./workbench.ts";

const workbench = new Workbench();

type Pair = readonly [string, string];
const REQUEST: readonly Pair[] = [[":method", "GET"], [":scheme", "http"], [":authority", "a.b:80"], [
  ":path",
  "/x?y",
]];

function written(pairs: readonly Pair[], kind: BlockKind, options = {}): string {
  return new TranscodeBench(workbench).toHttp1(
    pairs.map(([name, value]) => ({ name, value })),
    kind,
    options,
  );
}

Deno.test("a decoded request becomes an HTTP/1.1 head that our parser takes whole", () => {
  const text = written(
    [...REQUEST, ["accept", "*/*"], ["te", "trailers"], ["x-own", "Ä ö"]],
    BlockKind.Request,
    {
      extra: "l5d-client-id: me\r\n",
    },
  );
  assert.equal(
    text,
    "GET /x?y HTTP/1.1\r\nhost: a.b:80\r\naccept: */*\r\nte: trailers\r\nx-own: Ä ö\r\nl5d-client-id: me\r\n\r\n",
  );
  const { outcome, head } = workbench.request(text);
  assert.equal(outcome, text.length);
  assert.equal(head?.authority, "a.b:80");
});

const firstLines: readonly (readonly [readonly Pair[], string])[] = [
  [
    [[":method", "OPTIONS"], [":scheme", "http"], [":path", "*"], [":authority", "a"]],
    "OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n",
  ],
  [
    [[":method", "CONNECT"], [":authority", "a:443"], ["content-length", "4"]],
    "CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n",
  ],
  [[[":method", "GET"], [":scheme", "http"], [":path", "/"]], "GET / HTTP/1.1\r\nhost: \r\n\r\n"],
  [
    [[":method", "GET"], [":scheme", "http"], [":path", "/"], ["host", "h:1"]],
    "GET / HTTP/1.1\r\nhost: h:1\r\n\r\n",
  ],
  [
    [[":method", "CONNECT"], [":protocol", "websocket"], [":scheme", "http"], [":path", "/c"], [
      ":authority",
      "a",
    ]],
    "GET /c HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
  ],
];
for (const [pairs, wanted] of firstLines) {
  Deno.test(`HTTP/2 as HTTP/1: ${JSON.stringify(wanted)}`, () => {
    assert.equal(written(pairs, BlockKind.Request), wanted);
    assert.equal(workbench.request(wanted).outcome, wanted.length);
  });
}

Deno.test("an HTTP/1 head is written anew in origin form, without what was for one connection", () => {
  const bench = new TranscodeBench(workbench);
  const rewrite = (text: string) => {
    assert.equal(workbench.request(text).outcome, text.length);
    return bench.write(bench.parsed, BlockKind.Request, { framing: 0 });
  };
  assert.equal(
    rewrite("GET http://b?c HTTP/1.1\r\nHost: a\r\nConnection: x\r\nX: 1\r\nY: 2\r\n\r\n"),
    "GET /?c HTTP/1.1\r\nhost: b\r\nY: 2\r\n\r\n",
  );
  assert.equal(
    rewrite("OPTIONS http://b HTTP/1.1\r\nHost: b\r\n\r\n"),
    "OPTIONS * HTTP/1.1\r\nhost: b\r\n\r\n",
  );
});

Deno.test("cookie crumbs become one line where the first stood (RFC 9113 8.2.3), none is lost", () => {
  const pairs: Pair[] = [...REQUEST, ["cookie", "a=1"], ["x", "y"], ["cookie", ""], ["cookie", "b=2"]];
  const head = (lines: string) => `GET /x?y HTTP/1.1\r\nhost: a.b:80\r\n${lines}\r\n`;
  assert.equal(written(pairs, BlockKind.Request), head("cookie: a=1; b=2\r\nx: y\r\n"));
  assert.equal(written([...REQUEST, ["cookie", ""]], BlockKind.Request), head("cookie: \r\n"));
  assert.equal(written(pairs, BlockKind.Request, { drops: [HeaderName.Cookie] }), head("x: y\r\n"));
});

Deno.test("framing 1 replaces Content-Length by chunked, but never where no body may follow", () => {
  const chunked = { framing: 1 };
  assert.equal(
    written([[":status", "200"], ["content-length", "5"], ["x", "y"]], BlockKind.Response, chunked),
    "HTTP/1.1 200 OK\r\nx: y\r\ntransfer-encoding: chunked\r\n\r\n",
  );
  assert.equal(
    written([[":status", "200"], ["content-length", "5"]], BlockKind.Response),
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n",
  );
  for (const status of ["100", "103", "204"]) {
    const text = written([[":status", status], ["content-length", "5"]], BlockKind.Response, chunked);
    assert.match(text, /^HTTP\/1\.1 \d{3} [A-Z][ A-Za-z]+\r\n\r\n$/);
    assert.equal(workbench.response(text).outcome, text.length);
  }
  const connect = written([[":method", "CONNECT"], [":authority", "a:1"]], BlockKind.Request, chunked);
  assert.equal(connect, "CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n");
});

Deno.test("every status has three digits and the phrase that is registered, or none", () => {
  for (let status = 100; status < 1000; status++) {
    if (status === 101) continue;
    const text = written([[":status", String(status)]], BlockKind.Response);
    const { outcome, head } = workbench.response(text);
    assert.equal(outcome, text.length, text);
    assert.equal(head?.status, status);
  }
  assert.match(
    written([[":status", "511"]], BlockKind.Response),
    /^HTTP\/1\.1 511 Network Authentication Required\r\n/,
  );
  assert.match(written([[":status", "599"]], BlockKind.Response), /^HTTP\/1\.1 599 \r\n/);
});

Deno.test("trailers are field lines and an empty line, without what may not be one", () => {
  assert.equal(
    written(
      [["grpc-status", "0"], ["host", "evil"], ["te", "trailers"], ["authorization", "x"], ["y", ""]],
      BlockKind.Trailers,
    ),
    "grpc-status: 0\r\ny: \r\n\r\n",
  );
});

Deno.test("without room for the worst case nothing is written", () => {
  const bench = new TranscodeBench(workbench);
  const fields = REQUEST.map(([name, value]) => ({ name, value }));
  bench.fields.decode(bench.fields.encode(fields));
  let least = 0;
  while (bench.write(bench.decoded, BlockKind.Request, { room: least, extra: "a: b\r\n" }) === undefined) {
    least++;
  }
  assert.ok(least < 350, String(least));
});
