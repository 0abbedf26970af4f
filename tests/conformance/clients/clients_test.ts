/** Clients that people use, against the pair: not one request may fail. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { endpointAt } from "../../../src/proxy/testing/fake_control.ts";
import { SERVER, withPair } from "../../../src/proxy/testing/meshed_pair.ts";
import { type Program, run, testWith } from "./program.ts";

const CURL: Program = { name: "curl", package: "curl" };
const NGHTTP: Program = { name: "nghttp", package: "nghttp2-client" };
const H2LOAD: Program = { name: "h2load", package: "nghttp2-client" };
const WEB = "web.shop.svc.cluster.local:80";

/** Answers with the count of bytes it was sent, or with as many as were asked for. */
async function serve(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/bytes") return new Response(new Uint8Array(Number(searchParams.get("count"))).fill(120));
  return Response.json({ method: request.method, pathname, bytes: (await request.bytes()).length });
}

testWith(CURL, "curl over HTTP/1.1: GET, HEAD, POST, PUT with Expect, chunked upload", async () => {
  await withPair(serve, async ({ url }) => {
    const ask = async (args: string[], input?: Uint8Array) => {
      const { code, out, errors } = await run(CURL, ["-sS", "--max-time", "60", "--http1.1", ...args], input);
      equal(code, 0, errors);
      return out;
    };
    deepEqual(JSON.parse(await ask([`${url}/a`])), { method: "GET", pathname: "/a", bytes: 0 });
    match(await ask(["-I", `${url}/a`]), /^HTTP\/1\.1 200 OK\r\n/);
    deepEqual(JSON.parse(await ask(["-d", "hello", `${url}/b`])), {
      method: "POST",
      pathname: "/b",
      bytes: 5,
    });
    const big = new Uint8Array(3_000_000);
    for (const headers of [["-H", "Expect: 100-continue"], ["-H", "Expect:"]]) {
      const args = [...headers, "--expect100-timeout", "30", "-T", "-", `${url}/chunked`];
      deepEqual(JSON.parse(await ask(args, big)), { method: "PUT", pathname: "/chunked", bytes: big.length });
      const counted = [...headers, "--expect100-timeout", "30", "--data-binary", "@-", `${url}/counted`];
      deepEqual(JSON.parse(await ask(counted, big)), {
        method: "POST",
        pathname: "/counted",
        bytes: big.length,
      });
    }
    equal((await ask([`${url}/bytes?count=2000000`])).length, 2_000_000);
  });
});

testWith(
  CURL,
  "curl over HTTP/1.1: an upload that waits for 100 Continue is told to go on, long before its own patience ends",
  async () => {
    await withPair(serve, async ({ url }) => {
      const args = ["-sSv", "--http1.1", "-H", "Expect: 100-continue", "--expect100-timeout", "300"];
      const { code, errors } = await run(
        CURL,
        [...args, "--max-time", "60", "--data-binary", "@-", `${url}/`],
        new Uint8Array(100_000),
      );
      equal(code, 0, errors);
      match(errors, /< HTTP\/1\.1 100 Continue/);
      match(errors, /< HTTP\/1\.1 200 OK/);
    });
  },
);

testWith(CURL, "curl over HTTP/1.1: 200 requests over one kept connection", async () => {
  await withPair(serve, async ({ url }) => {
    const { code, out, errors } = await run(CURL, [
      "-sS",
      "--http1.1",
      "-w",
      "\n%{http_code} %{num_connects}\n",
      `${url}/[1-200]`,
    ]);
    equal(code, 0, errors);
    const codes = [...out.matchAll(/^(\d{3}) (\d+)$/gm)].map((
      [, status, connects],
    ) => [status, Number(connects)]);
    equal(codes.length, 200);
    deepEqual([...new Set(codes.map(([status]) => status))], ["200"]);
    equal(codes.reduce((sum, [, connects]) => sum + Number(connects), 0), 1);
  });
});

testWith(CURL, "curl over HTTP/1.0 gets bodies of every framing", async () => {
  await withPair((request) => {
    if (request.url.endsWith("/counted")) return new Response("counted");
    const parts = ["stream", "ed"].map((part) => new TextEncoder().encode(part));
    return new Response(ReadableStream.from(parts));
  }, async ({ url }) => {
    for (const [path, body] of [["/counted", "counted"], ["/streamed", "streamed"]]) {
      const { code, out, errors } = await run(CURL, [
        "-sS",
        "--http1.0",
        "--max-time",
        "30",
        `${url}${path}`,
      ]);
      equal(code, 0, errors);
      equal(out, body);
    }
  });
});

