/**
 * What the outbound proxy makes of an endpoint, row by row of the connection matrix (proxy.md §5): a peer that only looks
 * says whether it was spoken to in TLS, with which transport header, in which HTTP, and for whom.
 */
import { deepEqual } from "node:assert/strict";
import hpack from "hpack.js";
import type { EndpointInfo, OutboundDecision } from "../../../src/proxy/control/plane.ts";
import { DEFAULT_CLASSES } from "../../../src/proxy/control/translate_classes.ts";
import { TestAuthority } from "../../../src/proxy/testing/certificates.ts";
import { balanced } from "../../../src/proxy/testing/fake_control.ts";
import { CLIENT, SERVER, startTestProxy } from "../../../src/proxy/testing/meshed_pair.ts";
import { decodeTransportHeader } from "../../../src/proxy/tls/transport_header.ts";
import { bytesOf, latin1 } from "../http1/wire.ts";
import { GET, HEADERS, headers, PREFACE, RawPeer } from "../http2/peer.ts";

const authority = await TestAuthority.create();
const NAME = "web.shop.svc.cluster.local:80", OVERRIDE = "web-west.shop.svc.cluster.local:8080";

function pem(kind: string, der: Uint8Array): string {
  return `-----BEGIN ${kind}-----\n${der.toBase64()}\n-----END ${kind}-----\n`;
}

/** What the peer saw of a connection. */
interface Seen {
  isTls: boolean;
  /** The transport header: port, name, protocol; undefined when none came. */
  header: string | undefined;
  http: "HTTP/1" | "HTTP/2" | "opaque";
  /** Who was asked, with the fields that matter. */
  authority: string;
  marks: string[];
  /** All of it, of HTTP/1. */
  text?: string;
}

function readHttp1(text: string, seen: Seen): boolean {
  if (!text.includes("\r\n\r\n")) return false;
  seen.http = "HTTP/1";
  seen.authority = /^host: (.*)\r$/im.exec(text)?.[1] ?? "";
  seen.marks = [...text.matchAll(/^(l5d-[a-z-]+|upgrade)(?=:)/gim)].map(([name]) => name.toLowerCase());
  return true;
}

function readHttp2(bytes: Uint8Array, seen: Seen): boolean {
  for (let at = PREFACE.length; at + 9 <= bytes.length;) {
    const length = bytes[at]! << 16 | bytes[at + 1]! << 8 | bytes[at + 2]!, type = bytes[at + 3];
    if (at + 9 + length > bytes.length) return false;
    if (type === HEADERS) {
      const decoder = hpack.decompressor.create({ table: { size: 4096 } });
      decoder.write(bytes.slice(at + 9, at + 9 + length));
      decoder.execute();
      seen.http = "HTTP/2";
      for (let field = decoder.read(); field !== null; field = decoder.read()) {
        if (field.name === ":authority") seen.authority = field.value;
        if (field.name.startsWith("l5d-") || field.name === "host") seen.marks.push(field.name);
      }
      return true;
    }
    at += 9 + length;
  }
  return false;
}

/** Reads one connection until it is clear what it carries. */
async function look(connection: Deno.Conn, isTls: boolean): Promise<Seen> {
  const seen: Seen = { isTls, header: undefined, http: "opaque", authority: "", marks: [] };
  const buffer = new Uint8Array(65536);
  let bytes: Uint8Array<ArrayBuffer> = new Uint8Array();
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) return seen;
    bytes = Uint8Array.from([...bytes, ...buffer.subarray(0, count)]);
    if (seen.header === undefined) {
      const decoded = decodeTransportHeader(bytes);
      if (decoded.kind === "more") continue;
      if (decoded.kind === "header") {
        const { port, name, protocol } = decoded.header;
        seen.header = `${port} ${name || "-"} ${protocol ?? "-"}`;
        bytes = bytes.slice(decoded.length);
      }
    }
    const text = latin1(bytes);
    if (text.startsWith("opaque")) return seen;
    if (text.includes("/whole ")) {
      if (!text.endsWith("hello") && !text.endsWith("0\r\n\r\n")) continue;
      return { ...seen, text };
    }
    if (text.startsWith("PRI ") ? readHttp2(bytes, seen) : readHttp1(text, seen)) return seen;
  }
}

