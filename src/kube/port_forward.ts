/**
 * A pod's port on loopback, by way of the API server: works wherever kubectl does, and needs no kubectl.
 *
 * One WebSocket a connection, in the subprotocol v4.channel.k8s.io, which kubelets and container runtimes have spoken
 * since 1.6: every message begins with a channel's number, 0 for data and 1 for an error's text; the first two bytes of
 * each channel are the port. Why not kubectl's own protocol (SPDY/3.1, alone or in a WebSocket): it would need a
 * SPDY implementation, and gives nothing to one connection.
 *
 * Source: k8s.io/kubelet pkg/cri/streaming/portforward/websocket.go.
 */
import { MeshFailure } from "../mesh/error.ts";
import type { KubeClient } from "./client.ts";

export const PORT_FORWARD_PROTOCOL = "v4.channel.k8s.io";
const DATA = 0, ERROR = 1, PORT_BYTES = 2;
/** Bytes one side may be ahead of the other before the connection is given up: a WebSocket has no brake. */
const MAXIMUM_AHEAD = 64 * 1024 * 1024;
const READ_SIZE = 32 * 1024;

export interface PortForward {
  /** On loopback. */
  readonly port: number;
  /** Why the last connection failed, in the words of API server or kubelet; undefined when none did. */
  readonly complaint: string | undefined;
  close(): Promise<void>;
}

export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/** The message `bytes` on `channel`. */
function message(channel: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const framed = new Uint8Array(bytes.length + 1);
  framed[0] = channel;
  framed.set(bytes, 1);
  return framed;
}

/** What a pod sends, on its way to the client: the messages of both channels. */
class FromPod {
  /** Bytes of each channel's port that have come. */
  readonly #skipped = [0, 0];
  #ahead = 0;
  #writing: Promise<void> = Promise.resolve();
  complaint: string | undefined;

  constructor(private readonly client: Deno.TcpConn) {}

  /** Ends the client's connection, which ends everything else. */
  #fail(reason: string): void {
    this.complaint ??= reason;
    end(this.client);
  }

  received(bytes: Uint8Array): void {
    const channel = bytes[0];
    if (channel !== DATA && channel !== ERROR) return this.#fail("the API server speaks another protocol");
    const port = Math.min(PORT_BYTES - this.#skipped[channel]!, bytes.length - 1);
    this.#skipped[channel]! += port;
    const content = bytes.subarray(1 + port);
    if (content.length === 0) return;
    if (channel === ERROR) return this.#fail(new TextDecoder().decode(content).trim());
    this.#ahead += content.length;
    if (this.#ahead > MAXIMUM_AHEAD) return this.#fail("the client reads too slowly");
    this.#writing = this.#writing.then(() => writeAll(this.client, content)).then(
      () => void (this.#ahead -= content.length),
      () => end(this.client), // it is gone
    );
  }

  /** All that has come has gone to the client. */
  written(): Promise<void> {
    return this.#writing;
  }
}

function whenClosed(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState === WebSocket.CLOSED) resolve();
    else socket.onclose = () => resolve();
  });
}

/** Connections to one port of one pod, each on a WebSocket of its own. */
class Forwarder implements PortForward {
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #accepting: Promise<void>;
  #isClosed = false;
  complaint: string | undefined;

  constructor(
    private readonly connect: (received: (message: Uint8Array) => void) => Promise<WebSocket>,
    hostname: string,
    port: number,
  ) {
    this.#listener = Deno.listen({ hostname, port });
    this.#accepting = this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #accept(): Promise<void> {
    const serving = new Set<Promise<void>>();
    try {
      for await (const connection of this.#listener) {
        if (this.#isClosed) end(connection); // accepted while it was being closed
        const served: Promise<void> = this.#serve(connection).finally(() => serving.delete(served));
        serving.add(served);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted)) {
        throw error;
      }
    }
    await Promise.all(serving);
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    this.#open.add(connection);
    const fromPod = new FromPod(connection);
    try {
      const socket = await this.connect((message) => fromPod.received(message));
      const closed = whenClosed(socket).then(async () => {
        await fromPod.written();
        end(connection); // the pod's end is the client's
      });
      await this.#toPod(socket, connection);
      socket.close();
      await closed;
      this.complaint ??= fromPod.complaint;
    } catch (error) {
      this.complaint = error instanceof Error ? error.message : String(error);
    } finally {
      this.#open.delete(connection);
      end(connection);
    }
  }

  /** Resolves when the client has ended. */
  async #toPod(socket: WebSocket, connection: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(READ_SIZE);
    for (;;) {
      const size = await connection.read(buffer).catch(() => null); // its writing side tells what went wrong
      if (size === null || socket.readyState !== WebSocket.OPEN) return;
      if (socket.bufferedAmount > MAXIMUM_AHEAD) {
        this.complaint = "the pod reads too slowly";
        return;
      }
      socket.send(message(DATA, buffer.subarray(0, size)));
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    end(this.#listener);
    for (const connection of this.#open) end(connection);
    await this.#accepting;
  }
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

function end(resource: Deno.TcpConn | Deno.TcpListener): void {
  try {
    resource.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error; // closed already: by its other direction
  }
}

/**
 * Listens on loopback (`listen.port`, 0 for a free one) for connections to a pod's port.
 * @throws MeshFailure when the client cannot forward, or the address is taken
 */
export function forwardPort(
  client: KubeClient,
  { namespace, pod, port }: PodPort,
  listen: { readonly hostname: string; readonly port: number } = { hostname: "127.0.0.1", port: 0 },
): PortForward {
  const { webSocket } = client;
  if (webSocket === undefined) throw new Error("this client has no way to forward a port");
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/portforward?ports=${port}`;
  try {
    return new Forwarder(
      (received) => webSocket.call(client, path, PORT_FORWARD_PROTOCOL, received),
      listen.hostname,
      listen.port,
    );
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new MeshFailure({
      code: "port-taken",
      source: "usage",
      detail: `port ${listen.port} of ${listen.hostname} is in use`,
      remedy: "name another one with --port, or 0 for one that is free",
    });
  }
}
