/** Connections that end at the worst moment: a client that counts must miss nothing. */
import { deepEqual, equal, ok } from "node:assert/strict";
import http2 from "node:http2";
import { TestAuthority } from "../../../src/proxy/testing/certificates.ts";
import { balanced, endpointAt } from "../../../src/proxy/testing/fake_control.ts";
import {
  CLIENT,
  SERVER,
  startTestProxy,
  type TestProxy,
  withPair,
} from "../../../src/proxy/testing/meshed_pair.ts";
import {
  ACK,
  bytesOf,
  END_HEADERS,
  END_STREAM,
  frame,
  GET as GET_FIELDS,
  GOAWAY,
  HEADERS,
  headers,
  join,
  number32,
  RawPeer,
  RST_STREAM,
  SETTINGS,
} from "../../conformance/http2/peer.ts";
import { Client, closeIfOpen, Server, until, WEB } from "./peers.ts";

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const request = (method: string): string =>
  `${method} /a HTTP/1.1\r\nHost: web\r\n${method === "POST" ? "Content-Length: 4\r\n\r\nonce" : "\r\n"}`;

/** An application that answers one request of each connection, and closes it in the given way. */
function fickle(way: "at once" | "under the next request"): Server & { served: number } {
  const server = Object.assign(
    new Server(async (connection) => {
      if (await connection.read(new Uint8Array(4096)) === null) return;
      server.served++;
      await connection.write(bytesOf(OK));
      if (way === "under the next request") await connection.read(new Uint8Array(4096));
      closeIfOpen(connection);
    }),
    { served: 0 },
  );
  return server;
}

for (const isMeshed of [true, false]) {
  const where = isMeshed ? "behind both proxies" : "behind the client's proxy";
  Deno.test(`an application that closes kept connections under the request loses none of 200 GETs, PUTs and DELETEs: ${where}`, async () => {
    const application = fickle("under the next request");
    await withPair(() => new Response(), async ({ client, server }) => {
      client.control.endpoints.set(WEB, [
        isMeshed
          ? endpointAt({ ip: "127.0.0.1", port: application.port }, SERVER, server.inboundAddress.port)
          : endpointAt({ ip: "127.0.0.1", port: application.port }),
      ]);
      const counting = await Client.connect(client.outboundAddress.port), statuses: unknown[] = [];
      for (let i = 0; i < 200; i++) {
        statuses.push((await counting.ask(request(["GET", "PUT", "DELETE"][i % 3]!)))?.status);
        if (statuses.at(-1) !== 200) break;
      }
      deepEqual(statuses, statuses.map(() => 200));
      equal(statuses.length, 200);
      counting.close();
    });
    await application.close();
  });

  Deno.test(`an application that closes each connection after its answer loses no POST either: ${where}`, async () => {
    const application = fickle("at once");
    await withPair(() => new Response(), async ({ client, server }) => {
      client.control.endpoints.set(WEB, [
        isMeshed
          ? endpointAt({ ip: "127.0.0.1", port: application.port }, SERVER, server.inboundAddress.port)
          : endpointAt({ ip: "127.0.0.1", port: application.port }),
      ]);
      let lost = 0;
      for (let i = 0; i < 200; i++) {
        const counting = await Client.connect(client.outboundAddress.port);
        if ((await counting.ask(request("POST")))?.status !== 200) lost++;
        counting.close();
        // The proxy has time to hear of the end: what it then sends reaches a connection that is open.
        for (let turn = 0; turn < 3; turn++) await new Promise((done) => setTimeout(done, 1));
      }
      equal(lost, 0);
      equal(application.served, 200, "and none was carried out twice");
    });
    await application.close();
  });
}

/** Every answer, by the index of its request. */
function askMany(session: http2.ClientHttp2Session, count: number): Promise<unknown[]> {
  return Promise.all(Array.from({ length: count }, () =>
    new Promise<unknown>((done) => {
      const stream = session.request({ ":path": "/" });
      let status: unknown;
      stream.on("response", (head) => status = head[":status"]);
      stream.on("error", (error) => done(error.message));
      stream.on("end", () => done(status));
      stream.resume();
    })));
}

for (const way of ["behind the client's proxy", "behind both proxies", "behind the server's proxy"]) {
  Deno.test(`an application that says GOAWAY in the middle loses none of 300 requests: ${way}`, async () => {
    let served = 0;
    const application = new Server(async (connection) => { // takes ten streams, then says that it took no more
      const peer = new RawPeer(connection);
      await peer.take(24);
      await peer.write(frame(SETTINGS, 0, 0), frame(SETTINGS, ACK, 0));
      const taken: number[] = [];
      while (taken.length < 10) {
        const next = await peer.read();
        if (next === undefined) return;
        if (next.type === HEADERS) taken.push(next.stream);
        // A few that come alone must not wait for others.
        if (next.type === HEADERS && taken.length % 10 !== 0) {
          served++;
          await peer.write(frame(HEADERS, END_HEADERS | END_STREAM, next.stream, Uint8Array.of(0x88)));
        }
      }
      const last = taken.at(-1)!;
      await peer.write(frame(GOAWAY, 0, 0, join(number32(last), number32(0))));
      served++;
      await peer.write(frame(HEADERS, END_HEADERS | END_STREAM, last, Uint8Array.of(0x88)));
      while (await peer.read() !== undefined);
      peer.close();
    });
    await withPair(() => new Response(), async ({ client, server, url }) => {
      const address = { ip: "127.0.0.1", port: application.port };
      const isMeshed = way === "behind both proxies";
      client.control.endpoints.set(WEB, [
        isMeshed ? endpointAt(address, SERVER, server.inboundAddress.port) : endpointAt(address),
      ]);
      const isAlone = way === "behind the server's proxy";
      if (isAlone) server.redirect("inbound", address);
      const session = http2.connect(isAlone ? `http://127.0.0.1:${server.inboundAddress.port}` : url);
      const statuses: unknown[] = [];
      for (let i = 0; i < 20; i++) statuses.push(...await askMany(session, 15));
      deepEqual(statuses, statuses.map(() => 200));
      equal(served, 300, "each was carried out once");
      session.destroy();
    });
    await application.close();
  });
}

