/**
 * TLS contexts: what a process is (key, certificate chain), whom it trusts (anchors), and how it speaks (TLS 1.3 only,
 * Linkerd's suites in Linkerd's order, no session tickets). A context is immutable; rotation makes a new one and lets
 * old connections keep theirs (OpenSSL counts references).
 * Source: proxy.md §11; SSL_CTX_set_mode(3), SSL_CTX_set_read_ahead(3).
 */
import { currentHandshake, verifyCallback } from "./handshake.ts";
import { VerifiedChains } from "./verified_chains.ts";
import { LinearMemory } from "../memory.ts";
import { copyMemory, cString, decodeDer, must, openssl, SCRATCH, scratch, takeErrors } from "./library.ts";
import type { PrivateKey } from "./key.ts";

const CTRL_MODE = 33, CTRL_READ_AHEAD = 41, CTRL_MIN_PROTOCOL = 123, CTRL_EXTRA_CHAIN = 14, CTRL_GROUPS = 92;
const TLS_1_3 = 0x304n, ENABLE_PARTIAL_WRITE = 1n, ACCEPT_MOVING_WRITE_BUFFER = 2n, RELEASE_BUFFERS = 16n;
/** The chain is what we are given: otherwise OpenSSL verifies our own leaf in each handshake, to find what to send. */
const NO_AUTO_CHAIN = 8n;
const VERIFY_PEER = 1, OP_NO_TICKET = 1n << 14n, OP_NO_COMPRESSION = 1n << 17n;
const CIPHER_SUITES = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
/** Preferred first; a library that does not know the post-quantum hybrid (before OpenSSL 3.5) takes the rest. */
const GROUPS = ["X25519MLKEM768:X25519:P-256:P-384", "X25519:P-256:P-384"];

/**
 * Two full records and a little: half the reads of a connection that streams. More is moved about inside the buffer
 * than it saves (measured). It is held only while bytes wait in it (RELEASE_BUFFERS).
 */
const READ_BUFFER_SIZE = 33_500n;

export interface TlsIdentity {
  readonly key: PrivateKey;
  /** DER, leaf first. */
  readonly chain: readonly Uint8Array[];
}

export interface TlsContextOptions {
  readonly side: "server" | "client";
  /** DER of the certificates that peers must chain to. */
  readonly anchors: readonly Uint8Array[];
  /** Absent before a certificate has been issued: such a client can only call servers that do not insist. */
  readonly identity?: TlsIdentity;
  /** Server: protocols it picks from, first match in this order wins; none offered or none matching is no ALPN. */
  readonly alpn?: readonly string[];
}

/** A certificate object of OpenSSL for the time of `use`. */
function withCertificate<T>(der: Uint8Array, use: (certificate: Deno.PointerObject) => T): T {
  const library = openssl();
  const certificate = must(decodeDer(der, (at, length) => library.d2i_X509(null, at, length)), "certificate");
  try {
    return use(certificate);
  } finally {
    library.X509_free(certificate);
  }
}

/** Protocol names as TLS carries them: each with its length before it (RFC 7301 §3.1). */
export function encodeAlpn(protocols: readonly string[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(protocols.flatMap((name) => [name.length, ...new TextEncoder().encode(name)]));
}

/** Whether a list as `encodeAlpn` writes it, the first `length` of `bytes`, has this name. */
function isOffered(bytes: Uint8Array, length: number, name: Uint8Array): boolean {
  for (let at = 0; at < length; at += 1 + bytes[at]!) {
    if (bytes[at] === name.length && at + 1 + name.length <= length && isAt(bytes, at + 1, name)) return true;
  }
  return false;
}

function isAt(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[at + i] !== name[i]) return false;
  return true;
}

const SSL_TLSEXT_ERR_OK = 0, SSL_TLSEXT_ERR_NOACK = 3;

/** What OpenSSL is told of a choice, at an address that does not change: where the name lies, its length, the name. */
interface Choice {
  readonly name: string;
  readonly encoded: Uint8Array;
  /** Held on to: it holds what the addresses are of. */
  readonly memory: LinearMemory;
  readonly address: Deno.PointerObject;
  readonly length: Deno.PointerObject;
}

function choiceOf(name: string): Choice {
  const encoded = new TextEncoder().encode(name), memory = new LinearMemory(new ArrayBuffer(512));
  memory.bytes.set(encoded, 16);
  memory.bytes[8] = encoded.length;
  memory.view.setBigUint64(0, BigInt(Deno.UnsafePointer.value(memory.pointer(16, 1))), true);
  return { name, encoded, memory, address: memory.pointer(0, 8), length: memory.pointer(8, 1) };
}

/** Picks among what the client offers; OpenSSL calls it inside the handshake, on this thread. */
class AlpnSelector {
  readonly #choices: readonly Choice[];
  readonly callback: Deno.UnsafeCallback<
    { parameters: ["pointer", "pointer", "pointer", "pointer", "u32", "pointer"]; result: "i32" }
  >;

  constructor(protocols: readonly string[]) {
    this.#choices = protocols.map(choiceOf);
    this.callback = new Deno.UnsafeCallback(
      {
        parameters: ["pointer", "pointer", "pointer", "pointer", "u32", "pointer"],
        result: "i32",
      } as const,
      (_ssl, out, outLength, offered, length) => this.#select(out, outLength, offered, length),
    );
  }

