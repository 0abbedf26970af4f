/**
 * Certificate chains that OpenSSL has verified for one context, so that a peer that comes back costs no signature to
 * verify. A peer of the mesh makes many connections with the same certificate, which lives for a day.
 *
 * Nothing is judged here: what is found is what was verified, byte by byte, against the same anchors (a context never
 * changes them; rotation makes a new one), for the same name, and while every certificate that led to the anchor is in
 * date. Revocation lists are not used by the mesh. That the peer holds the key is proven in each handshake, as ever.
 */

/** More peers than that are verified again when they come back. A chain is about a kilobyte, and at most eight. */
const MAX_CHAINS = 512;

export interface VerifiedChain {
  /** What the peer sent, DER of each certificate after the other, leaf first. */
  readonly der: Uint8Array;
  /** The name that the leaf was to be for; empty for any. */
  readonly peerName: string;
  /** DNS and URI names of the leaf, in the order they stand. */
  readonly names: readonly string[];
  /** When all certificates up to the anchor are in date: milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** The last bytes of a certificate are of its signature: as good as random. Whoever collides is told apart by all bytes. */
function hashOf(bytes: Uint8Array, length: number): number {
  return length < 4
    ? 0
    : bytes[length - 4]! << 24 | bytes[length - 3]! << 16 | bytes[length - 2]! << 8 | bytes[length - 1]!;
}

export class VerifiedChains {
  readonly #chains = new Map<number, VerifiedChain>();

  get size(): number {
    return this.#chains.size;
  }

  /** The chain whose DER is the first `length` of `bytes`, if it was verified for `peerName` and is in date at `now`. */
  find(bytes: Uint8Array, length: number, peerName: string, now: number): VerifiedChain | undefined {
    const chain = this.#chains.get(hashOf(bytes, length));
    if (chain === undefined || chain.peerName !== peerName) return undefined;
    const { der } = chain;
    if (der.length !== length) return undefined;
    for (let i = 0; i < length; i++) if (der[i] !== bytes[i]) return undefined;
    return now >= chain.notBefore && now < chain.notAfter ? chain : undefined;
  }

  /** Remembers a chain; the one that was remembered first goes when there are too many. */
  keep(chain: VerifiedChain): void {
    const hash = hashOf(chain.der, chain.der.length);
    this.#chains.delete(hash);
    this.#chains.set(hash, chain);
    if (this.#chains.size <= MAX_CHAINS) return;
    for (const oldest of this.#chains.keys()) {
      this.#chains.delete(oldest);
      return;
    }
  }
}
