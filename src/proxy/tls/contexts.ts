/**
 * What this workload proves and whom it trusts, right now. Replaced as a whole when a certificate is renewed: new
 * connections take the new contexts, old ones keep theirs (OpenSSL counts references).
 */
import { TlsContext, type TlsIdentity } from "../../linux/openssl/context.ts";

/** ALPN of connections that begin with a transport header. */
export const TRANSPORT_ALPN = "transport.l5d.io/v1";

export class TlsContexts {
  #client: TlsContext;
  #server: TlsContext | undefined;
  #anchors: readonly Uint8Array[];

  /** @param anchors DER of the certificates that peers must chain to */
  constructor(readonly localName: string, anchors: readonly Uint8Array[]) {
    this.#anchors = anchors;
    // Without a certificate yet: good enough to call the identity service, which does not insist on one.
    this.#client = new TlsContext({ side: "client", anchors });
  }

  get client(): TlsContext {
    return this.#client;
  }

  /** Undefined before the first certificate. */
  get server(): TlsContext | undefined {
    return this.#server;
  }

  /** DER of the certificates that peers must chain to, right now. */
  get anchors(): readonly Uint8Array[] {
    return this.#anchors;
  }

  /**
   * Takes a certificate into use, and with it the anchors that hold from now on.
   * @throws Error when key and chain do not fit; what was in use stays
   */
  install(identity: TlsIdentity, anchors: readonly Uint8Array[] = this.#anchors): void {
    const client = new TlsContext({ side: "client", anchors, identity });
    const server = new TlsContext({
      side: "server",
      anchors,
      identity,
      alpn: [TRANSPORT_ALPN],
    });
    this.#anchors = anchors;
    this.#client.free();
    this.#server?.free();
    this.#client = client;
    this.#server = server;
  }
}