  #select(
    out: Deno.PointerValue,
    outLength: Deno.PointerValue,
    offered: Deno.PointerValue,
    length: number,
  ): number {
    if (out === null || outLength === null || offered === null) return SSL_TLSEXT_ERR_NOACK;
    if (length > scratch.size) return SSL_TLSEXT_ERR_NOACK;
    copyMemory(SCRATCH, offered, length);
    for (const choice of this.#choices) {
      if (!isOffered(scratch.bytes, length, choice.encoded)) continue;
      copyMemory(out, choice.address, 8);
      copyMemory(outLength, choice.length, 1);
      const handshake = currentHandshake();
      if (handshake !== undefined) handshake.alpn = choice.name;
      return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
  }
}

/** The selectors ever made, by their list: contexts come and go with certificates, these stay. */
const selectors = new Map<string, AlpnSelector>();

export class TlsContext {
  readonly pointer: Deno.PointerObject;
  readonly isServer: boolean;
  /** Chains that lead to its anchors. */
  readonly verified = new VerifiedChains();

  /** @throws Error with OpenSSL's reason when key, chain and anchors do not fit together */
  constructor(options: TlsContextOptions) {
    const library = openssl();
    this.isServer = options.side === "server";
    const method = this.isServer ? library.TLS_server_method() : library.TLS_client_method();
    this.pointer = must(library.SSL_CTX_new(method), "context");
    library.SSL_CTX_ctrl(this.pointer, CTRL_MIN_PROTOCOL, TLS_1_3, null);
    const modes = ENABLE_PARTIAL_WRITE | ACCEPT_MOVING_WRITE_BUFFER | RELEASE_BUFFERS | NO_AUTO_CHAIN;
    library.SSL_CTX_ctrl(this.pointer, CTRL_MODE, modes, null);
    // Without read-ahead OpenSSL reads each record's 5-byte header by a system call of its own.
    library.SSL_CTX_ctrl(this.pointer, CTRL_READ_AHEAD, 1n, null);
    library.SSL_CTX_set_options(this.pointer, OP_NO_TICKET | OP_NO_COMPRESSION);
    library.SSL_CTX_set_default_read_buffer_len(this.pointer, READ_BUFFER_SIZE);
    library.SSL_CTX_set_num_tickets(this.pointer, 0n);
    must(library.SSL_CTX_set_ciphersuites(this.pointer, cString(CIPHER_SUITES)), "cipher suites");
    this.#setGroups();
    if (options.identity !== undefined) this.#setIdentity(options.identity);
    const store = library.SSL_CTX_get_cert_store(this.pointer);
    for (const anchor of options.anchors) {
      withCertificate(
        anchor,
        (certificate) => must(library.X509_STORE_add_cert(store, certificate), "trust anchor"),
      );
    }
    library.SSL_CTX_set_verify(this.pointer, VERIFY_PEER, null);
    library.SSL_CTX_set_cert_verify_callback(this.pointer, verifyCallback(), null);
    if (options.alpn !== undefined && options.alpn.length > 0) this.#setAlpn(options.alpn);
    takeErrors();
  }

  #setGroups(): void {
    for (const groups of GROUPS) {
      const pointer = Deno.UnsafePointer.of(cString(groups));
      if (openssl().SSL_CTX_ctrl(this.pointer, CTRL_GROUPS, 0n, pointer) === 1n) return;
    }
    throw new Error(`openssl: no key exchange group of ${GROUPS.at(-1)}: ${takeErrors()}`);
  }

  #setIdentity(identity: TlsIdentity): void {
    const library = openssl();
    const [leaf, ...intermediates] = identity.chain;
    if (leaf === undefined) throw new Error("openssl: an identity without a certificate");
    withCertificate(
      leaf,
      (certificate) => must(library.SSL_CTX_use_certificate(this.pointer, certificate), "leaf certificate"),
    );
    must(library.SSL_CTX_use_PrivateKey(this.pointer, identity.key.pointer), "private key");
    must(library.SSL_CTX_check_private_key(this.pointer), "key and certificate do not belong together");
    for (const der of intermediates) {
      // The context takes this certificate over and frees it: no withCertificate.
      const certificate = must(
        decodeDer(der, (at, length) => library.d2i_X509(null, at, length)),
        "certificate",
      );
      library.SSL_CTX_ctrl(this.pointer, CTRL_EXTRA_CHAIN, 0n, certificate);
    }
  }

  #setAlpn(protocols: readonly string[]): void {
    const library = openssl();
    if (!this.isServer) {
      const encoded = encodeAlpn(protocols);
      library.SSL_CTX_set_alpn_protos(this.pointer, encoded, encoded.length);
      return;
    }
    const key = protocols.join(" ");
    let selector = selectors.get(key);
    if (selector === undefined) selectors.set(key, selector = new AlpnSelector(protocols));
    library.SSL_CTX_set_alpn_select_cb(this.pointer, selector.callback.pointer, null);
  }

  /** Gives the context up; connections made from it live on. */
  free(): void {
    openssl().SSL_CTX_free(this.pointer);
  }
}
