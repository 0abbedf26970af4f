import { deepEqual, equal, ok } from "node:assert/strict";
import { TestAuthority } from "./testing/certificates.ts";
import { balanced, endpointAt } from "./testing/fake_control.ts";
import { CLIENT, SERVER, startTestProxy, withPair } from "./testing/meshed_pair.ts";

/** Sends raw bytes, reads until the peer closes or `until` is seen. */
async function exchange(port: number, bytes: string, until?: string): Promise<string> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(bytes));
  let text = "";
  const buffer = new Uint8Array(65536), decoder = new TextDecoder();
  try {
    for (;;) {
      const count = await connection.read(buffer);
      if (count === null) return text;
      text += decoder.decode(buffer.subarray(0, count));
      if (until !== undefined && text.includes(until)) return text;
    }
  } finally {
    connection.close();
  }
}

Deno.test("a request crosses the pair by mutual TLS, and the application learns who asks", async () => {
  await withPair((request) => {
    return Response.json({
      id: request.headers.get("l5d-client-id"),
      host: request.headers.get("host"),
      hop: request.headers.get("x-hop"),
    });
  }, async ({ client, server, url }) => {
    const response = await fetch(`${url}/a?b=1`, {
      headers: { host: "web.shop", "l5d-client-id": "forged" },
    });
    equal(response.status, 200);
    equal((await response.json()).id, CLIENT);
    const [outbound] = [...client.runtime.telemetry.http.values()].filter((series) => series.requests > 0);
    ok(outbound!.labels.includes(`server_id="${SERVER}"`), outbound!.labels);
    ok(outbound!.labels.includes('dst_namespace="shop"'));
    const [inbound] = [...server.runtime.telemetry.http.values()].filter((series) => series.requests > 0);
    ok(inbound!.labels.includes(`client_id="${CLIENT}"`), inbound!.labels);
    equal(inbound!.responses[0]!.count, 1);
  });
});

Deno.test("bodies of every framing arrive as they were sent, both ways", async () => {
  await withPair(async (request) => {
    const body = await request.bytes();
    const isStreamed = request.headers.get("x-stream") === "1";
    return new Response(isStreamed ? new Blob([body]).stream() : body);
  }, async ({ url }) => {
    for (const size of [0, 1, 1000, 70_000, 3_000_000]) {
      const body = crypto.getRandomValues(new Uint8Array(Math.min(size, 65536)));
      const whole = new Uint8Array(size).map((_, i) => body[i % body.length]!);
      for (const stream of ["0", "1"]) {
        const response = await fetch(url, {
          method: "POST",
          headers: { "x-stream": stream },
          body: stream === "1" ? new Blob([whole]).stream() : whole,
        });
        const received = await response.bytes();
        equal(received.length, size, `${size} bytes, stream ${stream}`);
        ok(received.every((byte, i) => byte === whole[i]));
      }
    }
  });
});

Deno.test("pipelined requests are answered in order on one connection", async () => {
  await withPair((request) => new Response(`[${new URL(request.url).pathname}]`), async ({ client }) => {
    const one = (path: string, close = "") => `GET ${path} HTTP/1.1\r\nhost: web\r\n${close}\r\n`;
    const text = await exchange(
      client.outboundAddress.port,
      one("/1") + one("/2") + one("/3") + one("/4", "connection: close\r\n"),
    );
    deepEqual([...text.matchAll(/\[\/(\d)\]/g)].map((match) => match[1]), ["1", "2", "3", "4"]);
    equal(text.split("HTTP/1.1 200").length, 5);
    equal(text.match(/connection: close/g)?.length, 1);
  });
});

