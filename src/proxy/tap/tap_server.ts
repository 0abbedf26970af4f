/**
 * The tap server on the control port: mutual TLS with the mesh's identity, and only the one client that
 * LINKERD2_PROXY_TAP_SVC_NAME names may observe. Without that variable there is no server.
 *
 * Connections are few and bounded; whoever is not the one is answered UNAUTHENTICATED and sent away, so that
 * strangers cannot keep it from the one who may.
 * Source: proxy.md §1, §16; config.md §9 (CONTROL_LISTEN_ADDR, TAP_SVC_NAME).
 */
import type { SocketAddress } from "../../linux/address.ts";
import { close } from "../../linux/socket.ts";
import { TlsSession } from "../../linux/openssl/session.ts";
import { type Accepted, Listener } from "../accept/listener.ts";
import { takeTables } from "../http/http2/tables.ts";
import type { Runtime } from "../runtime.ts";
import { ServerHandshake } from "../tls/server_handshake.ts";
import { NOBODY, Stream } from "../worker/stream.ts";
import type { TapHub } from "./hub.ts";
import { TapConnection } from "./tap_connection.ts";

/** Connections of the client that may observe, and those of whom that is not known (yet). */
const MAX_CONNECTIONS = 16, MAX_STRANGERS = 32;
/** A stranger that asks for nothing is sent away after so long. */
const STRANGER_MS = 10_000;

export class TapServer {
  readonly #listener: Listener;
  readonly #connections = new Set<TapConnection>();
  #admitted = 0;
  #strangers = 0;
  readonly address: SocketAddress;

  /**
   * @param name the identity that may observe
   * @throws SystemError when the control port cannot be listened on
   */
  constructor(
    private readonly runtime: Runtime,
    private readonly name: string,
    private readonly hub: TapHub,
  ) {
    const { loop, config, log } = runtime;
    this.#listener = new Listener(
      loop,
      config.controlListen,
      { ...config.inbound.accept, backlog: 128, isReusePort: false },
      (accepted) => this.#accept(accepted),
      (message) => log.warn(message),
    );
    this.address = this.#listener.address;
  }

  #accept({ fd, client }: Accepted): void {
    const { loop, arena, tls, config, log } = this.runtime;
    if (tls.server === undefined || this.#strangers >= MAX_STRANGERS) return close(fd);
    this.#strangers++;
    const stream = new Stream(loop, arena, fd, NOBODY, "open").secure(new TlsSession(tls.server, fd));
    new ServerHandshake(stream, config.inbound.detectTimeoutMs, (identity) => {
      if (identity === this.name) {
        this.#strangers--;
        return this.#admit(stream);
      }
      log.warn("a tap was refused", { client: client.ip, identity: identity ?? "none" });
      this.#serve(
        stream,
        `${identity ?? "a client without an identity"} may not tap; ${this.name} may`,
        () => this.#strangers--,
      );
    }, (failure) => {
      this.#strangers--;
      log.debug("TLS handshake of a tap failed", { client: client.ip, error: failure.detail });
    });
  }

  #admit(stream: Stream): void {
    if (this.#admitted >= MAX_CONNECTIONS) return stream.abort();
    this.#admitted++;
    this.#serve(stream, undefined, () => this.#admitted--);
  }

  #serve(stream: Stream, stranger: string | undefined, onClosed: () => void): void {
    const tables = takeTables(stream.arena);
    if (tables === undefined) {
      onClosed();
      return stream.abort();
    }
    const connection = new TapConnection(stream, tables, this.hub, stranger, () => {
      this.#connections.delete(connection);
      cancel();
      onClosed();
    });
    const cancel = stranger === undefined
      ? () => {}
      : this.runtime.loop.after(STRANGER_MS, () => connection.close());
    this.#connections.add(connection);
    connection.greet();
  }

  close(): void {
    this.#listener.close();
    for (const connection of [...this.#connections]) connection.close();
  }
}
