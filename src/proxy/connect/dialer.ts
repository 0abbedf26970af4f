/** Makes connections: the socket options of its direction, the mark that exempts them from redirection, TLS. */
import type { SocketAddress } from "../../linux/address.ts";
import { ECONNREFUSED, errnoName } from "../../linux/errno.ts";
import { TlsSession } from "../../linux/openssl/session.ts";
import { canMark, connectTcp, setKeepAlive, setNoDelay, setUserTimeout } from "../../linux/socket.ts";
import { PROXY_MARK } from "../../mesh/names.ts";
import type { DirectionConfig } from "../config/environment.ts";
import { type TlsContexts, TRANSPORT_ALPN } from "../tls/contexts.ts";
import type { Arena } from "../worker/arena.ts";
import type { Loop } from "../worker/loop.ts";
import { Stream, type StreamFailure, type StreamOwner } from "../worker/stream.ts";

/** TLS towards a peer proxy. */
export interface PeerTls {
  readonly serverName: string;
  /** The identity it must prove. */
  readonly name: string;
  readonly isTransport: boolean;
}

export class Dialer {
  readonly #mark: number;

  constructor(
    readonly loop: Loop,
    readonly arena: Arena,
    readonly config: DirectionConfig,
    readonly tls: TlsContexts,
  ) {
    this.#mark = canMark() ? PROXY_MARK : 0;
  }

  /** Starts a connection to `address`. @returns the stream, or why it failed at once */
  dial(address: SocketAddress, owner: StreamOwner, peer?: PeerTls): Stream | StreamFailure {
    const fd = connectTcp(address, this.#mark);
    if (fd < 0) {
      const detail = `connect: ${errnoName(-fd || ECONNREFUSED)}`;
      return { code: "connect", detail, errno: -fd };
    }
    const { connect } = this.config;
    setNoDelay(fd);
    if (connect.keepAliveMs !== undefined) setKeepAlive(fd, connect.keepAliveMs);
    if (connect.userTimeoutMs !== undefined) setUserTimeout(fd, connect.userTimeoutMs);
    const tls = peer === undefined ? undefined : new TlsSession(this.tls.client, fd, {
      serverName: peer.serverName,
      ...(peer.name.includes("://") ? {} : { peerName: peer.name }),
      ...(peer.isTransport ? { alpn: [TRANSPORT_ALPN] } : {}),
    });
    return new Stream(this.loop, this.arena, fd, owner, "connecting", tls);
  }
}
