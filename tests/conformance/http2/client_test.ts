/**
 * What our HTTP/2 client makes of an upstream's frames: each case is a server that says exactly what it is told to, and
 * how the request of a client in front of the proxy ends.
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import http2 from "node:http2";
import { endpointAt } from "../../../src/proxy/testing/fake_control.ts";
import { withPair } from "../../../src/proxy/testing/meshed_pair.ts";
import {
  ACK,
  block,
  bytesOf,
  CONTINUATION,
  DATA,
  data,
  END_HEADERS,
  END_STREAM,
  type Fields,
  frame,
  GOAWAY,
  HEADERS,
  headers,
  join,
  number32,
  PADDED,
  PING,
  PREFACE,
  PUSH_PROMISE,
  RawPeer,
  RST_STREAM,
  setting,
  SETTINGS,
  WINDOW_UPDATE,
} from "./peer.ts";

const WEB = "web.shop.svc.cluster.local:80";
const OK: Fields = [[":status", "200"]];
const head = (stream: number, fields: Fields = OK, flags = END_HEADERS) => headers(stream, fields, flags);
const lastAndCode = (last: number, code: number) => join(number32(last), number32(code));

interface Case {
  readonly clause: string;
  readonly name: string;
  /** What the server says once a request has come on stream `id`; a later request gets the next entry. */
  readonly say: readonly ((id: number) => readonly Uint8Array[])[];
  /** Status and body of the client's response; a body of undefined: it breaks off. */
  readonly expect: readonly [number, string | undefined];
  /** Requests that the server must have seen in all. */
  readonly requests?: number;
}

const serve = (body: string) => (id: number) => [head(id), data(id, body, END_STREAM)];
const broken = (clause: string, name: string, say: (id: number) => readonly Uint8Array[]): Case => ({
  clause,
  name,
  say: [say],
  expect: [502, ""],
});

const CASES: readonly Case[] = [
  { clause: "8.1", name: "a response in two frames", say: [serve("hello")], expect: [200, "hello"] },
  {
    clause: "8.1",
    name: "a response without content",
    say: [(id) => [head(id, OK, END_HEADERS | END_STREAM)]],
    expect: [200, ""],
  },
  {
    clause: "8.1",
    name: "content in many frames, and an empty last one",
    say: [(id) => [head(id), data(id, "he"), data(id, "llo"), data(id, "", END_STREAM)]],
    expect: [200, "hello"],
  },
  {
    clause: "8.1",
    name: "trailers",
    say: [(id) => [head(id), data(id, "hello"), head(id, [["x-after", "1"]], 5)]],
    expect: [200, "hello"],
  },
  {
    clause: "8.1",
    name: "an interim response first",
    say: [(id) => [head(id, [[":status", "103"], ["link", "</a>"]]), ...serve("hello")(id)]],
    expect: [200, "hello"],
  },
  {
    clause: "6.1",
    name: "padded content",
    say: [
      (
        id,
      ) => [
        head(id),
        frame(DATA, PADDED | END_STREAM, id, join(Uint8Array.of(2), bytesOf("hello"), new Uint8Array(2))),
      ],
    ],
    expect: [200, "hello"],
  },
  {
    clause: "6.10",
    name: "a response head in two frames",
    say: [
      (
        id,
      ) => [
        frame(HEADERS, 0, id, block(OK)),
        frame(CONTINUATION, END_HEADERS, id, block([["x-a", "1"]])),
        data(id, "hello", END_STREAM),
      ],
    ],
    expect: [200, "hello"],
  },
  {
    clause: "8.1.1",
    name: "content as long as it says",
    say: [(id) => [head(id, [...OK, ["content-length", "5"]]), data(id, "hello", END_STREAM)]],
    expect: [200, "hello"],
  },
  {
    clause: "8.1",
    name: "an answer before the request was whole, then NO_ERROR",
    say: [(id) => [head(id), data(id, "early", END_STREAM), frame(RST_STREAM, 0, id, number32(0))]],
    expect: [200, "early"],
  },
  {
    clause: "6.5",
    name: "settings in the middle",
    say: [(id) => [frame(SETTINGS, 0, 0, setting(1, 0)), ...serve("hello")(id)]],
    expect: [200, "hello"],
  },
  {
    clause: "6.7",
    name: "a PING in the middle",
    say: [(id) => [frame(PING, 0, 0, new Uint8Array(8)), ...serve("hello")(id)]],
    expect: [200, "hello"],
  },
  {
    clause: "4.1",
    name: "a frame that nobody knows in the middle",
    say: [(id) => [frame(0x77, 1, id, new Uint8Array(3)), ...serve("hello")(id)]],
    expect: [200, "hello"],
  },

  {
    clause: "8.7",
    name: "a refused stream is asked again",
    say: [(id) => [frame(RST_STREAM, 0, id, number32(7))], serve("second")],
    expect: [200, "second"],
    requests: 2,
  },
  {
    clause: "6.8",
    name: "a GOAWAY that did not reach the request: it is asked again, elsewhere",
    say: [() => [frame(GOAWAY, 0, 0, lastAndCode(0, 0))], serve("second")],
    expect: [200, "second"],
    requests: 2,
  },
  {
    clause: "6.8",
    name: "a GOAWAY after the request: it is answered all the same",
    say: [(id) => [frame(GOAWAY, 0, 0, lastAndCode(id, 0)), ...serve("hello")(id)]],
    expect: [200, "hello"],
  },

  broken("8.1", "a response without :status", (id) => [head(id, [["x-a", "1"]]), data(id, "x", END_STREAM)]),
  broken("8.3.2", "two :status", (id) => [head(id, [...OK, ...OK]), data(id, "x", END_STREAM)]),
  broken(
    "8.3.2",
    "a :status of two digits",
    (id) => [head(id, [[":status", "20"]]), data(id, "x", END_STREAM)],
  ),
  broken("8.3.2", "a :status that is no number", (id) => [head(id, [[":status", "abc"]])]),
  broken("8.3", "a request's pseudo-header field", (id) => [head(id, [...OK, [":path", "/"]])]),
  broken("8.2", "an upper-case name", (id) => [head(id, [...OK, ["X-A", "1"]])]),
  broken("8.2.1", "a value with CRLF", (id) => [head(id, [...OK, ["x-a", "1\r\nset-cookie: evil=1"]])]),
  broken("8.2.2", "Transfer-Encoding", (id) => [head(id, [...OK, ["transfer-encoding", "chunked"]])]),
  broken("8.2.2", "Connection", (id) => [head(id, [...OK, ["connection", "close"]])]),
  broken("8.6", "switching protocols", (id) => [head(id, [[":status", "101"]])]),
  broken("8.1", "content before a head", (id) => [data(id, "x", END_STREAM)]),
  broken(
    "8.1.1",
    "an empty response that says it has content",
    (id) => [head(id, [...OK, ["content-length", "5"]], 5)],
  ),
  broken(
    "8.1.1",
    "two lengths",
    (id) => [head(id, [...OK, ["content-length", "1"], ["content-length", "1"]])],
  ),
  {
    clause: "5.4.2",
    name: "RST_STREAM instead of an answer is passed on",
    say: [(id) => [frame(RST_STREAM, 0, id, number32(2))]],
    expect: [0, undefined],
  },
  broken("4.2", "a frame that is too long", (id) => [frame(HEADERS, END_HEADERS, id, new Uint8Array(16385))]),
  broken(
    "4.3",
    "a block that cannot be decoded",
    (id) => [frame(HEADERS, END_HEADERS, id, Uint8Array.of(0xff, 0xff))],
  ),
  broken("5.1.1", "HEADERS on a stream that never was", (id) => [head(id + 10)]),
  broken(
    "6.6",
    "PUSH_PROMISE, which we do not allow",
    (id) => [frame(PUSH_PROMISE, END_HEADERS, id, join(number32(2), block(OK)))],
  ),
  broken("6.9", "WINDOW_UPDATE of zero", (id) => [frame(WINDOW_UPDATE, 0, id, number32(0))]),
  broken("6.9.1", "a window that is too large", (id) => [frame(WINDOW_UPDATE, 0, id, number32(0x7fffffff))]),
  broken(
    "6.5.2",
    "an initial window that is too large",
    () => [frame(SETTINGS, 0, 0, setting(4, 0xffffffff))],
  ),

  {
    clause: "8.1.1",
    name: "content shorter than it says breaks the response off",
    say: [(id) => [head(id, [...OK, ["content-length", "9"]]), data(id, "hello", END_STREAM)]],
    expect: [200, undefined],
  },
  {
    clause: "8.1.1",
    name: "content longer than it says breaks the response off",
    say: [(id) => [head(id, [...OK, ["content-length", "3"]]), data(id, "he"), data(id, "llo", END_STREAM)]],
    expect: [200, undefined],
  },
  {
    clause: "5.4.2",
    name: "a reset in the middle breaks the response off",
    say: [(id) => [head(id), data(id, "he"), frame(RST_STREAM, 0, id, number32(2))]],
    expect: [200, undefined],
  },
];

