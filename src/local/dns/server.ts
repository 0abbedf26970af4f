/** The cluster's DNS server, by UDP and TCP at one address. */
import { createSocket, type Socket } from "node:dgram";
import type { Informer } from "../../kube/informer.ts";
import type { EndpointSlice, Service } from "../../kube/kinds.ts";
import { formatAnswer, formatRefusal, parseQuery } from "./message.ts";
import { Names } from "./names.ts";

const TTL_SECONDS = 5, TCP_LIMIT = 65_535, TCP_IDLE_MS = 10_000, TCP_CONNECTIONS = 200;

export interface DnsOptions {
  /** Default 10.43.0.10. */
  readonly address?: string;
  /** Default 53; 0 for any. */
  readonly port?: number;
  /** Default cluster.local. */
  readonly domain?: string;
  readonly services: Informer<Service>;
  readonly slices: Informer<EndpointSlice>;
}

export interface DnsServer {
  readonly port: number;
  close(): void;
}

/** Bytes of a query → bytes of its answer; undefined when it deserves none. Never throws. */
export function answerBytes(names: Names, bytes: Uint8Array, isTcp: boolean): Uint8Array | undefined {
  const query = parseQuery(bytes);
  if (query === "ignored") return undefined;
  if ("code" in query) return formatRefusal(query);
  return formatAnswer(query, names.answer(query.name, query.type), {
    zone: names.domain,
    ttlSeconds: TTL_SECONDS,
    sizeLimit: isTcp ? TCP_LIMIT : query.sizeLimit,
  });
}

/** Starts answering. @throws when the address cannot be listened at */
export async function startDns(options: DnsOptions): Promise<DnsServer> {
  const { address = "10.43.0.10", domain = "cluster.local", services, slices } = options;
  let names: Names | undefined;
  const forget = () => void (names = undefined);
  const handler = { added: forget, modified: forget, deleted: forget };
  const stops = [services.subscribe(handler), slices.subscribe(handler)];
  const current = () => names ??= new Names(services.list(), slices.list(), domain);

  const listener = Deno.listen({ hostname: address, port: options.port ?? 53 });
  const port = listener.addr.port;
  let socket: Socket;
  try {
    socket = await listenUdp(address, port, (bytes) => answerBytes(current(), bytes, false));
  } catch (error) {
    listener.close();
    throw error;
  }
  const connections = new Set<Deno.Conn>();
  serveTcp(listener, connections, (bytes) => answerBytes(current(), bytes, true));
  return {
    port,
    close: () => {
      for (const stop of stops) stop();
      socket.close();
      listener.close();
      for (const connection of connections) connection.close();
    },
  };
}

type Answerer = (bytes: Uint8Array) => Uint8Array | undefined;

function listenUdp(address: string, port: number, answer: Answerer): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    socket.on("message", (bytes, from) => {
      const reply = answer(bytes);
      if (reply !== undefined) socket.send(reply, from.port, from.address);
    });
    socket.once("error", reject);
    socket.bind(port, address, () => {
      socket.off("error", reject);
      // A client that is gone before its answer comes back as an error of the socket.
      socket.on("error", () => {});
      resolve(socket);
    });
  });
}

async function serveTcp(
  listener: Deno.Listener,
  connections: Set<Deno.Conn>,
  answer: Answerer,
): Promise<void> {
  try {
    for await (const connection of listener) {
      if (connections.size >= TCP_CONNECTIONS) {
        connection.close();
        continue;
      }
      connections.add(connection);
      serveConnection(connection, answer).catch(() => {
        // The client went away or was silent too long: it is closed below in either case.
      }).finally(() => {
        if (!connections.delete(connection)) return;
        try {
          connection.close();
        } catch {
          // Closed already by the idle timer.
        }
      });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

async function serveConnection(connection: Deno.Conn, answer: Answerer): Promise<void> {
  while (true) {
    const head = await readExactly(connection, 2);
    const message = head === undefined ? undefined : await readExactly(connection, head[0]! << 8 | head[1]!);
    const reply = message === undefined ? undefined : answer(message);
    if (reply === undefined) return;
    await writeAll(connection, Uint8Array.of(reply.length >> 8, reply.length & 255, ...reply));
  }
}

async function readExactly(connection: Deno.Conn, length: number): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(length);
  const timer = setTimeout(() => connection.close(), TCP_IDLE_MS);
  try {
    for (let at = 0; at < length;) {
      const count = await connection.read(bytes.subarray(at));
      if (count === null) return undefined;
      at += count;
    }
    return bytes;
  } finally {
    clearTimeout(timer);
  }
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}
