/** Heads that are not HTTP, or mean two things at once: refused before the application, by the right status. */
import { equal, match } from "node:assert/strict";
import { type OneServer, withServer } from "./one_server.ts";

const HOST = "host: web\r\n", CHUNKED = "transfer-encoding: chunked\r\n", END = "\r\n";
/** What is refused, and by which status. The second request of each is what a smuggler wants to get through. */
const SMUGGLED = "GET /smuggled HTTP/1.1\r\nhost: web\r\n\r\n";
const CASES: readonly (readonly [string, string, number])[] = [
  [
    "Content-Length beside Transfer-Encoding",
    `POST /bad HTTP/1.1\r\n${HOST}content-length: 4\r\n${CHUNKED}${END}0\r\n\r\n${SMUGGLED}`,
    400,
  ],
  [
    "two Content-Lengths",
    `POST /bad HTTP/1.1\r\n${HOST}content-length: 0\r\ncontent-length: ${SMUGGLED.length}\r\n${END}${SMUGGLED}`,
    400,
  ],
  [
    "a list of Content-Lengths",
    `POST /bad HTTP/1.1\r\n${HOST}content-length: 0, 5\r\n${END}${SMUGGLED}`,
    400,
  ],
  ["a signed Content-Length", `POST /bad HTTP/1.1\r\n${HOST}content-length: +0\r\n${END}${SMUGGLED}`, 400],
  [
    "Transfer-Encoding that does not end in chunked",
    `POST /bad HTTP/1.1\r\n${HOST}transfer-encoding: chunked, identity\r\n${END}0\r\n\r\n${SMUGGLED}`,
    400,
  ],
  ["bare line feeds", `GET /bad HTTP/1.1\nhost: web\n\n${SMUGGLED}`, 400],
  ["a bare carriage return", `GET /bad HTTP/1.1\r\n${HOST}x: a\rb\r\n${END}${SMUGGLED}`, 400],
  ["a folded field", `GET /bad HTTP/1.1\r\n${HOST}x: a\r\n b\r\n${END}${SMUGGLED}`, 400],
  ["a space before a colon", `GET /bad HTTP/1.1\r\n${HOST}content-length : 5\r\n${END}${SMUGGLED}`, 400],
  ["no Host", `GET /bad HTTP/1.1\r\n${END}${SMUGGLED}`, 400],
  ["two Hosts", `GET /bad HTTP/1.1\r\n${HOST}host: other\r\n${END}${SMUGGLED}`, 400],
  ["a NUL in a field", `GET /bad HTTP/1.1\r\n${HOST}x: a\0b\r\n${END}${SMUGGLED}`, 400],
  [
    "a chunk size that is none",
    `POST /bad HTTP/1.1\r\n${HOST}${CHUNKED}${END}0x3\r\nabc\r\n0\r\n\r\n${SMUGGLED}`,
    400,
  ],
  [
    "a chunk size beyond all numbers",
    `POST /bad HTTP/1.1\r\n${HOST}${CHUNKED}${END}fffffffffffffffff\r\n${SMUGGLED}`,
    400,
  ],
  ["a head of 80 KB", `GET /bad HTTP/1.1\r\n${HOST}x: ${"y".repeat(80_000)}\r\n${END}${SMUGGLED}`, 431],
  ["five hundred fields", `GET /bad HTTP/1.1\r\n${HOST}${"a: b\r\n".repeat(500)}${END}${SMUGGLED}`, 431],
  ["a target of 70 KB", `GET /${"y".repeat(70_000)} HTTP/1.1\r\n${HOST}${END}${SMUGGLED}`, 414],
  ["a version of the future", `GET /bad HTTP/3.0\r\n${HOST}${END}${SMUGGLED}`, 505],
];

/** Sends bytes and reads to the end. @returns the status of every answer that came */
async function statuses(port: number, text: string): Promise<number[]> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port }), buffer = new Uint8Array(65536);
  // A proxy that refuses need not read to the end of what it refuses.
  const writing = connection.write(new TextEncoder().encode(text)).catch(() => 0);
  let answer = "";
  for (;;) {
    const count = await connection.read(buffer).catch(() => null);
    if (count === null) break;
    answer += new TextDecoder().decode(buffer.subarray(0, count));
  }
  await writing;
  connection.close();
  return [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
}

function expectNothingSmuggled({ seen }: OneServer): void {
  equal(seen.includes("/smuggled"), false, "what followed was not taken for a request");
  equal(seen.includes("/bad"), false, "the application never saw the request");
}

for (const [what, text, status] of CASES) {
  Deno.test(`${what}: ${status} from the server's proxy and from the client's, counted by both`, async () => {
    await withServer(async (one) => {
      const { server } = one, client = await one.client();
      // Both ends of a chunked body may be at work when it breaks: the request's head was well.
      const isBody = /chunk size/.test(what);
      for (
        const [port, side] of [
          [server.inboundAddress.port, "inbound"],
          [client.outboundAddress.port, "outbound"],
        ] as const
      ) {
        one.aimAt(side === "inbound" ? "application" : "proxy");
        const [first, ...more] = await statuses(port, text);
        equal(first, status, side);
        equal(more.length, 0, "the connection ends with the refusal");
      }
      if (!isBody) expectNothingSmuggled(one);
      equal(one.seen.includes("/smuggled"), false);
      await one.check();
      equal(one.counter("inbound_http_errors_total"), 1);
      const counted = [...client.runtime.telemetry.families.get("outbound_http_errors_total")!.values];
      equal(counted.length, 1);
      match(counted[0]![0], /error="/);
    });
  });
}
