/** A client that opens connections and leaves them: what they hold is had back for those who have a use for it. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { SocketFacts } from "../../../src/proxy/accept/listener.ts";
import { Outbound } from "../../../src/proxy/outbound.ts";
import { type Pair, type TestProxy, withPair } from "../../../src/proxy/testing/meshed_pair.ts";
import {
  END_HEADERS,
  GET as GET_FIELDS,
  GOAWAY,
  HEADERS,
  headers,
  POST,
  RawPeer,
  RST_STREAM,
  SETTINGS,
  wordOf,
} from "../../conformance/http2/peer.ts";
import { Client, GET, stockOf, until } from "./peers.ts";

const GREEDY = "10.42.0.66", INNOCENT = "10.42.0.9";

/** Says who connects to `proxy` next. */
function clientsOf(proxy: TestProxy): { ip: string } {
  const who = { ip: INNOCENT }, sockets: SocketFacts = proxy.runtime.sockets!, known = sockets.peerAddress;
  sockets.peerAddress = (fd) => {
    const peer = known(fd);
    return peer && { ...peer, ip: who.ip };
  };
  return who;
}

/** Leaves tables for `count` HTTP/2 connections. @returns gives the others back */
function leaveTables({ runtime: { arena } }: TestProxy, count: number): () => void {
  const taken: number[] = [];
  for (let table = arena.takeTable(); table !== 0; table = arena.takeTable()) taken.push(table);
  for (let i = 0; i < 2 * count; i++) arena.giveTable(taken.pop()!);
  return () => {
    for (const table of taken) arena.giveTable(table);
  };
}

const port = ({ client }: Pair) => client.outboundAddress.port;

/** A connection that stands. */
async function connected(at: number): Promise<RawPeer> {
  const peer = await RawPeer.connect(at);
  await peer.greet();
  ok(await peer.until(({ type }) => type === SETTINGS) !== undefined, "it is taken");
  return peer;
}

/** @returns whether it was answered */
async function ask(peer: RawPeer, id: number): Promise<boolean> {
  await peer.write(headers(id, GET_FIELDS));
  const answer = await peer.until(({ type, stream }) =>
    stream === id && (type === HEADERS || type === RST_STREAM)
  );
  return answer?.type === HEADERS;
}

/** What ended the connection of `peer`: the last stream and the code of a GOAWAY. */
async function endOf(peer: RawPeer): Promise<number[] | undefined> {
  const goAway = await peer.until(({ type }) => type === GOAWAY);
  equal(await peer.read(), undefined, "and it ends");
  return goAway && [wordOf(goAway, 0), wordOf(goAway, 4)];
}

Deno.test("with no room for another HTTP/2 connection the one that has been idle longest is told to go, and the client beside it is served", async () => {
  await withPair(() => new Response("fine"), async (pair) => {
    const giveBack = leaveTables(pair.client, 4), before = stockOf(pair.client.runtime.arena).tables;
    const first = await connected(port(pair)), second = await connected(port(pair));
    ok(await ask(second, 1)); // takes a connection to the other proxy too
    const third = await connected(port(pair));
    ok(await ask(first, 1)); // idle since later than the second
    const fourth = await connected(port(pair));
    deepEqual(await endOf(second), [1, 0]);
    ok(await ask(fourth, 1));
    ok(await ask(first, 3) && await ask(third, 1), "the others stay");
    for (const peer of [first, second, third, fourth]) peer.close();
    await until(
      "all but one's are given back",
      () => stockOf(pair.client.runtime.arena).tables === before - 2,
    );
    giveBack();
  });
});

Deno.test("idle HTTP/2 connections do not keep an HTTP/1 request from the other proxy", async () => {
  await withPair(() => new Response("fine"), async (pair) => {
    const giveBack = leaveTables(pair.client, 3), peers: RawPeer[] = [];
    for (let i = 0; i < 3; i++) peers.push(await connected(port(pair)));
    const client = await Client.connect(port(pair));
    equal((await client.ask(GET))?.body, "fine");
    deepEqual(await endOf(peers[0]!), [0, 0]);
    for (const peer of [...peers, client]) peer.close();
    giveBack();
  });
});

Deno.test("with no idle HTTP/2 connection the newcomer is refused, counted and logged; those in use go on", async () => {
  const release = Promise.withResolvers<void>();
  let waiting = 0;
  await withPair(async () => {
    waiting++;
    await release.promise;
    return new Response("fine");
  }, async (pair) => {
    const giveBack = leaveTables(pair.client, 3), peers: RawPeer[] = [];
    for (let i = 0; i < 2; i++) {
      const peer = await connected(port(pair));
      await peer.write(headers(1, GET_FIELDS));
      await until("it is in use", () => waiting === i + 1);
      peers.push(peer);
    }
    const newcomer = await RawPeer.connect(port(pair));
    await newcomer.greet();
    equal(await newcomer.read(), undefined);
    newcomer.close();
    const { telemetry } = pair.client.runtime;
    equal(telemetry.counter("outbound_tcp_errors_total", "", { error: "loadshed" }).value, 1);
    ok(pair.client.logs.some((line) => line.includes("an HTTP/2 connection was refused")));
    release.resolve();
    for (const peer of peers) ok(await peer.until(({ type, stream }) => type === HEADERS && stream === 1));
    for (const peer of peers) peer.close();
    giveBack();
  });
});