Deno.test("HEAD, 204 and 304 have no body, and the connection goes on", async () => {
  await withPair((request) => {
    const path = new URL(request.url).pathname;
    if (path === "/204") return new Response(null, { status: 204 });
    if (path === "/304") return new Response(null, { status: 304, headers: { etag: "x" } });
    return new Response("hello");
  }, async ({ client }) => {
    const text = await exchange(
      client.outboundAddress.port,
      "HEAD / HTTP/1.1\r\nhost: a\r\n\r\nGET /204 HTTP/1.1\r\nhost: a\r\n\r\nGET /304 HTTP/1.1\r\nhost: a\r\n\r\n" +
        "GET /last HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    );
    deepEqual([...text.matchAll(/HTTP\/1.1 (\d+)/g)].map((match) => match[1]), ["200", "204", "304", "200"]);
    equal(text.match(/hello/g)?.length, 1);
  });
});

for (
  const [what, bytes, status] of [
    [
      "Content-Length and Transfer-Encoding",
      "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    [
      "two Content-Lengths",
      "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 3\r\n\r\nabc",
      400,
    ],
    ["a bare LF", "GET / HTTP/1.1\nhost: a\n\n", 400],
    ["a folded header", "GET / HTTP/1.1\r\nhost: a\r\nx: 1\r\n 2\r\n\r\n", 400],
    ["no Host", "GET / HTTP/1.1\r\n\r\n", 400],
    [
      "a chunk size that is none",
      "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
      400,
    ],
    ["a version of the future", "GET / HTTP/3.0\r\nhost: a\r\n\r\n", 505],
    ["a head of 40 KB", `GET / HTTP/1.1\r\nhost: a\r\nx: ${"y".repeat(40_000)}\r\n\r\n`, 431],
    ["a target of 20 KB", `GET /${"y".repeat(20_000)} HTTP/1.1\r\nhost: a\r\n\r\n`, 414],
  ] as const
) {
  Deno.test(`a request with ${what} is refused with ${status} and never forwarded`, async () => {
    let served = 0;
    await withPair(() => new Response(`${served++}`), async ({ client }) => {
      const text = await exchange(client.outboundAddress.port, bytes);
      equal(text.match(/^HTTP\/1.1 (\d+)/)?.[1], String(status), text.slice(0, 200));
      equal(served, 0);
      equal(client.runtime.telemetry.value("outbound_http_errors_total", { error: "bad request" }), 1);
    });
  });
}

Deno.test("a destination of which the control plane says nothing is answered 504 with the cause, in time", async () => {
  await withPair(() => new Response(), async ({ client, url }) => {
    client.redirect("outbound", { ip: "10.43.0.99", port: 80 });
    const response = await fetch(url);
    equal(response.status, 504);
    ok(
      response.headers.get("l5d-proxy-error")?.includes("10.43.0.99:80"),
      String(response.headers.get("l5d-proxy-error")),
    );
    await response.body?.cancel();
  });
});

Deno.test("an endpoint whose application is gone is passed over without the client noticing", async () => {
  await withPair(() => new Response("alive"), async ({ client, server, url, port }) => {
    const dead = Deno.listen({ port: 0, hostname: "127.0.0.1" }), deadPort = dead.addr.port;
    dead.close();
    const transport = server.inboundAddress.port;
    client.control.endpoints.set("web.shop.svc.cluster.local:80", [
      endpointAt({ ip: "127.0.0.1", port: deadPort }, SERVER, transport), // its proxy lives, its application does not
      endpointAt({ ip: "127.0.0.1", port: deadPort }), // nothing lives
      endpointAt({ ip: "127.0.0.1", port }, SERVER, transport),
    ]);
    for (let i = 0; i < 30; i++) {
      const response = await fetch(url, { method: "POST", body: `${i}` });
      equal(response.status, 200);
      equal(await response.text(), "alive");
    }
  });
});

Deno.test("an endpoint that failed a burst of requests is used again as soon as it can be", async () => {
  await withPair(() => new Response("alive"), async ({ client, url }) => {
    const spare = Deno.listen({ port: 0, hostname: "127.0.0.1" }),
      { port: later } = spare.addr as Deno.NetAddr;
    spare.close();
    const endpoint = endpointAt({ ip: "127.0.0.1", port: later });
    client.control.endpoints.set("web.shop.svc.cluster.local:80", [endpoint]);
    const burst = await Promise.all(Array.from({ length: 30 }, () => fetch(url)));
    for (const response of burst) {
      ok([502, 504].includes(response.status), `${response.status}`);
      await response.body?.cancel();
    }
    const revived = Deno.serve(
      { port: later, hostname: "127.0.0.1", onListen() {} },
      () => new Response("back"),
    );
    const began = performance.now();
    let status = 0;
    while (status !== 200 && performance.now() - began < 5000) {
      const response = await fetch(url);
      status = response.status;
      await response.body?.cancel();
    }
    equal(status, 200);
    await revived.shutdown();
  });
});

Deno.test("a client that the policy denies gets 403, the denial is counted, and an open connection learns of a change", async () => {
  await withPair(() => new Response("secret"), async ({ server, url, port }) => {
    const { current } = server.inbound.policies.of(port);
    equal(await (await fetch(url)).text(), "secret");
    server.control.setPolicy(port, { ...current, authorizations: [] });
    const denied = await fetch(url);
    equal(denied.status, 403);
    equal(denied.headers.get("l5d-proxy-error"), null, "an outbound proxy keeps it from the application");
    await denied.body?.cancel();
    const deny = [
      ...server.runtime.telemetry.families.get("inbound_http_authz_deny_total")!.values.entries(),
    ];
    equal(deny.length, 1);
    equal(deny[0]![1].value, 1);
    ok(deny[0]![0].includes(`client_id="${CLIENT}"`));
    server.control.setPolicy(port, { ...current });
    equal(await fetch(url).then((response) => response.text()), "secret");
  });
});

Deno.test("an upgrade becomes a tunnel both ways, and plain requests go on beside it", async () => {
  await withPair((request) => {
    if (request.headers.get("upgrade") !== "websocket") return new Response("plain");
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => socket.send(data);
    return response;
  }, async ({ url }) => {
    const socket = new WebSocket(url.replace("http", "ws"));
    socket.binaryType = "arraybuffer";
    await new Promise((done, failed) => {
      socket.onopen = done;
      socket.onerror = failed;
    });
    for (const size of [1, 1024, 100_000, 1_000_000]) {
      const sent = new Uint8Array(size).map((_, i) => i * 7);
      const echoed = new Promise<ArrayBuffer>((done) => socket.onmessage = ({ data }) => done(data));
      socket.send(sent);
      const received = new Uint8Array(await echoed);
      equal(received.length, size);
      ok(received.every((byte, i) => byte === sent[i]));
    }
    equal(await (await fetch(url)).text(), "plain");
    const closed = new Promise((done) => socket.onclose = done);
    socket.close();
    await closed;
  });
});

Deno.test("a protocol whose server speaks first crosses the pair opaquely, with half-close, by mutual TLS", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const serving = (async () => {
    for await (const connection of listener) {
      await connection.write(new TextEncoder().encode("220 ready\r\n"));
      let received = 0;
      const buffer = new Uint8Array(65536);
      for (let n = await connection.read(buffer); n !== null; n = await connection.read(buffer)) {
        received += n;
      }
      await connection.write(new TextEncoder().encode(`got ${received}`));
      connection.close();
    }
  })();
  await withPair(() => new Response(), async ({ client, server }) => {
    const { port } = listener.addr as Deno.NetAddr;
    client.redirect("outbound", { ip: "10.43.0.8", port: 6379 });
    client.control.decisions.set("10.43.0.8:6379", balanced("redis.shop.svc.cluster.local:6379", "opaque"));
    client.control.endpoints.set("redis.shop.svc.cluster.local:6379", [
      { ...endpointAt({ ip: "127.0.0.1", port }, SERVER, server.inboundAddress.port), hint: "opaque" },
    ]);
    server.control.setPolicy(port, { ...server.inbound.policies.of(port).current, protocol: "opaque" });
    const connection = await Deno.connect({ port: client.outboundAddress.port });
    const buffer = new Uint8Array(100), text = new TextDecoder();
    equal(text.decode(buffer.subarray(0, await connection.read(buffer) ?? 0)), "220 ready\r\n");
    const sent = new Uint8Array(5_000_000);
    for (let at = 0; at < sent.length;) at += await connection.write(sent.subarray(at));
    await connection.closeWrite();
    equal(text.decode(buffer.subarray(0, await connection.read(buffer) ?? 0)), "got 5000000");
    equal(await connection.read(buffer), null);
    connection.close();
    const tcp = [...server.runtime.telemetry.tcp.values()].find((series) =>
      series.labels.includes('peer="src"')
    )!;
    ok(tcp.labels.includes(`client_id="${CLIENT}"`), tcp.labels);
    equal(tcp.readBytes, 5_000_000);
  });
  listener.close();
  await serving.catch(() => {});
});