/** The decision of a service with a profile, whose name goes with each request. */
function profiled(decision: OutboundDecision): OutboundDecision {
  const profile = { dst: NAME, labels: {}, failures: DEFAULT_CLASSES };
  const routes = decision.http.routes.map(({ hosts, rules }) => ({
    hosts,
    rules: rules.map(({ matches, target }) => ({ matches, target: { ...target, profile } })),
  }));
  return { ...decision, http: { ...decision.http, routes } };
}

type Spoken = "HTTP/1" | "upgrade" | "HTTP/2" | "opaque";

/** What the peer at `info` sees when the application speaks. */
async function seenOf(
  info: (port: number) => Partial<EndpointInfo>,
  spoken: Spoken,
  said?: string,
): Promise<Partial<Seen>> {
  const isTls = info(1).identity !== undefined, leaf = await authority.issue(SERVER);
  const listener = isTls
    ? Deno.listenTls({
      hostname: "127.0.0.1",
      port: 0,
      cert: pem("CERTIFICATE", leaf.chain[0]!),
      key: pem("EC PRIVATE KEY", leaf.key.toDer()),
      alpnProtocols: ["transport.l5d.io/v1"],
    })
    : Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const client = await startTestProxy(authority, CLIENT);
  client.redirect("outbound", { ip: "10.43.0.7", port: 80 });
  client.control.decisions.set(
    "10.43.0.7:80",
    profiled(balanced(NAME, spoken === "opaque" ? "opaque" : "detect")),
  );
  client.control.endpoints.set(NAME, [{
    address: { ip: "127.0.0.1", port },
    weight: 1,
    identity: undefined,
    hint: "none",
    transportPort: undefined,
    authorityOverride: undefined,
    labels: {},
    ...info(port),
  }]);
  const peer = await RawPeer.connect(client.outboundAddress.port);
  if (said !== undefined) await peer.write(bytesOf(said));
  else if (spoken === "HTTP/2") {
    await peer.greet();
    await peer.write(headers(1, [...GET, ["l5d-dst-canonical", "a-lie"]]));
  } else if (spoken === "opaque") await peer.write(bytesOf("opaque bytes"));
  else {
    const upgrade = spoken === "upgrade" ? "connection: upgrade\r\nupgrade: websocket\r\n" : "";
    await peer.write(bytesOf(`GET / HTTP/1.1\r\nhost: web\r\nl5d-dst-canonical: a-lie\r\n${upgrade}\r\n`));
  }
  const connection = await listener.accept(), seen = await look(connection, isTls);
  peer.close();
  await client.stop();
  connection.close();
  listener.close();
  if (spoken === "opaque") return { isTls: seen.isTls, header: seen.header, http: seen.http };
  return { ...seen, marks: seen.marks.sort() };
}

const identity = { name: SERVER, serverName: SERVER };
const CANONICAL = "l5d-dst-canonical", ORIGINAL = "l5d-orig-proto";
/** The application's port that a peer proxy is asked for; the peer listens elsewhere. */
const APPLICATION = { ip: "127.0.0.1", port: 8123 };
const opaque = (isTls: boolean, header?: string) => ({ isTls, header, http: "opaque" as const });
const seen = (
  isTls: boolean,
  http: Seen["http"],
  header?: string,
  marks = [CANONICAL],
  authority = "web",
) => ({
  isTls,
  header,
  http,
  authority,
  marks,
});

