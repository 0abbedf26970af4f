/**
 * Where a port's connections are counted, by whose they are: the same clients come again, and the labels of their
 * series are not written anew for each connection. Series that were dropped meanwhile are not found here.
 */
import type { Value } from "./telemetry.ts";
import type { TcpSeries } from "./tcp_series.ts";

/** More clients than that have their labels written again. */
const MAX_CLIENTS = 256;

/** What the labels are made of; by identity where there is one. */
export interface Whose<Policy> {
  readonly policy: Policy;
  readonly ip: string;
  readonly isTls: boolean;
  /** Its identity; or why it has none. */
  readonly name: string;
}

export interface KnownSeries<Policy> extends Whose<Policy> {
  readonly tcp: TcpSeries;
  /** Of connections that an authorization admitted: the one that did, and their counter. */
  allowed: { readonly by: object; readonly counter: Value } | undefined;
}

export class ConnectionSeries<Policy = object> {
  readonly #known = new Map<string, KnownSeries<Policy>>();

  get size(): number {
    return this.#known.size;
  }

  /** The series of such a connection, if they are known and still told. */
  find(policy: Policy, ip: string, isTls: boolean, name: string): KnownSeries<Policy> | undefined {
    const known = this.#known.get(name);
    if (known === undefined || known.policy !== policy || known.isTls !== isTls || known.ip !== ip) {
      return undefined;
    }
    return known.tcp.isForgotten ? undefined : known;
  }

  /** Remembers where such connections are counted. */
  keep(whose: Whose<Policy>, tcp: TcpSeries): KnownSeries<Policy> {
    if (this.#known.size >= MAX_CLIENTS) this.#known.clear();
    const known: KnownSeries<Policy> = { ...whose, tcp, allowed: undefined };
    this.#known.set(whose.name, known);
    return known;
  }
}