Deno.test("a keep-alive connection that the application closed is replaced without the client noticing", async () => {
  let served = 0;
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const serving = (async () => {
    for await (const connection of listener) {
      (async () => { // answers one request with keep-alive, then closes
        await connection.read(new Uint8Array(4096));
        await connection.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
        served++;
        connection.close();
      })().catch(() => {});
    }
  })();
  await withPair(() => new Response(), async ({ client, url }) => {
    const { port } = listener.addr as Deno.NetAddr;
    client.control.endpoints.set("web.shop.svc.cluster.local:80", [endpointAt({ ip: "127.0.0.1", port })]);
    for (let i = 0; i < 50; i++) {
      const response = await fetch(url);
      equal(response.status, 200);
      equal(await response.text(), "ok");
    }
    equal(served, 50);
  });
  listener.close();
  await serving.catch(() => {});
});

Deno.test("a peer with a certificate of another authority is refused, and the client is told 502", async () => {
  const stranger = await startTestProxy(await TestAuthority.create(), SERVER);
  await withPair(() => new Response(), async ({ client, url, port }) => {
    client.control.endpoints.set("web.shop.svc.cluster.local:80", [
      endpointAt({ ip: "127.0.0.1", port }, SERVER, stranger.inboundAddress.port),
    ]);
    const response = await fetch(url);
    equal(response.status, 502);
    ok(
      response.headers.get("l5d-proxy-error")?.includes("certificate"),
      `${response.headers.get("l5d-proxy-error")}`,
    );
    await response.body?.cancel();
  });
  await stranger.stop();
});