/** An HTTP/2 server of raw frames: each request, on whichever connection, gets the next of `say`. */
function rawServer(say: Case["say"]) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 }), peers: RawPeer[] = [];
  let requests = 0;
  const serving = (async () => {
    for await (const connection of listener) {
      const peer = new RawPeer(connection);
      peers.push(peer);
      (async () => {
        await peer.take(PREFACE.length);
        await peer.write(frame(SETTINGS, 0, 0), frame(SETTINGS, ACK, 0));
        for (;;) {
          const next = await peer.read();
          if (next === undefined) return;
          if (next.type === HEADERS) await peer.write(...(say[requests++] ?? say.at(-1)!)(next.stream));
        }
      })().catch((error) => {
        if (!(error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted)) {
          throw error;
        }
      });
    }
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    requests: () => requests,
    close: async () => {
      for (const peer of peers) peer.close();
      listener.close();
      await serving.catch((error) => ok(error instanceof Deno.errors.BadResource, String(error)));
    },
  };
}

/** The status and body that an HTTP/2 client gets. */
async function ask(url: string): Promise<Case["expect"]> {
  const session = http2.connect(url), stream = session.request({ ":method": "POST", ":path": "/" });
  let status = 0, body = "";
  stream.on("response", (headers) => status = Number(headers[":status"]));
  stream.on("data", (part: Uint8Array) => body += new TextDecoder().decode(part));
  stream.end("question");
  const isWhole = await new Promise<boolean>((done) => {
    stream.on("error", () => done(false));
    stream.on("end", () => done(stream.rstCode === 0));
  });
  session.destroy();
  return [status, isWhole ? body : undefined];
}

Deno.test("an HTTP/2 upstream's frames become what its client should see", async (t) => {
  for (const { clause, name, say, expect, requests } of CASES) {
    await t.step(`§${clause}: ${name}`, async () => {
      const server = rawServer(say);
      await withPair(() => new Response(), async ({ client, url }) => {
        client.control.endpoints.set(WEB, [endpointAt({ ip: "127.0.0.1", port: server.port })]);
        deepEqual(await ask(url), expect);
        if (requests !== undefined) equal(server.requests(), requests);
      });
      await server.close();
    });
  }
});
