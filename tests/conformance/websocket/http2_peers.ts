/** Both ends of a WebSocket over HTTP/2 through a meshed pair: a client's, and an application of HTTP/1. RFC 8441. */
import { createHash } from "node:crypto";
import hpack from "hpack.js";
import { endpointAt } from "../../../src/proxy/testing/fake_control.ts";
import { type Pair, SERVER, withPair } from "../../../src/proxy/testing/meshed_pair.ts";
import { Server } from "../../faults/data_path/peers.ts";
import { bytesOf, latin1 } from "../http1/wire.ts";
import {
  DATA,
  data,
  END_HEADERS,
  END_STREAM,
  type Fields,
  type Frame,
  HEADERS,
  headers,
  RawPeer,
  RST_STREAM,
  WINDOW_UPDATE,
  wordOf,
} from "../http2/peer.ts";

export const WEB = "web.shop.svc.cluster.local:80";
export const WEBSOCKET: Fields = [
  [":method", "CONNECT"],
  [":protocol", "websocket"],
  [":scheme", "http"],
  [":path", "/chat?room=1"],
  [":authority", "web"],
  ["sec-websocket-version", "13"],
  ["sec-websocket-protocol", "mesh.v1"],
  ["origin", "http://web"],
];

export function acceptOf(key: string): string {
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

/** A WebSocket's side in HTTP/2: frames out, fields and bytes in. */
export class Socket {
  readonly #decoder = hpack.decompressor.create({ table: { size: 4096 } });
  #bytes = "";
  ending: string | undefined;
  /** What the connection's window was seen to grow to. */
  credit = 65535;

  constructor(readonly peer: RawPeer, readonly id: number) {}

  static async ask(port: number, fields: Fields = WEBSOCKET, flags = END_HEADERS): Promise<Socket> {
    const peer = await RawPeer.connect(port);
    await peer.greet();
    await peer.write(headers(1, fields, flags));
    return new Socket(peer, 1);
  }

  async #next(): Promise<Frame | undefined> {
    const next = await this.peer.until((frame) => {
      if (frame.type === WINDOW_UPDATE && frame.stream === 0) this.credit += wordOf(frame);
      return frame.stream === this.id;
    });
    if (next?.type === RST_STREAM) this.ending = `reset ${wordOf(next)}`;
    else if (next === undefined) this.ending = "closed";
    else if (next.flags & END_STREAM) this.ending ??= "ended";
    return next;
  }

  /** The fields of the next HEADERS. */
  async head(): Promise<Map<string, string>> {
    for (;;) {
      const next = await this.#next();
      if (next === undefined || next.type === RST_STREAM) return new Map([[":status", this.ending!]]);
      if (next.type !== HEADERS) continue;
      this.#decoder.write(next.payload);
      this.#decoder.execute();
      const fields = new Map<string, string>();
      for (let field = this.#decoder.read(); field !== null; field = this.#decoder.read()) {
        fields.set(field.name, field.value);
      }
      return fields;
    }
  }

  #take({ type, payload }: Frame): void {
    if (type === DATA) this.#bytes += latin1(payload);
  }

  async take(length: number): Promise<string> {
    while (this.#bytes.length < length && this.ending === undefined) {
      const next = await this.#next();
      if (next !== undefined) this.#take(next);
    }
    const taken = this.#bytes.slice(0, length);
    this.#bytes = this.#bytes.slice(length);
    return taken;
  }

  /** All that comes until the stream ends, and how it does. */
  async rest(): Promise<[string, string]> {
    while (this.ending === undefined) {
      const next = await this.#next();
      if (next !== undefined) this.#take(next);
    }
    return [this.#bytes, this.ending];
  }

  say(text: string, flags = 0): Promise<void> {
    return this.peer.write(data(this.id, text, flags));
  }
}

/** What an application of HTTP/1 was sent on its first connection, until the empty line and after. */
export class Application {
  readonly server: Server;
  readonly accepted = Promise.withResolvers<Deno.TcpConn>();
  text = "";

  constructor() {
    this.server = new Server((connection) => {
      this.accepted.resolve(connection);
      return Promise.resolve();
    });
  }

  async until(isWhole: (text: string) => boolean): Promise<string> {
    const connection = await this.accepted.promise, buffer = new Uint8Array(65536);
    while (!isWhole(this.text)) {
      const count = await connection.read(buffer);
      if (count === null) break;
      this.text += latin1(buffer.subarray(0, count));
    }
    const { text } = this;
    this.text = "";
    return text;
  }

  /** The request's head; it answers the key unless told to say something else. */
  async upgrade(answer?: (key: string) => string): Promise<string> {
    const head = await this.until((text) => text.includes("\r\n\r\n"));
    const key = /^sec-websocket-key: (.*)\r$/m.exec(head)?.[1] ?? "";
    await this.say(answer?.(key) ?? switching(acceptOf(key)));
    return head;
  }

  async say(text: string): Promise<void> {
    const connection = await this.accepted.promise;
    for (let left = bytesOf(text); left.length > 0;) left = left.subarray(await connection.write(left));
  }
}

export const switching = (accept: string, more = "") =>
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n" +
  `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: mesh.v1\r\n\r\n${more}`;

/** An application of HTTP/1 alone behind the pair: what does not begin as HTTP/1 is answered 400 there. */
export async function withHttp1(
  use: (pair: Pair, application: Application) => Promise<void>,
  environment: Record<string, string> = {},
): Promise<void> {
  const application = new Application();
  // The proxy asks first whether HTTP/2 is spoken; that connection is none of the case's.
  const accepts = new Server(async (connection) => {
    const first = new Uint8Array(65536), count = await connection.read(first) ?? 0;
    if (latin1(first.subarray(0, count)).startsWith("PRI ")) {
      await connection.write(
        bytesOf("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
      );
      return connection.close();
    }
    application.text = latin1(first.subarray(0, count));
    application.accepted.resolve(connection);
  });
  await withPair(
    () => new Response(),
    async (pair) => {
      pair.client.control.endpoints.set(WEB, [
        endpointAt({ ip: "127.0.0.1", port: accepts.port }, SERVER, pair.server.inboundAddress.port),
      ]);
      await use(pair, application);
    },
    environment,
    environment,
  );
  await accepts.close();
  await application.server.close();
}