type Row = readonly [
  string,
  (port: number) => Partial<EndpointInfo>,
  Readonly<Record<Spoken, Partial<Seen>>>,
];
const ROWS: readonly Row[] = [
  ["no identity", () => ({}), {
    "HTTP/1": seen(false, "HTTP/1"),
    upgrade: seen(false, "HTTP/1", undefined, [CANONICAL, "upgrade"]),
    "HTTP/2": seen(false, "HTTP/2"),
    opaque: opaque(false),
  }],
  ["an identity, without a hint", () => ({ identity }), {
    "HTTP/1": seen(true, "HTTP/1"),
    upgrade: seen(true, "HTTP/1", undefined, [CANONICAL, "upgrade"]),
    "HTTP/2": seen(true, "HTTP/2"),
    opaque: opaque(true),
  }],
  ["an identity, h2", () => ({ identity, hint: "h2" }), {
    "HTTP/1": seen(true, "HTTP/2", undefined, [CANONICAL, ORIGINAL]),
    upgrade: seen(true, "HTTP/1", undefined, [CANONICAL, "upgrade"]),
    "HTTP/2": seen(true, "HTTP/2"),
    opaque: opaque(true),
  }],
  ["an identity, opaque", () => ({ identity, hint: "opaque" }), {
    "HTTP/1": seen(true, "HTTP/1"),
    upgrade: seen(true, "HTTP/1", undefined, [CANONICAL, "upgrade"]),
    "HTTP/2": seen(true, "HTTP/2"),
    opaque: opaque(true),
  }],
  [
    "an identity, h2, a transport port",
    (port) => ({ identity, hint: "h2", address: APPLICATION, transportPort: port }),
    {
      "HTTP/1": seen(true, "HTTP/2", "8123 - http2", [CANONICAL, ORIGINAL]),
      upgrade: seen(true, "HTTP/1", "8123 - http1", [CANONICAL, "upgrade"]),
      "HTTP/2": seen(true, "HTTP/2", "8123 - http2"),
      opaque: opaque(true, "8123 - -"),
    },
  ],
  [
    "an identity, opaque, a transport port",
    (port) => ({ identity, hint: "opaque", address: APPLICATION, transportPort: port }),
    {
      "HTTP/1": seen(true, "HTTP/1", "8123 - -"),
      upgrade: seen(true, "HTTP/1", "8123 - -", [CANONICAL, "upgrade"]),
      "HTTP/2": seen(true, "HTTP/2", "8123 - -"),
      opaque: opaque(true, "8123 - -"),
    },
  ],
  [
    "an identity, h2, an authority override",
    () => ({ identity, hint: "h2", authorityOverride: OVERRIDE }),
    {
      "HTTP/1": seen(true, "HTTP/2", "8080 web-west.shop.svc.cluster.local http2", [ORIGINAL], OVERRIDE),
      upgrade: seen(true, "HTTP/1", "8080 web-west.shop.svc.cluster.local http1", ["upgrade"], OVERRIDE),
      "HTTP/2": seen(true, "HTTP/2", "8080 web-west.shop.svc.cluster.local http2", [], OVERRIDE),
      opaque: opaque(true, "8080 web-west.shop.svc.cluster.local -"),
    },
  ],
  [
    "an identity, opaque, a transport port and an authority override",
    (port) => ({
      identity,
      hint: "opaque",
      address: APPLICATION,
      transportPort: port,
      authorityOverride: OVERRIDE,
    }),
    {
      "HTTP/1": seen(true, "HTTP/1", "8080 web-west.shop.svc.cluster.local -", [], OVERRIDE),
      upgrade: seen(true, "HTTP/1", "8080 web-west.shop.svc.cluster.local -", ["upgrade"], OVERRIDE),
      "HTTP/2": seen(true, "HTTP/2", "8080 web-west.shop.svc.cluster.local -", [], OVERRIDE),
      opaque: opaque(true, "8080 web-west.shop.svc.cluster.local -"),
    },
  ],
];

for (const [row, info, expected] of ROWS) {
  Deno.test(`an endpoint of ${row} is connected to as Linkerd does`, async (t) => {
    for (const [spoken, wanted] of Object.entries(expected) as [Spoken, Partial<Seen>][]) {
      await t.step(spoken, async () => deepEqual(await seenOf(info, spoken), wanted));
    }
  });
}

for (
  const [name, said, body] of [
    [
      "with a length",
      `POST /whole HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\nX-A: 1\r\n\r\nhello`,
      "hello",
    ],
    [
      "in chunks, to an absolute target",
      "POST http://web/whole HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n" +
      "5\r\nhello\r\n0\r\n\r\n",
      "5\r\nhello\r\n0\r\n\r\n",
    ],
  ] as const
) {
  Deno.test(`content ${name} goes to the authority that stands for an endpoint, framed as it was`, async () => {
    const { text = "" } = await seenOf(
      () => ({ identity, hint: "opaque", authorityOverride: OVERRIDE }),
      "HTTP/1",
      said,
    );
    const [head, ...rest] = text.split("\r\n\r\n"), lines = head!.toLowerCase().split("\r\n");
    deepEqual(lines.sort(), [
      ...(body === "hello" ? ["content-length: 5"] : []),
      `host: ${OVERRIDE}`,
      "post /whole http/1.1",
      ...(body === "hello" ? [] : ["transfer-encoding: chunked"]),
      "x-a: 1",
    ]);
    deepEqual(rest.join("\r\n\r\n"), body);
  });
}
