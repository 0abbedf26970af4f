/**
 * The header rules of proxy.md §7, row by row, and where each is proved:
 *
 * | rule                                                  | proof                                                          |
 * | ----------------------------------------------------- | -------------------------------------------------------------- |
 * | l5d-client-id                                         | here                                                           |
 * | l5d-dst-canonical, stripped with authority override   | endpoints/matrix_test, gateway_test                            |
 * | l5d-dst-override                                      | ingress_http_test                                              |
 * | l5d-require-id                                        | here (stripped), saved_requests_test (502)                     |
 * | l5d-orig-proto, absolute form                         | here, versions_test                                            |
 * | l5d-proxy-error, l5d-proxy-connection                 | here; who is told: pair_test, ingress_http_test                |
 * | forwarded                                             | forwarded_test, gateway_test                                   |
 * | grpc-status, grpc-message                             | grpc/interop_test, gateway_test                                |
 * | hop-by-hop fields                                     | here, http1/requests_test, http1/responses_test                |
 * | 400 for CONNECT and for authority-only targets        | here, http1/start_line_cases                                   |
 * | HTTP/1.0 on connections of its own, forms apart       | here                                                           |
 * | authority of the URI                                  | http1/field_cases (Host), versions_test                        |
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import http2 from "node:http2";
import type { EndpointInfo } from "../../../src/proxy/control/plane.ts";
import { everyRequestTo } from "../../../src/proxy/route/default_route.ts";
import { balanced, endpointAt } from "../../../src/proxy/testing/fake_control.ts";
import { CLIENT, type Pair, SERVER, withPair } from "../../../src/proxy/testing/meshed_pair.ts";
import { RawApplication } from "../http1/raw_application.ts";
import { bytesOf, latin1, type Message, valuesOf } from "../http1/wire.ts";

const WEB = "web.shop.svc.cluster.local:80";
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

interface Rig extends Pair {
  readonly application: RawApplication;
  /** Meshed as the pair has it: HTTP/2 between the proxies. */
  readonly meshed: EndpointInfo;
}

/** A pair with an application behind it that keeps what it is sent. */
async function withRig(
  use: (rig: Rig) => Promise<void>,
  answer: (request: Message) => string = () => OK,
): Promise<void> {
  const application = new RawApplication((request) => ({ bytes: answer(request) }));
  await withPair(() => new Response(), async (pair) => {
    const address = { ip: "127.0.0.1", port: application.port };
    const meshed = endpointAt(address, SERVER, pair.server.inboundAddress.port);
    pair.client.control.endpoints.set(WEB, [meshed]);
    await use({ ...pair, application, meshed });
  });
  await application.close();
}

/** Leads the client's destination to one endpoint alone. */
function leadTo({ client }: Rig, endpoint: EndpointInfo): void {
  const decision = balanced(WEB), resource = decision.parent;
  const backends = [{ backend: { kind: "forward" as const, endpoint, resource }, weight: 1 }];
  client.control.setDecision("10.43.0.7:80", {
    ...decision,
    http: everyRequestTo({ kind: "first-available", backends }),
  });
}

class Connection {
  #text = "";
  private constructor(private readonly connection: Deno.TcpConn) {}

  static async to(port: number): Promise<Connection> {
    return new Connection(await Deno.connect({ port, hostname: "127.0.0.1" }));
  }

  /** The next response's head. */
  async ask(request: string): Promise<string> {
    await this.connection.write(bytesOf(request));
    const buffer = new Uint8Array(4096);
    for (;;) {
      const end = this.#text.indexOf("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(this.#text.slice(0, end))?.[1] ?? "0");
      if (end >= 0 && this.#text.length >= end + 4 + length) {
        const head = this.#text.slice(0, end + 2);
        this.#text = this.#text.slice(end + 4 + length);
        return head;
      }
      const count = await this.connection.read(buffer);
      if (count === null) throw new Error(`closed after ${JSON.stringify(this.#text)}`);
      this.#text += latin1(buffer.subarray(0, count));
    }
  }

  /** Whether the proxy has ended it. */
  async isEnded(): Promise<boolean> {
    return await this.connection.read(new Uint8Array(10)).catch(() => null) === null;
  }

  close(): void {
    this.connection.close();
  }
}

async function once(port: number, request: string): Promise<string> {
  const connection = await Connection.to(port);
  try {
    return await connection.ask(request);
  } finally {
    connection.close();
  }
}

