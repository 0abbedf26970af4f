/** What only looks like TLS, stops in its middle, or says nothing at all. */
import { equal } from "node:assert/strict";
import { SERVER } from "../../src/proxy/testing/meshed_pair.ts";
import { type OneServer, withServer } from "./one_server.ts";

/** A ClientHello of TLS 1.3 that asks for `name`, as far as a proxy looks before it decides: well-formed to its end. */
function clientHello(name: string): Uint8Array<ArrayBuffer> {
  const u16 = (value: number) => [value >> 8, value & 255];
  const block = (bytes: readonly number[]) => [...u16(bytes.length), ...bytes];
  const host = [...new TextEncoder().encode(name)];
  const extensions = [
    ...[0, 0, ...block(block([0, ...block(host)]))], // server_name
    ...[0, 43, ...block([2, 3, 4])], // supported_versions: TLS 1.3
  ];
  const random = [...crypto.getRandomValues(new Uint8Array(32))];
  const body = [3, 3, ...random, 0, ...block([0x13, 0x01]), 1, 0, ...block(extensions)];
  const handshake = [1, 0, ...u16(body.length), ...body];
  return Uint8Array.from([22, 3, 1, ...block(handshake)]);
}

/** A hello for the server itself that no handshake can go on from: it offers no key. */
const HELLO = clientHello(SERVER);
const GARBAGE = crypto.getRandomValues(new Uint8Array(600));
GARBAGE.set([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]);

async function attack({ server }: OneServer, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.inboundAddress.port });
  if (bytes.length > 0) await connection.write(bytes);
  const buffer = new Uint8Array(1000);
  // A TLS alert may come first; the end comes at the latest when detection times out.
  for (;;) {
    const count = await connection.read(buffer).catch(() => null);
    if (count === null) break;
    equal(buffer[0], 21, "an alert, if anything");
  }
  connection.close();
}

const CASES: readonly (readonly [string, Uint8Array<ArrayBuffer>])[] = [
  ["a hello that no handshake can go on from", HELLO],
  ["half a hello", HELLO.slice(0, HELLO.length >> 1)],
  ["a hello without its last byte", HELLO.slice(0, -1)],
  ["a hello whose lengths lie", HELLO.map((byte, at) => at === 8 ? 255 : byte)],
  ["a record header alone", HELLO.slice(0, 5)],
  ["garbage in a record", GARBAGE],
  ["nothing", new Uint8Array(0)],
];

for (const [what, bytes] of CASES) {
  Deno.test(`${what} at the proxy's own port is closed in time and counted, and others go on`, async () => {
    await withServer(async (one) => {
      const attacks = Array.from({ length: 10 }, () => attack(one, bytes));
      await one.check();
      await Promise.all(attacks);
      await one.check();
      equal(one.counter("inbound_tcp_errors_total"), attacks.length);
      equal(one.seen.every((path) => path === "/well"), true);
    });
  });
}
