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

  /** @param anchors DER of the certificates that peers must chain to */
  constructor(readonly localName: string, readonly anchors: readonly Uint8Array[]) {
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

  /** Takes a certificate into use. @throws Error when key and chain do not fit; the old one stays */
  install(identity: TlsIdentity): void {
    const client = new TlsContext({ side: "client", anchors: this.anchors, identity });
    const server = new TlsContext({
      side: "server",
      anchors: this.anchors,
      identity,
      alpn: [TRANSPORT_ALPN],
    });
    this.#client.free();
    this.#server?.free();
    this.#client = client;
    this.#server = server;
  }
}
