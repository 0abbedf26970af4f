import assert from "node:assert/strict";
import { withNetwork } from "../local/api/testing.ts";
import type { KubeClient } from "./client.ts";
import { PODS, SERVICE_ACCOUNTS } from "./kinds.ts";
import { forwardPort, type PodPort, type PortForward } from "./port_forward.ts";

/** A pod "app" whose address is loopback, on the laptop's API server over TLS. */
async function withPod(use: (client: KubeClient) => Promise<void>): Promise<void> {
  await withNetwork(async (connect) => {
    const client = connect(), metadata = { name: "app", namespace: "default" };
    await client.create(SERVICE_ACCOUNTS, { metadata: { name: "default", namespace: "default" } });
    await client.create(PODS, { metadata, spec: { containers: [{ name: "app", image: "app" }] } });
    await client.patch(PODS, "app", "default", { status: { podIP: "127.0.0.1" } }, {
      type: "merge",
      subresource: "status",
    });
    await use(client);
  });
}

/** A TCP server, as the pod's program. */
async function withProgram(
  serve: (connection: Deno.TcpConn) => Promise<void>,
  use: (port: number) => Promise<void>,
): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = (async () => {
    for await (const connection of listener) await serve(connection);
  })().catch((error) => {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  });
  try {
    await use(listener.addr.port);
  } finally {
    listener.close();
    await accepting;
  }
}

async function forwarding(
  client: KubeClient,
  where: Partial<PodPort>,
  use: (forward: PortForward, open: () => Promise<Deno.TcpConn>) => Promise<void>,
): Promise<void> {
  const forward = forwardPort(client, { namespace: "default", pod: "app", port: 80, ...where });
  try {
    await use(forward, () => Deno.connect({ hostname: "127.0.0.1", port: forward.port }));
  } finally {
    await forward.close();
  }
}

const read = async (connection: Deno.TcpConn) =>
  new Uint8Array(await new Response(connection.readable).arrayBuffer());

async function write(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** What a program gets to read of a connection until `length` bytes have come. */
async function readExactly(connection: Deno.TcpConn, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) at += (await connection.read(bytes.subarray(at))) ?? assert.fail("it ended");
  return bytes;
}

Deno.test("a megabyte goes through both ways as it is, and the pod's end is the client's end", () =>
  withPod(async (client) => {
    const sent = Uint8Array.from({ length: 1_000_000 }, (_, at) => (at * 31) & 0xff);
    await withProgram(async (connection) => {
      await write(connection, await readExactly(connection, sent.length));
      connection.close();
    }, (port) =>
      forwarding(client, { port }, async (forward, open) => {
        const connection = await open();
        const [answer] = await Promise.all([read(connection), write(connection, sent)]);
        assert.deepEqual(answer, sent);
        assert.equal(forward.complaint, undefined);
      }));
  }));

Deno.test("connections are apart from each other", () =>
  withPod((client) =>
    withProgram(async (connection) => {
      await write(connection, (await readExactly(connection, 1)).map((byte) => byte + 1));
      connection.close();
    }, (port) =>
      forwarding(client, { port }, async (_forward, open) => {
        const answers = await Promise.all([1, 7, 40].map(async (byte) => {
          const connection = await open();
          await connection.write(Uint8Array.of(byte));
          return await read(connection);
        }));
        assert.deepEqual(answers.map(([byte]) => byte), [2, 8, 41]);
      }))
  ));

Deno.test("a port where nobody listens, and a pod that is not there, are told in the server's words", () =>
  withPod(async (client) => {
    await forwarding(client, { port: 1 }, async (forward, open) => {
      assert.equal((await read(await open())).length, 0);
      assert.match(forward.complaint!, /cannot connect to port 1 of the pod: .*refused/);
    });
    await forwarding(client, { pod: "other" }, async (forward, open) => {
      assert.equal((await read(await open())).length, 0);
      assert.match(forward.complaint!, /pods "other" not found/);
    });
  }));

Deno.test("closing ends connections that are open, and the port is taken no more", () =>
  withPod((client) =>
    withProgram(async (connection) => {
      assert.equal(await connection.read(new Uint8Array(1)), null);
      connection.close();
    }, async (port) => {
      let taken = 0;
      await forwarding(client, { port }, async (forward, open) => {
        taken = forward.port;
        const where = { namespace: "default", pod: "app", port };
        assert.throws(
          () => forwardPort(client, where, { hostname: "127.0.0.1", port: taken }),
          /is in use/,
        );
        const connection = await open();
        await forward.close();
        assert.equal((await read(connection)).length, 0);
      });
      await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port: taken }));
    })
  ));