const get = (target: string, ...lines: string[]) =>
  `GET ${target} HTTP/1.1\r\nhost: web\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;

Deno.test("who a client is says its certificate alone: what it claims is removed, meshed or not", async () => {
  await withRig(async ({ client, server, application }) => {
    const claims = ["l5d-client-id: admin", "L5d-Client-Id: other", "l5d-require-id: " + SERVER];
    await once(client.outboundAddress.port, get("/meshed", ...claims));
    server.redirect("inbound", { ip: "127.0.0.1", port: application.port });
    await once(server.inboundAddress.port, get("/plain", ...claims));
    const { requests } = application.read();
    const ids = requests.map((request) => [request.start, ...valuesOf(request, "l5d-client-id")]);
    deepEqual(ids.sort(), [["GET /meshed HTTP/1.1", CLIENT], ["GET /plain HTTP/1.1"]]);
    ok(requests.every((request) => valuesOf(request, "l5d-require-id").length === 0));
  });
});

Deno.test("a request in absolute form reaches the application in absolute form, over either version", async () => {
  await withRig(async (rig) => {
    const { client, application, meshed } = rig, { port } = client.outboundAddress;
    const ways: [string, EndpointInfo][] = [
      ["HTTP/2 between the proxies", meshed],
      ["HTTP/1 between the proxies", { ...meshed, hint: "none" }],
      ["no other proxy", endpointAt({ ip: "127.0.0.1", port: application.port })],
    ];
    for (const [way, endpoint] of ways) {
      client.control.update(WEB, { kind: "replace", endpoints: [endpoint] });
      application.forget();
      await once(port, "GET http://other.example:81/a?b=c HTTP/1.1\r\nhost: other.example:81\r\n\r\n");
      await once(port, get("/a?b=c"));
      await once(port, "OPTIONS http://other.example HTTP/1.1\r\nhost: other.example\r\n\r\n");
      await once(
        port,
        "POST https://other.example/p HTTP/1.1\r\nhost: other.example\r\ncontent-length: 1\r\n\r\nx",
      );
      const { requests } = application.read();
      const seen = requests.map((request) => `${request.start} ${valuesOf(request, "host")}`);
      deepEqual(seen.sort(), [
        "GET /a?b=c HTTP/1.1 web",
        "GET http://other.example:81/a?b=c HTTP/1.1 other.example:81",
        "OPTIONS http://other.example HTTP/1.1 other.example",
        "POST https://other.example/p HTTP/1.1 other.example",
      ], way);
      ok(requests.every((request) => valuesOf(request, "l5d-orig-proto").length === 0), way);
    }
  });
});

Deno.test("requests in absolute form and others have connections apart, and each kind uses its own again", async () => {
  await withRig(async (rig) => {
    const { application, client } = rig;
    leadTo(rig, endpointAt({ ip: "127.0.0.1", port: application.port }));
    const connection = await Connection.to(client.outboundAddress.port);
    for (let i = 0; i < 3; i++) {
      await connection.ask(get(`/${i}`));
      await connection.ask("GET http://web/absolute HTTP/1.1\r\nhost: web\r\n\r\n");
    }
    connection.close();
    const targets = application.connections.map(({ text }) =>
      [...text.matchAll(/^GET (\S+)/gm)].map(([, at]) => at)
    );
    deepEqual(targets, [["/0", "/1", "/2"], Array.from({ length: 3 }, () => "http://web/absolute")]);
  });
});

Deno.test("each HTTP/1.0 request has a connection of its own, which is not used before or after", async () => {
  await withRig(async (rig) => {
    const { application, client } = rig, { port } = client.outboundAddress;
    leadTo(rig, endpointAt({ ip: "127.0.0.1", port: application.port }));
    await once(port, get("/before"));
    for (const host of ["", "host: web\r\n"]) {
      await once(port, `GET /old HTTP/1.0\r\n${host}connection: keep-alive\r\n\r\n`);
    }
    await once(port, get("/after"));
    const targets = application.connections.map(({ text }) =>
      [...text.matchAll(/^GET (\S+)/gm)].map(([, at]) => at)
    );
    deepEqual(targets, [["/before", "/after"], ["/old"], ["/old"]]);
  });
});

Deno.test("what a peer proxy says of an error is logged and goes no further", async () => {
  await withRig(async ({ client }) => {
    const head = await once(client.outboundAddress.port, get("/"));
    match(head, /^HTTP\/1.1 503/);
    ok(!/l5d-/i.test(head), head);
    ok(
      client.logs.some((line) =>
        line.includes("a peer proxy failed the request") && line.includes("the reason")
      ),
      client.logs.join("\n"),
    );
  }, () => "HTTP/1.1 503 Unavailable\r\nl5d-proxy-error: the reason\r\ncontent-length: 2\r\n\r\nno");
});

const CLOSING = "HTTP/1.1 503 Unavailable\r\nl5d-proxy-connection: close\r\ncontent-length: 2\r\n\r\nno";

Deno.test("l5d-proxy-connection: close ends the client's connection where it leads to one meshed endpoint", async () => {
  await withRig(async (rig) => {
    leadTo(rig, rig.meshed);
    const connection = await Connection.to(rig.client.outboundAddress.port);
    const head = await connection.ask(get("/"));
    match(head, /connection: close/i);
    ok(!/l5d-/i.test(head), head);
    ok(await connection.isEnded());
    connection.close();
  }, () => CLOSING);
});

Deno.test("the same ends an HTTP/2 client's connection, after what is under way", async () => {
  const application = http2.createServer();
  application.on("stream", (stream: http2.ServerHttp2Stream, headers) => {
    const isClosing = headers[":path"] === "/close";
    stream.respond({ ":status": 200, ...(isClosing ? { "l5d-proxy-connection": "close" } : {}) });
    setTimeout(() => stream.end("all of it"), isClosing ? 0 : 50);
  });
  await new Promise<void>((done) => application.listen(0, "127.0.0.1", done));
  const { port } = application.address() as { port: number };
  await withRig(async (rig) => {
    leadTo(rig, endpointAt({ ip: "127.0.0.1", port }, SERVER, rig.server.inboundAddress.port));
    const session = http2.connect(rig.url);
    const closed = new Promise<void>((done) => session.on("close", done));
    const bodies = ["/slow", "/close"].map(async (path) => {
      let body = "";
      for await (const part of session.request({ ":path": path })) body += part;
      return body;
    });
    deepEqual(await Promise.all(bodies), ["all of it", "all of it"]);
    await closed; // the proxy has said GOAWAY
  });
  application.close();
});

Deno.test("the same of a balancer's endpoint, or of one without a proxy, is no reason to close", async () => {
  await withRig(async (rig) => {
    const { client, application } = rig, { port } = client.outboundAddress;
    const balancedConnection = await Connection.to(port);
    for (let i = 0; i < 2; i++) match(await balancedConnection.ask(get("/")), /^HTTP\/1.1 503/);
    balancedConnection.close();
    leadTo(rig, endpointAt({ ip: "127.0.0.1", port: application.port }));
    const plain = await Connection.to(port);
    for (let i = 0; i < 2; i++) {
      const head = await plain.ask(get("/"));
      match(head, /^HTTP\/1.1 503/);
      ok(!/l5d-|connection: close/i.test(head), head);
    }
    plain.close();
  }, () => CLOSING);
});

Deno.test("fields of one hop go no further, in either direction", async () => {
  const answer =
    "HTTP/1.1 200 OK\r\nconnection: x-back, keep-alive\r\nx-back: 1\r\nkeep-alive: timeout=5\r\n" +
    "proxy-connection: keep-alive\r\nx-kept: 1\r\ncontent-length: 2\r\n\r\nok";
  await withRig(async (rig) => {
    for (const endpoint of [rig.meshed, endpointAt({ ip: "127.0.0.1", port: rig.application.port })]) {
      rig.client.control.update(WEB, { kind: "replace", endpoints: [endpoint] });
      rig.application.forget();
      const head = await once(
        rig.client.outboundAddress.port,
        get(
          "/",
          "connection: x-hop",
          "x-hop: 1",
          "keep-alive: timeout=5",
          "proxy-connection: close",
          "x-kept: 1",
        ),
      );
      match(head, /x-kept: 1/);
      ok(!/^(x-back|keep-alive|proxy-connection):/im.test(head), head);
      const [request] = rig.application.read().requests;
      deepEqual(
        request!.fields.map(([name]) => name).filter((name) => !name.startsWith("l5d-")).sort(),
        ["host", "x-kept"],
      );
    }
  }, () => answer);
});

Deno.test("CONNECT asks for host and port, and nothing else may: 400, and the application sees nothing", async () => {
  await withRig(async ({ client, server, application }) => {
    server.redirect("inbound", { ip: "127.0.0.1", port: application.port });
    for (const port of [client.outboundAddress.port, server.inboundAddress.port]) {
      for (
        const start of [
          "CONNECT /path HTTP/1.1",
          "CONNECT http://web:80/ HTTP/1.1",
          "CONNECT web HTTP/1.1",
          "CONNECT web:80 HTTP/1.0",
          "GET web:80 HTTP/1.1",
          "POST web HTTP/1.1",
          "OPTIONS web:80 HTTP/1.1",
        ]
      ) {
        match(
          await once(port, `${start}\r\nhost: web:80\r\n\r\n`),
          /^HTTP\/1\.1 400 .*\r\ncontent-length: 0\r\n/,
          start,
        );
      }
    }
    equal(application.byteCount, 0);
  });
});
