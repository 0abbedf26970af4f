/** Addresses of a network, given out in turn: one that was given back rests as long as others are free. */
import { parsePrefix } from "../../linux/netlink/route.ts";

export class AddressPool {
  /** The first address of the network that a host may have; never given out. */
  readonly first: string;
  readonly #network: number;
  readonly #size: number;
  readonly #taken = new Set<number>();
  #next = 2;

  /** @param network IPv4, at least a /30 */
  constructor(network: string) {
    const { bytes, length } = parsePrefix(network);
    if (bytes.length !== 4 || length > 30) {
      throw new RangeError(`not an IPv4 network with room for pods: ${network}`);
    }
    this.#size = 2 ** (32 - length);
    const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
    this.#network = number - number % this.#size;
    this.first = this.#text(1);
  }

  #text(host: number): string {
    const number = this.#network + host;
    return [number / 2 ** 24, number / 2 ** 16, number / 2 ** 8, number].map((part) => Math.floor(part) % 256)
      .join(".");
  }

  /** @throws RangeError when all are taken */
  take(): string {
    for (let tried = 2; tried < this.#size; tried++) {
      const host = this.#next;
      this.#next = host + 1 >= this.#size - 1 ? 2 : host + 1;
      if (this.#taken.has(host)) continue;
      this.#taken.add(host);
      return this.#text(host);
    }
    throw new RangeError("every pod address is taken");
  }

  giveBack(address: string): void {
    const number = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
    this.#taken.delete(number - this.#network);
  }
}