Deno.test("a client that has most of the HTTP/2 connections loses its own first, however short they are idle, and displaces nobody", async () => {
  await withPair(() => new Response("fine"), async (pair) => {
    const who = clientsOf(pair.client), giveBack = leaveTables(pair.client, 6);
    const innocent = await connected(port(pair)), greedy: RawPeer[] = [];
    who.ip = GREEDY;
    for (let i = 0; i < 5; i++) greedy.push(await connected(port(pair)));
    greedy.push(await connected(port(pair)));
    deepEqual(await endOf(greedy[0]!), [0, 0]);
    who.ip = INNOCENT;
    const another = await connected(port(pair));
    deepEqual(await endOf(greedy[1]!), [0, 0]);
    ok(await ask(another, 1) && await ask(innocent, 1));
    for (const peer of [innocent, another, ...greedy]) peer.close();
    giveBack();
  });
});

Deno.test("a client whose HTTP/2 connections are most and all in use displaces nobody's idle one", async () => {
  let asked = 0;
  await withPair(async (request) => {
    asked++;
    return new Response(`fine${await request.text()}`);
  }, async (pair) => {
    const who = clientsOf(pair.client), giveBack = leaveTables(pair.client, 5);
    const innocent = await connected(port(pair)), greedy: RawPeer[] = [];
    ok(await ask(innocent, 1));
    who.ip = GREEDY;
    for (let i = 0; i < 3; i++) {
      greedy.push(await connected(port(pair)));
      await greedy[i]!.write(headers(1, POST, END_HEADERS)); // never ended
    }
    await until("all are in use", () => asked === 4);
    const refused = await RawPeer.connect(port(pair));
    await refused.greet();
    equal(await refused.read(), undefined);
    ok(await ask(innocent, 3));
    for (const peer of [innocent, refused, ...greedy]) peer.close();
    giveBack();
  });
});

Deno.test("kept connections that once sent a chunked body hold nothing that others need for theirs", async () => {
  await withPair(async (request) => new Response(await request.text()), async (pair) => {
    const chunked =
      "POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n";
    const { cells } = stockOf(pair.client.runtime.arena);
    const client = await Client.connect(port(pair));
    equal((await client.ask(chunked))?.body, "fine");
    equal(stockOf(pair.client.runtime.arena).cells, cells);
    equal((await client.ask(chunked))?.body, "fine");
    client.close();
  });
});

/** The number that the system gives when `count` descriptors more than now are opened: whatever else is open. */
function freeDescriptor(count: number): number {
  const open = new Set([...Deno.readDirSync("/proc/self/fd")].map(({ name }) => Number(name)));
  let number = -1;
  for (let left = count; left > 0;) if (!open.has(++number)) left--;
  return number;
}

/** The client's proxy once more, in a process whose clients may have `count` descriptors more than are open now. */
async function withDescriptors(
  count: number,
  serve: (request: Request) => Response | Promise<Response>,
  use: (port: number, who: { ip: string }, pair: Pair) => Promise<void>,
): Promise<void> {
  await withPair(serve, async (pair) => {
    const { runtime } = pair.client, sockets: SocketFacts = runtime.sockets!, who = clientsOf(pair.client);
    // A quarter is for the proxy's own connections.
    sockets.descriptorLimit = () => Math.ceil(freeDescriptor(count) * 4 / 3);
    sockets.originalDestination = () => ({ ip: "10.43.0.7", port: 80 });
    const crowded = new Outbound(runtime), [address] = crowded.listen(false);
    await use(address!.port, who, pair);
    crowded.drain(true);
  });
}

/** @returns whether the connection has ended, which is known to come or not to */
async function hasEnded({ connection }: Client): Promise<boolean> {
  return await connection.read(new Uint8Array(1)).catch(() => null) === null;
}

Deno.test("when descriptors are nearly used up the connections that have been idle longest are closed, of the client that has most of them", async () => {
  await withDescriptors(40, () => new Response("fine"), async (port, who, pair) => {
    const innocent = await Client.connect(port), idle: (Client | RawPeer)[] = [];
    equal((await innocent.ask())?.body, "fine");
    who.ip = GREEDY;
    const first = await Client.connect(port);
    equal((await first.ask())?.body, "fine");
    const second = await connected(port);
    for (let i = 0; i < 60; i++) {
      const one = await Client.connect(port);
      equal((await one.ask())?.body, "fine");
      idle.push(one);
    }
    ok(await hasEnded(first));
    deepEqual(await endOf(second), [0, 0]);
    who.ip = INNOCENT;
    const newcomer = await Client.connect(port);
    equal((await newcomer.ask())?.body, "fine");
    equal((await innocent.ask())?.body, "fine");
    ok(pair.client.runtime.arena.acceptedConnections.size < 40);
    for (const one of [innocent, first, second, newcomer, ...idle]) one.close();
  });
});

Deno.test("when descriptors are nearly used up and no connection is idle newcomers are refused, or wait; they are served once one is", async () => {
  const release = Promise.withResolvers<void>();
  let waiting = 0;
  await withDescriptors(80, async () => {
    waiting++;
    await release.promise;
    return new Response("fine");
  }, async (port, _who, { client: { runtime: { telemetry } } }) => {
    const busy: Client[] = [], answers: ReturnType<Client["ask"]>[] = [];
    const refused = () => telemetry.counter("outbound_tcp_errors_total", "", { error: "loadshed" }).value;
    try {
      while (refused() === 0) { // each takes four: at both ends, and at both ends of the application's
        const one = await Client.connect(port);
        answers.push(one.ask());
        busy.push(one);
        await until("it is in use, or refused", () => waiting + refused() === answers.length);
      }
      ok(busy.length > 5, "some are served");
      equal((await answers.pop())?.status, undefined);
    } catch (error) {
      release.resolve(); // or the application would never end
      throw error;
    }
    const newcomer = await Client.connect(port), answer = newcomer.ask();
    release.resolve();
    deepEqual((await Promise.all(answers)).map((each) => each?.body), answers.map(() => "fine"));
    equal((await answer)?.body, "fine");
    for (const one of [newcomer, ...busy]) one.close();
  });
});
