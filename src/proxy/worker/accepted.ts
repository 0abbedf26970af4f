/**
 * Who has connections open here, so that what an idle one holds can be had back for one that is of use: stocks are
 * bounded, and a client that opens connections and leaves them must not lock out everyone else.
 *
 * Looked through only when something has run out: a request costs one number, the time at which it ended.
 */

/** A connection that a client has open. */
export interface AcceptedConnection {
  /** The client's address, without its port. */
  readonly clientIp: string;
  /** It carries nothing now, and nothing of a request has come. */
  readonly isIdle: boolean;
  /** When its last request ended, or it was opened; microseconds on the loop's clock. */
  readonly idleSince: number;
  /**
   * Ends it; it is idle. What it holds of the arena is given back before this returns.
   * @param isForDescriptor so is its descriptor
   */
  giveUp(isForDescriptor: boolean): void;
}

export class AcceptedConnections {
  readonly #connections = new Set<AcceptedConnection>();
  readonly #counts = new Map<string, number>();

  constructor(private readonly isForDescriptors: boolean) {}

  get size(): number {
    return this.#connections.size;
  }

  add(connection: AcceptedConnection): void {
    this.#connections.add(connection);
    this.#counts.set(connection.clientIp, this.#countOf(connection.clientIp) + 1);
  }

  delete(connection: AcceptedConnection): void {
    if (!this.#connections.delete(connection)) return;
    const left = this.#countOf(connection.clientIp) - 1;
    if (left > 0) this.#counts.set(connection.clientIp, left);
    else this.#counts.delete(connection.clientIp);
  }

  #countOf(clientIp: string): number {
    return this.#counts.get(clientIp) ?? 0;
  }

  /** The client that has more than half of all connections. */
  get #greediest(): string | undefined {
    for (const [clientIp, count] of this.#counts) if (2 * count > this.#connections.size) return clientIp;
    return undefined;
  }

  /**
   * Gives up the connection that has been idle longest: one of the client that has more than half of all, while it has
   * one that is idle. Such a client displaces nobody else.
   *
   * @param clientIp for whom; undefined when it is for the proxy's own use
   * @returns false when there is none: nothing was given up
   */
  makeRoom(clientIp: string | undefined): boolean {
    const greediest = this.#greediest;
    let ofGreediest: AcceptedConnection | undefined, ofOthers: AcceptedConnection | undefined;
    for (const connection of this.#connections) {
      if (!connection.isIdle) continue;
      if (connection.clientIp === greediest) {
        if (!(connection.idleSince >= (ofGreediest?.idleSince ?? Infinity))) ofGreediest = connection;
      } else if (!(connection.idleSince >= (ofOthers?.idleSince ?? Infinity))) ofOthers = connection;
    }
    const isOwn = greediest !== undefined && clientIp === greediest;
    const given = ofGreediest ?? (isOwn ? undefined : ofOthers);
    if (given === undefined) return false;
    this.delete(given);
    given.giveUp(this.isForDescriptors);
    return true;
  }
}
