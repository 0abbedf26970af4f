/**
 * One TLS connection on a non-blocking socket: handshake, read and write into linear memory, close.
 * Answers are numbers, as for plain sockets; what went wrong is kept for whoever asks.
 * Source: SSL_get_error(3), SSL_read(3), SSL_has_pending(3).
 */
import { certificateNames } from "./certificate.ts";
import { encodeAlpn, type TlsContext } from "./context.ts";
import { doHandshake, Handshake } from "./handshake.ts";
import { cString, encodeDer, must, openssl, SCRATCH, scratch, takeErrors } from "./library.ts";

/** Try again when the socket is readable. */
export const WANT_READ = -1001;
/** Try again when the socket is writable. */
export const WANT_WRITE = -1002;
/** The connection is of no more use; `failure` says why. */
export const TLS_FAILED = -1003;

const ERROR_WANT_READ = 2, ERROR_WANT_WRITE = 3, ERROR_SYSCALL = 5, ERROR_ZERO_RETURN = 6;
const CTRL_SET_SPLIT_SEND_FRAGMENT = 125,
  CTRL_SET_TLSEXT_HOSTNAME = 55,
  NO_PARTIAL_WILDCARDS = 4,
  NO_WILDCARDS = 2,
  VERIFY_OK = 0n;

export interface ClientHelloOptions {
  /** The name sent (SNI). */
  readonly serverName: string;
  /** The DNS name the peer's certificate must carry; a URI identity is compared by the caller, after the handshake. */
  readonly peerName?: string;
  readonly alpn?: readonly string[];
}

export class TlsSession {
  readonly #ssl: Deno.PointerObject;
  readonly #handshake: Handshake;
  #failure = "";
  #isFreed = false;

  constructor(context: TlsContext, fd: number, hello?: ClientHelloOptions) {
    const library = openssl();
    this.#ssl = must(library.SSL_new(context.pointer), "connection");
    this.#handshake = new Handshake(context.verified, hello?.peerName ?? "");
    must(library.SSL_set_fd(this.#ssl, fd), "descriptor");
    if (context.isServer) {
      library.SSL_set_accept_state(this.#ssl);
      return;
    }
    library.SSL_set_connect_state(this.#ssl);
    if (hello === undefined) return;
    library.SSL_ctrl(this.#ssl, CTRL_SET_TLSEXT_HOSTNAME, 0n, cString(hello.serverName));
    if (hello.alpn !== undefined) {
      const encoded = encodeAlpn(hello.alpn);
      library.SSL_set_alpn_protos(this.#ssl, encoded, encoded.length);
    }
    if (hello.peerName !== undefined) {
      library.SSL_set_hostflags(this.#ssl, NO_WILDCARDS | NO_PARTIAL_WILDCARDS);
      must(library.SSL_set1_host(this.#ssl, cString(hello.peerName)), "peer name");
    }
  }

  /** Why the connection failed, in OpenSSL's words; empty while it has not. */
  get failure(): string {
    return this.#failure;
  }

  /** Takes the handshake a step on. @returns 1 when done, or WANT_READ, WANT_WRITE, TLS_FAILED */
  handshake(): number {
    const answer = doHandshake(this.#ssl, this.#handshake);
    return answer === 1 ? 1 : this.#outcome(answer);
  }

  /** @returns bytes (0 = the peer closed), or WANT_READ, WANT_WRITE, TLS_FAILED */
  read(pointer: Deno.PointerObject, length: number): number {
    const count = openssl().SSL_read(this.#ssl, pointer, length);
    return count > 0 ? count : this.#outcome(count);
  }

  /** @returns bytes taken, or WANT_READ, WANT_WRITE, TLS_FAILED */
  write(pointer: Deno.PointerObject, length: number): number {
    const count = openssl().SSL_write(this.#ssl, pointer, length);
    return count > 0 ? count : this.#outcome(count);
  }

  /** Records hold at most `size` bytes from now on (512 to 16,384): small ones can be opened sooner. */
  limitRecords(size: number): void {
    openssl().SSL_ctrl(this.#ssl, CTRL_SET_SPLIT_SEND_FRAGMENT, BigInt(size), null);
  }

  /** True while bytes read from the socket wait inside OpenSSL: epoll will not tell of them. */
  hasPending(): boolean {
    return openssl().SSL_has_pending(this.#ssl) === 1;
  }

  #outcome(answer: number): number {
    const library = openssl();
    switch (library.SSL_get_error(this.#ssl, answer)) {
      case ERROR_WANT_READ:
        return WANT_READ;
      case ERROR_WANT_WRITE:
        return WANT_WRITE;
      case ERROR_ZERO_RETURN:
        return 0;
      case ERROR_SYSCALL:
        this.#failure = takeErrors() || "the peer closed the connection without saying so";
        return TLS_FAILED;
      default: {
        this.#failure = takeErrors();
        const verify = library.SSL_get_verify_result(this.#ssl);
        if (verify !== VERIFY_OK) {
          const text = library.X509_verify_cert_error_string(verify);
          if (text !== null) this.#failure += ` (${new Deno.UnsafePointerView(text).getCString()})`;
        }
        return TLS_FAILED;
      }
    }
  }

  /** DNS and URI names of the peer's certificate; none when it showed no certificate. Call after the handshake. */
  peerIdentities(): readonly string[] {
    const { peer } = this.#handshake;
    if (peer !== undefined) return peer.names;
    const library = openssl();
    const certificate = library.SSL_get1_peer_certificate(this.#ssl);
    if (certificate === null) return [];
    try {
      const der = encodeDer((out) => library.i2d_X509(certificate, out), "peer certificate");
      return certificateNames(der);
    } finally {
      library.X509_free(certificate);
    }
  }

  /** The negotiated application protocol, empty for none. */
  alpn(): string {
    if (this.#handshake.alpn !== "") return this.#handshake.alpn;
    openssl().SSL_get0_alpn_selected(this.#ssl, SCRATCH, scratch.pointer(8, 4));
    const length = scratch.view.getUint32(8, true);
    const pointer = Deno.UnsafePointer.create(scratch.view.getBigUint64(0, true));
    if (length === 0 || pointer === null) return "";
    return String.fromCharCode(...new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(pointer, length)));
  }

  /** Tells the peer that no more bytes come (close_notify); the socket is the caller's to close. */
  closeNotify(): void {
    openssl().SSL_shutdown(this.#ssl);
    openssl().ERR_clear_error();
  }

  /** Gives the connection's memory back. Safe to call twice. */
  free(): void {
    if (this.#isFreed) return;
    this.#isFreed = true;
    openssl().SSL_free(this.#ssl);
  }
}