Deno.test("a storm of resets ends its own connection with ENHANCE_YOUR_CALM; others are served", async () => {
  await withPair(() => new Response("fine"), async ({ client, server }) => {
    const storm = await RawPeer.connect(client.outboundAddress.port);
    await storm.greet();
    const other = await Client.connect(client.outboundAddress.port);
    const ended = storm.until(({ type }) => type === GOAWAY);
    for (let id = 1; id < 6000; id += 200) {
      const frames: Uint8Array[] = [];
      for (let at = id; at < id + 200; at += 2) {
        frames.push(headers(at, GET_FIELDS), frame(RST_STREAM, 0, at, number32(8)));
      }
      await storm.write(...frames);
      equal((await other.ask())?.body, "fine");
    }
    const goaway = await ended;
    equal(goaway?.payload[7], 11);
    storm.close();
    other.close();
    const used = () => client.runtime.arena.slots.used + server.runtime.arena.slots.used;
    await until("buffers are given back", () => used() === 0);
  });
});

interface Mesh {
  readonly client: TestProxy;
  readonly servers: readonly TestProxy[];
}

/** One client's proxy, two replicas with a proxy each. */
async function withReplicas(use: (mesh: Mesh) => Promise<void>): Promise<void> {
  const authority = await TestAuthority.create();
  const client = await startTestProxy(authority, CLIENT);
  const apps = [0, 1].map(() =>
    Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
      await request.bytes();
      return new Response("fine");
    })
  );
  const servers = [await startTestProxy(authority, SERVER), await startTestProxy(authority, SERVER)];
  client.redirect("outbound", { ip: "10.43.0.7", port: 80 });
  client.control.decisions.set("10.43.0.7:80", balanced(WEB));
  client.control.endpoints.set(
    WEB,
    apps.map(({ addr }, i) =>
      endpointAt({ ip: "127.0.0.1", port: addr.port }, SERVER, servers[i]!.inboundAddress.port)
    ),
  );
  try {
    await use({ client, servers });
    for (const proxy of [client, ...servers]) deepEqual(proxy.faults, []);
  } finally {
    await client.stop();
    for (const app of apps) await app.shutdown();
    for (const server of servers) await server.stop();
  }
}

/** Asks over HTTP/1 until `isOver`, one request after another, over connections that are kept as long as they may be. */
async function load(
  port: number,
  text: string,
  isOver: () => boolean,
): Promise<{ served: number; lost: string[] }> {
  let served = 0, client: Client | undefined;
  const lost: string[] = [];
  while (!isOver()) {
    client ??= await Client.connect(port);
    const answer = await client.ask(text);
    if (answer?.status === 200) served++;
    else lost.push(answer === undefined ? "no answer" : String(answer.status));
    if (answer === undefined || answer.isLast) {
      client.close();
      client = undefined;
    }
  }
  client?.close();
  return { served, lost };
}

for (const version of ["HTTP/1.1", "HTTP/2"]) {
  Deno.test(`a server's proxy that drains under load loses nothing over ${version}`, async () => {
    await withReplicas(async ({ client, servers }) => {
      let isOver = false, done = 0;
      const port = client.outboundAddress.port, statuses: unknown[] = [];
      const loads = version === "HTTP/1.1"
        ? Array.from({ length: 16 }, () => load(port, request("POST"), () => isOver || ++done > 4000))
        : [];
      const session = version === "HTTP/2" ? http2.connect(`http://127.0.0.1:${port}`) : undefined;
      const asking = (async () => {
        while (session !== undefined && !isOver) statuses.push(...await askMany(session, 16));
      })();
      for (let i = 0; i < 100; i++) await new Promise((next) => setTimeout(next, 1));
      servers[0]!.inbound.drain(false);
      for (let i = 0; i < 100; i++) await new Promise((next) => setTimeout(next, 1));
      isOver = true;
      await asking;
      session?.destroy();
      const counted = await Promise.all(loads);
      deepEqual(counted.flatMap(({ lost }) => lost), []);
      deepEqual(statuses.filter((status) => status !== 200), []);
      const served = counted.reduce((sum, each) => sum + each.served, statuses.length);
      ok(served > 100, `${served} were served`);
    });
  });
}

Deno.test("a client's proxy that drains under load answers what it has taken, and says that it takes no more", async () => {
  await withReplicas(async ({ client }) => {
    const { port } = client.outboundAddress, answers: unknown[] = [];
    const clients = await Promise.all(Array.from({ length: 16 }, () => Client.connect(port)));
    const session = http2.connect(`http://127.0.0.1:${port}`);
    await askMany(session, 4);
    const loads = clients.map(async (each) => {
      for (;;) {
        const answer = await each.ask(request("POST"));
        answers.push(answer?.status);
        if (answer === undefined || answer.isLast) break;
      }
      each.close();
    });
    for (let i = 0; i < 50; i++) await new Promise((next) => setTimeout(next, 1));
    const streams = askMany(session, 50);
    for (let i = 0; i < 2; i++) await new Promise((next) => setTimeout(next, 1));
    client.outbound.drain(false);
    await Promise.all(loads);
    deepEqual(await streams, Array.from({ length: 50 }, () => 200));
    deepEqual(answers.filter((status) => status !== 200), []);
    ok(answers.length > 50, `${answers.length} were served`);
    session.destroy();
  });
});
