/**
 * Where the API server is reached: TLS on TCP addresses, and sockets in the file system, plain or with TLS inside.
 *
 * Deno serves TLS on TCP only; a socket in the file system with TLS passes its bytes to a TLS listener on loopback.
 */
import type { ServingCertificate } from "./tls/certificates.ts";

export interface ListenOptions {
  /** TLS; port 0 picks a free one. */
  tcp?: readonly { hostname: string; port: number }[];
  /** Pathname sockets; with `tls` a client speaks TLS through it (what a TCP relay in front needs). */
  unix?: readonly { path: string; tls: boolean }[];
}

export interface Listeners {
  /** In the order of the options. */
  tcp: Deno.NetAddr[];
  close(): Promise<void>;
}

export function listen(
  options: ListenOptions,
  certificate: ServingCertificate,
  handle: (request: Request) => Promise<Response>,
): Listeners {
  const stopped = new AbortController();
  const finished: Promise<void>[] = [];
  const quiet = { onListen: () => {}, signal: stopped.signal };
  const serveTls = (hostname: string, port: number): Deno.NetAddr => {
    const { certificate: cert, key } = certificate;
    const server = Deno.serve({ ...quiet, hostname, port, cert, key }, handle);
    finished.push(server.finished);
    return server.addr;
  };
  const tcp = (options.tcp ?? []).map(({ hostname, port }) => serveTls(hostname, port));
  const unix = options.unix ?? [];
  const behind = unix.some(({ tls }) => tls)
    ? tcp.find(({ hostname }) => hostname === "127.0.0.1") ?? serveTls("127.0.0.1", 0)
    : undefined;
  for (const { path, tls } of unix) {
    if (tls) finished.push(relay(path, behind!, stopped.signal));
    else finished.push(Deno.serve({ ...quiet, path }, handle).finished);
  }
  return {
    tcp,
    async close() {
      stopped.abort();
      await Promise.all(finished);
    },
  };
}

async function relay(path: string, target: Deno.NetAddr, signal: AbortSignal): Promise<void> {
  const listener = Deno.listen({ transport: "unix", path });
  const open = new Set<Deno.Conn>();
  const stop = () => {
    listener.close();
    for (const connection of open) close(connection);
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const client of listener) join(client, target, open);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function join(client: Deno.Conn, target: Deno.NetAddr, open: Set<Deno.Conn>): Promise<void> {
  open.add(client);
  let server: Deno.Conn | undefined;
  try {
    server = await Deno.connect({ hostname: target.hostname, port: target.port });
    open.add(server);
    await Promise.all([copy(client, server), copy(server, client)]);
  } catch {
    // Either side went away: both are closed below, which is all there is to do.
  } finally {
    for (const connection of [client, server]) {
      if (connection === undefined) continue;
      open.delete(connection);
      close(connection);
    }
  }
}

async function copy(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(32 * 1024);
  while (true) {
    const size = await from.read(buffer);
    if (size === null) break;
    for (let at = 0; at < size;) at += await to.write(buffer.subarray(at, size));
  }
  await to.closeWrite();
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // Already closed by its other direction.
  }
}
