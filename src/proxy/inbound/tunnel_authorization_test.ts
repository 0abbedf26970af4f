import { deepEqual, equal } from "node:assert/strict";
import http2 from "node:http2";
import { DEFAULT_ROUTE } from "../policy/server_policy.ts";
import { type Pair, withPair } from "../testing/meshed_pair.ts";

/** Echoes what comes over a WebSocket. */
function echo(request: Request): Response {
  if (request.headers.get("upgrade") !== "websocket") return new Response("plain");
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onmessage = ({ data }) => socket.send(data);
  socket.onerror = () => {}; // it is cut off in the end
  return response;
}

/** The port's policy without any authorization that lets the client in. */
function deny({ server, port }: Pair): void {
  const { current } = server.inbound.policies.of(port);
  server.control.setPolicy(port, { ...current, authorizations: [] });
}

/** The same policy once more: something else about it has changed. */
function repeat({ server, port }: Pair): void {
  server.control.setPolicy(port, { ...server.inbound.policies.of(port).current });
}

function terminations({ server }: Pair): number {
  const { values } = server.runtime.telemetry.families.get("inbound_tcp_authz_terminate_total") ??
    { values: new Map<string, { value: number }>() };
  return [...values.values()].reduce((sum, { value }) => sum + value, 0);
}

/** The frame of a text of less than 126 bytes, as a client sends it (RFC 6455 §5.2), masked with zeros. */
const textFrame = (text: string) =>
  Uint8Array.from([0x81, 0x80 | text.length, 0, 0, 0, 0, ...new TextEncoder().encode(text)]);

interface Tunnel {
  /** Sends a text and waits for its echo. */
  ask(text: string): Promise<string>;
  readonly closed: Promise<number>;
}

async function tunnelOn(session: http2.ClientHttp2Session): Promise<Tunnel> {
  const stream = session.request({
    ":method": "CONNECT",
    ":protocol": "websocket",
    ":path": "/",
    ":scheme": "http",
    "sec-websocket-version": "13",
  });
  stream.on("error", () => {}); // the reset is what `closed` tells
  const head = await new Promise<http2.IncomingHttpHeaders>((done) => stream.on("response", done));
  equal(head[":status"], 200);
  const echoes: Uint8Array[] = [];
  let onEcho = () => {};
  stream.on("data", (part: Uint8Array) => {
    echoes.push(part);
    onEcho();
  });
  return {
    ask: async (text) => {
      stream.write(textFrame(text));
      while (echoes.length === 0) await new Promise<void>((done) => onEcho = done);
      return new TextDecoder().decode(echoes.shift()!.subarray(2));
    },
    closed: new Promise((done) => stream.on("close", () => done(stream.rstCode ?? 0))),
  };
}

Deno.test("WebSockets over HTTP/2 end when a change of policy denies their client, and other changes leave them", async () => {
  await withPair(echo, async (pair) => {
    const session = http2.connect(pair.url);
    await new Promise((done) => session.on("remoteSettings", done));
    const first = await tunnelOn(session), second = await tunnelOn(session);
    equal(await first.ask("one"), "one");
    repeat(pair);
    deepEqual(await Promise.all([first.ask("two"), second.ask("two")]), ["two", "two"]);
    equal(terminations(pair), 0);
    deny(pair);
    await Promise.all([first.closed, second.closed]);
    equal(terminations(pair), 2);
    // What was closed is watched no more, and the connection is used on.
    deny(pair);
    equal(terminations(pair), 2);
    const refused = session.request({ ":path": "/" });
    const head = await new Promise<http2.IncomingHttpHeaders>((done) => refused.on("response", done));
    equal(head[":status"], 403);
    refused.resume();
    session.destroy();
  });
});

Deno.test("a WebSocket that its client has ended is watched no more", async () => {
  await withPair(echo, async (pair) => {
    const { observers } = pair.server.inbound.policies.of(pair.port), before = observers.size;
    const session = http2.connect(pair.url);
    await new Promise((done) => session.on("remoteSettings", done));
    const tunnel = await tunnelOn(session);
    equal(await tunnel.ask("one"), "one");
    equal(observers.size, before + 1);
    session.destroy();
    while (observers.size > before) await new Promise((done) => setTimeout(done, 1));
  });
});

Deno.test("a WebSocket over HTTP/1 ends in the same way", async () => {
  await withPair(echo, async (pair) => {
    const socket = new WebSocket(pair.url.replace("http", "ws"));
    await new Promise((done) => socket.onopen = done);
    const closed = new Promise((done) => socket.onclose = done);
    repeat(pair);
    const echoed = new Promise<string>((done) => socket.onmessage = ({ data }) => done(data));
    socket.send("still there");
    equal(await echoed, "still there");
    socket.onerror = () => {}; // it is cut off
    deny(pair);
    await closed;
    equal(terminations(pair), 1);
  });
});

Deno.test("what a route alone has admitted stands as long as that route admits it", async () => {
  await withPair(echo, async (pair) => {
    const { server, port } = pair, { current } = server.inbound.policies.of(port);
    const route = {
      ...DEFAULT_ROUTE,
      resource: { group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: "sockets" },
      authorizations: current.authorizations,
    };
    server.control.setPolicy(port, { ...current, authorizations: [], routes: [route] });
    const socket = new WebSocket(pair.url.replace("http", "ws"));
    await new Promise((done) => socket.onopen = done);
    const closed = new Promise((done) => socket.onclose = done);
    repeat(pair);
    equal(terminations(pair), 0);
    socket.onerror = () => {}; // it is cut off
    server.control.setPolicy(port, {
      ...current,
      authorizations: [],
      routes: [{ ...route, authorizations: [] }],
    });
    await closed;
    equal(terminations(pair), 1);
  });
});