Deno.test("a peer that proves another name than discovery gave is refused", async () => {
  await withPair(() => new Response(), async ({ client, server, url, port }) => {
    const other = { serverName: SERVER, name: "other.shop.serviceaccount.identity.linkerd.cluster.local" };
    client.control.endpoints.set("web.shop.svc.cluster.local:80", [
      { ...endpointAt({ ip: "127.0.0.1", port }, SERVER, server.inboundAddress.port), identity: other },
    ]);
    const response = await fetch(url);
    equal(response.status, 502);
    await response.body?.cancel();
  });
});

Deno.test("TLS garbage, half a ClientHello and silence cost nothing but their own connection", async () => {
  await withPair(() => new Response("fine"), async ({ server, url }) => {
    const hello = Uint8Array.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]);
    const garbage = crypto.getRandomValues(new Uint8Array(600));
    garbage.set(hello);
    const connections: Deno.TcpConn[] = [];
    for (const bytes of [hello, garbage, new Uint8Array(0)]) {
      const connection = await Deno.connect({ port: server.inboundAddress.port });
      if (bytes.length > 0) await connection.write(bytes);
      connections.push(connection);
    }
    equal(await (await fetch(url)).text(), "fine");
    // A direct connection must prove who it is: each of these is closed, at the latest when detection times out.
    for (const connection of connections) {
      equal(await connection.read(new Uint8Array(10)).catch(() => null), null);
      connection.close();
    }
    equal(await (await fetch(url)).text(), "fine");
  });
});