/** An HTTP/2 application behind the pair. */
async function withHttp2(use: (url: string) => Promise<void>): Promise<void> {
  const application = http2.createServer();
  application.on("stream", (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    let bytes = 0;
    stream.on("data", (part: Uint8Array) => bytes += part.length);
    stream.on("end", () => {
      stream.respond({ ":status": 200 });
      stream.end(JSON.stringify({ method: headers[":method"], path: headers[":path"], bytes }));
    });
  });
  await new Promise<void>((done) => application.listen(0, "127.0.0.1", done));
  const { port } = application.address() as AddressInfo;
  await withPair(() => new Response(), async ({ client, server, url }) => {
    client.control.endpoints.set(WEB, [
      endpointAt({ ip: "127.0.0.1", port }, SERVER, server.inboundAddress.port),
    ]);
    await use(url);
  });
  application.close();
}

testWith(CURL, "curl --http2-prior-knowledge: GET, HEAD, POST, and an upload of 3 MB", async () => {
  await withHttp2(async (url) => {
    const ask = async (args: string[], input?: Uint8Array) => {
      const common = [
        "-sS",
        "--max-time",
        "60",
        "--http2-prior-knowledge",
        "-w",
        " %{http_version} %{http_code}",
      ];
      const { code, out, errors } = await run(CURL, [...common, ...args], input);
      equal(code, 0, errors);
      ok(out.endsWith(" 2 200"), out);
      return out.slice(0, -6);
    };
    deepEqual(JSON.parse(await ask([`${url}/a`])), { method: "GET", path: "/a", bytes: 0 });
    await ask(["-I", `${url}/a`]);
    deepEqual(JSON.parse(await ask(["-d", "hello", `${url}/b`])), { method: "POST", path: "/b", bytes: 5 });
    const big = new Uint8Array(3_000_000);
    deepEqual(JSON.parse(await ask(["-T", "-", `${url}/c`], big)), {
      method: "PUT",
      path: "/c",
      bytes: big.length,
    });
  });
});

testWith(NGHTTP, "nghttp: twenty requests at once, padded, with content and continuation", async () => {
  await withHttp2(async (url) => {
    const long = ["-H", `x-long: ${"y".repeat(12_000)}`];
    for (
      const args of [[], ["-b", "100"], ["-d", "/etc/passwd"], ["--no-dep"], long, [
        "--continuation",
      ]]
    ) {
      const { code, out, errors } = await run(NGHTTP, ["-t", "60s", "-m", "20", "-v", ...args, `${url}/a`]);
      equal(code, 0, errors);
      equal(
        [...out.matchAll(/:status: 200/g)].length,
        20,
        `${args.join(" ").slice(0, 40)}\n${out.slice(-2000)}`,
      );
      ok(!/RST_STREAM|error_code=(?!NO_ERROR)/.test(out), out.slice(-2000));
    }
  });
});

function expectAllServed(out: string, count: number): void {
  match(
    out,
    new RegExp(
      `requests: ${count} total, ${count} started, ${count} done, ${count} succeeded, 0 failed, 0 errored, 0 timeout`,
    ),
  );
  match(out, new RegExp(`status codes: ${count} 2xx, 0 3xx, 0 4xx, 0 5xx`));
}

testWith(H2LOAD, "h2load over HTTP/2: 4,000 requests of 10 connections with 20 streams each", async () => {
  await withHttp2(async (url) => {
    const { code, out, errors } = await run(H2LOAD, ["-n", "4000", "-c", "10", "-m", "20", `${url}/a`]);
    equal(code, 0, errors);
    expectAllServed(out, 4000);
  });
});

testWith(H2LOAD, "h2load over HTTP/1.1: 2,000 requests of 10 connections, pipelined by 4", async () => {
  await withPair(serve, async ({ url }) => {
    const { code, out, errors } = await run(H2LOAD, [
      "--h1",
      "-n",
      "2000",
      "-c",
      "10",
      "-m",
      "4",
      `${url}/a`,
    ]);
    equal(code, 0, errors);
    expectAllServed(out, 2000);
  });
});
